import { classLetters, type DataSet, MAXIMUM_DRAWN_CLASSES } from '../data/data-set.js';
import type { Runner } from '../model/runner.js';
import { palette } from './colors.js';
import { byId, h, prepareCanvas, setOptions } from './dom.js';
import { drawMark } from './marks.js';
import { gridSize, placeOf, shareGrid, unitGrids, type View } from './view.js';
import { paintClasses, painted, paintValues, rangeOf } from './raster.js';

/** What a click on the plane does. */
export type PlaneMode = 'inspect' | 'erase' | { readonly label: number };

export interface Sample {
  readonly part: 'train' | 'test';
  readonly row: number;
}

export interface PlaneEvents {
  drawn(x: number, y: number, label: number): void;
  erased(x: number, y: number): void;
  chosen(sample: Sample): void;
}

const PIXELS = 320;
const MAXIMUM_GRID = 60;
const MAXIMUM_POINTS = 1200;
/** What the plane shows: the decision, or the output of unit `layer`.`unit`. */
type Shows = { readonly layer: number; readonly unit: number } | null;

/** The plane of the inputs: points, what the network makes of every place, and a cursor to draw with. */
export class Plane {
  readonly #canvas = byId<HTMLCanvasElement>('plane');
  readonly #showsSelect = byId<HTMLSelectElement>('plane-shows');
  readonly #modes = byId('plane-modes');
  readonly #events: PlaneEvents;
  #mode: PlaneMode = 'inspect';
  #shows: Shows = null;
  #cursor: { x: number; y: number } | null = null;
  #runner: Runner | null = null;
  #view: View | null = null;
  #sample: Sample | null = null;
  #batch = new Set<number>();

  constructor(events: PlaneEvents) {
    this.#events = events;
    this.#canvas.addEventListener('pointerdown', (event) => this.#point(event));
    this.#canvas.addEventListener('pointermove', (event) => {
      const isDrawing = event.buttons === 1 && this.#mode !== 'inspect' && event.pointerType !== 'touch';
      if (isDrawing && (event.movementX !== 0 || event.movementY !== 0)) this.#pointSparsely(event);
    });
    this.#canvas.addEventListener('keydown', (event) => this.#key(event));
    this.#canvas.addEventListener('blur', () => {
      this.#cursor = null;
      this.draw();
    });
    this.#showsSelect.addEventListener('change', () => {
      const [layer, unit] = this.#showsSelect.value.split('.').map(Number);
      this.#shows = this.#showsSelect.value === 'decision' ? null : { layer, unit };
      this.draw();
    });
  }

  get view(): View | null {
    return this.#view;
  }

  get mode(): PlaneMode {
    return this.#mode;
  }

  /** Another data set or network. */
  set(runner: Runner, view: View, canDraw: boolean): void {
    this.#runner = runner;
    this.#view = view;
    this.#batch = new Set();
    const layers = runner.trainer?.layers ?? [];
    if (this.#shows && (this.#shows.layer >= layers.length || this.#shows.unit >= layers[this.#shows.layer].units)) {
      this.#shows = null;
    }
    if (!canDraw) this.#mode = 'inspect';
    this.#fillModes(canDraw, runner.classCount);
    this.#fillShows();
  }

  /** Rows that the last step was made of. */
  mark(batch: Iterable<number>): void {
    this.#batch = new Set(batch);
  }

  select(sample: Sample | null): void {
    this.#sample = sample;
  }

  /** Shows a unit instead of the decision; the same unit again goes back. */
  show(layer: number, unit: number): void {
    const isSame = this.#shows?.layer === layer && this.#shows.unit === unit;
    this.#shows = isSame ? null : { layer, unit };
    this.#fillShows();
    this.draw();
  }

  get shows(): Shows {
    return this.#shows;
  }

  draw(): void {
    const [runner, view] = [this.#runner, this.#view];
    if (!runner?.trainer || !view || view.kind === 'digits' || this.#canvas.clientWidth === 0) return;
    const { context, width, height } = prepareCanvas(this.#canvas);
    if (view.kind === 'classes') this.#drawRaster(context, runner, view, width, height);
    else this.#drawFrame(context, width, height);
    if (view.kind === 'curve') this.#drawCurve(context, runner, view, width, height);
    if (view.kind === 'scatter') this.#drawScatter(context, runner, width, height);
    else this.#drawPoints(context, runner.data, width, height);
    if (this.#cursor) this.#drawCursor(context, this.#cursor, width, height);
  }

  #fillModes(canDraw: boolean, classes: number | null): void {
    const choices: [string, string, PlaneMode][] = [['inspect', 'Inspect', 'inspect']];
    if (canDraw && classes === null) choices.push(['0', 'Draw', { label: 0 }]);
    if (canDraw && classes !== null) {
      const letters = Math.min(MAXIMUM_DRAWN_CLASSES, classes + 1);
      for (let label = 0; label < letters; label++) choices.push([`${label}`, classLetters[label], { label }]);
    }
    if (canDraw) choices.push(['erase', 'Erase', 'erase']);
    const keyOf = (mode: PlaneMode): string => (typeof mode === 'string' ? mode : `${mode.label}`);
    this.#modes.hidden = !canDraw;
    const wanted = choices.map(([key]) => key).join();
    if (!choices.some(([key]) => key === keyOf(this.#mode))) this.#mode = 'inspect';
    if (this.#modes.dataset.choices === wanted) return;
    this.#modes.dataset.choices = wanted;
    this.#modes.replaceChildren(
      ...choices.map(([key, text, mode]) => {
        const input = h('input', { type: 'radio', name: 'plane-mode', value: key, checked: key === keyOf(this.#mode) });
        input.addEventListener('change', () => {
          this.#mode = mode;
        });
        const title = typeof mode === 'string' ? '' : classes === null ? 'Add points' : `Add points of class ${text}`;
        return h('label', { title }, input, text);
      }),
    );
  }

  #fillShows(): void {
    const view = this.#view;
    const layers = this.#runner?.trainer?.layers ?? [];
    const units = layers.flatMap(({ units: count, activation }, layer) =>
      Array.from({ length: Math.min(count, 32) }, (_, unit): [string, string] => [
        `${layer}.${unit}`,
        `${layer === layers.length - 1 ? 'output' : `layer ${layer + 1}`}, unit ${unit + 1} (${activation})`,
      ]),
    );
    const label = this.#showsSelect.parentElement as HTMLElement;
    label.hidden = view?.kind !== 'classes';
    const value = this.#shows ? `${this.#shows.layer}.${this.#shows.unit}` : 'decision';
    setOptions(this.#showsSelect, [['decision', 'the decision'], ...units], value);
  }

  #drawRaster(context: CanvasRenderingContext2D, runner: Runner, view: View, width: number, height: number): void {
    const trainer = runner.trainer as NonNullable<Runner['trainer']>;
    const size = gridSize(trainer.parameterCount, MAXIMUM_GRID);
    const image = painted(PIXELS, (target) => {
      const shows = this.#shows;
      if (shows) {
        const grid = unitGrids(runner, view, Math.min(size, 40))[shows.layer];
        const [lowest, highest] = rangeOf(grid, shows.unit);
        const reach = Math.max(Math.abs(lowest), Math.abs(highest));
        paintValues(target, grid, shows.unit, -reach, reach);
        return;
      }
      const grid = shareGrid(runner, view, size);
      if (grid) paintClasses(target, grid);
    });
    context.imageSmoothingEnabled = true;
    context.drawImage(image, 0, 0, width, height);
  }

  #drawFrame(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { soft, line } = palette();
    context.fillStyle = soft;
    context.fillRect(0, 0, width, height);
    context.strokeStyle = line;
    context.beginPath();
    for (let part = 1; part < 4; part++) {
      context.moveTo((part * width) / 4, 0);
      context.lineTo((part * width) / 4, height);
      context.moveTo(0, (part * height) / 4);
      context.lineTo(width, (part * height) / 4);
    }
    context.stroke();
  }

  #drawCurve(context: CanvasRenderingContext2D, runner: Runner, view: View, width: number, height: number): void {
    const count = 200;
    const xs = Float32Array.from({ length: count }, (_, index) => {
      return view.x[0] + (index / (count - 1)) * (view.x[1] - view.x[0]);
    });
    const { data } = (runner.trainer as NonNullable<Runner['trainer']>).predict(xs);
    context.beginPath();
    xs.forEach((x, index) => {
      const [left, top] = this.#toPixels(x, data[index], width, height);
      if (index === 0) context.moveTo(left, top);
      else context.lineTo(left, top);
    });
    context.strokeStyle = palette().ink;
    context.lineWidth = 2.5;
    context.lineJoin = 'round';
    context.stroke();
  }

  /** Predicted against true values; on the diagonal they agree. */
  #drawScatter(context: CanvasRenderingContext2D, runner: Runner, width: number, height: number): void {
    const trainer = runner.trainer as NonNullable<Runner['trainer']>;
    context.strokeStyle = palette().muted;
    context.beginPath();
    context.moveTo(0, height);
    context.lineTo(width, 0);
    context.stroke();
    for (const part of ['train', 'test'] as const) {
      const rows = runner.data[part];
      if (!rows) continue;
      const count = Math.min(rows.count, MAXIMUM_POINTS / 2);
      const inputs = runner.data.columns.length;
      const { data } = trainer.predict(rows.x.subarray(0, count * inputs));
      for (let row = 0; row < count; row++) {
        const [x, y] = this.#toPixels(rows.y[row], data[row], width, height);
        drawMark(context, part === 'train' ? 0 : 1, x, y, 3.2, part === 'test');
      }
    }
  }

  #drawPoints(context: CanvasRenderingContext2D, data: DataSet, width: number, height: number): void {
    const view = this.#view as View;
    for (const part of ['test', 'train'] as const) {
      const rows = data[part];
      if (!rows) continue;
      const size = rows.count > 500 ? 2.6 : 3.4;
      for (let row = 0; row < Math.min(rows.count, MAXIMUM_POINTS); row++) {
        const [x, y] = this.#toPixels(...placeOf(view, data, part, row), width, height);
        const inBatch = part === 'train' && this.#batch.has(row);
        drawMark(context, data.classes ? rows.y[row] : 0, x, y, inBatch ? size * 1.7 : size, part === 'test');
      }
    }
    if (!this.#sample || (this.#sample.part === 'test' && !data.test)) return;
    const [x, y] = this.#toPixels(...placeOf(view, data, this.#sample.part, this.#sample.row), width, height);
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    context.strokeStyle = palette().ink;
    context.lineWidth = 2;
    context.stroke();
  }

  #drawCursor(context: CanvasRenderingContext2D, { x, y }: { x: number; y: number }, width: number, height: number): void {
    const [left, top] = this.#toPixels(x, y, width, height);
    context.strokeStyle = palette().ink;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, 0);
    context.lineTo(left, height);
    context.moveTo(0, top);
    context.lineTo(width, top);
    context.stroke();
    if (typeof this.#mode === 'object') drawMark(context, this.#mode.label, left, top, 5, false);
  }

  #toPixels(x: number, y: number, width: number, height: number): [number, number] {
    const view = this.#view as View;
    return [
      ((x - view.x[0]) / (view.x[1] - view.x[0])) * width,
      ((y - view.y[1]) / (view.y[0] - view.y[1])) * height,
    ];
  }

  #lastPlace: { x: number; y: number } | null = null;

  /** While a button is held, a point every few pixels. */
  #pointSparsely(event: PointerEvent): void {
    const last = this.#lastPlace;
    const isFar = !last || Math.hypot(event.offsetX - last.x, event.offsetY - last.y) > 14;
    if (isFar) this.#point(event);
  }

  #point(event: PointerEvent): void {
    if (event.button > 0 || !this.#view) return;
    this.#lastPlace = { x: event.offsetX, y: event.offsetY };
    const { clientWidth, clientHeight } = this.#canvas;
    const { x, y } = this.#view;
    this.#act(
      x[0] + (event.offsetX / clientWidth) * (x[1] - x[0]),
      y[1] + (event.offsetY / clientHeight) * (y[0] - y[1]),
    );
  }

  #act(x: number, y: number): void {
    if (this.#mode === 'erase') this.#events.erased(x, y);
    else if (this.#mode === 'inspect') this.#choose(x, y);
    else this.#events.drawn(x, y, this.#mode.label);
  }

  /** The sample nearest to a place. */
  #choose(x: number, y: number): void {
    const [runner, view] = [this.#runner, this.#view];
    if (!runner || !view) return;
    let best: Sample | null = null;
    let least = Infinity;
    for (const part of ['train', 'test'] as const) {
      const count = Math.min(runner.data[part]?.count ?? 0, MAXIMUM_POINTS);
      for (let row = 0; row < count; row++) {
        const [px, py] = this.#placeShown(runner, view, part, row);
        const distance = Math.hypot((px - x) / (view.x[1] - view.x[0]), (py - y) / (view.y[1] - view.y[0]));
        if (distance < least) [best, least] = [{ part, row }, distance];
      }
    }
    if (best) this.#events.chosen(best);
  }

  #placeShown(runner: Runner, view: View, part: 'train' | 'test', row: number): [number, number] {
    if (view.kind !== 'scatter') return placeOf(view, runner.data, part, row);
    const value = runner.data[part]?.y[row] ?? 0;
    return [value, value];
  }

  #key(event: KeyboardEvent): void {
    const view = this.#view;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    };
    if (!view) return;
    const middle = { x: (view.x[0] + view.x[1]) / 2, y: (view.y[0] + view.y[1]) / 2 };
    const move = moves[event.key];
    if (move) {
      const step = event.shiftKey ? 0.01 : 0.04;
      const at = this.#cursor ?? middle;
      const within = (value: number, [low, high]: readonly [number, number]) => Math.min(high, Math.max(low, value));
      this.#cursor = {
        x: within(at.x + move[0] * step * (view.x[1] - view.x[0]), view.x),
        y: within(at.y + move[1] * step * (view.y[1] - view.y[0]), view.y),
      };
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.#cursor ??= middle;
      this.#act(this.#cursor.x, this.#cursor.y);
    } else return;
    event.preventDefault();
    this.draw();
  }
}

/** Fills the legend under the plane. */
export function fillLegend(legend: HTMLElement, data: DataSet, view: View): void {
  const mark = (label: number, isHollow: boolean): Node => {
    const canvas = h('canvas', { width: 28, height: 28 });
    canvas.style.cssText = 'width:14px;height:14px;vertical-align:-2px;margin-right:5px';
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.scale(2, 2);
    drawMark(context, label, 7, 7, 4, isHollow);
    return canvas;
  };
  const entries: Node[] = [];
  if (view.kind === 'scatter') {
    entries.push(h('span', {}, mark(0, false), 'training'), h('span', {}, mark(1, true), 'test'));
    entries.push(h('span', {}, 'across: true value, up: predicted'));
  } else if (data.classes) {
    data.classes.slice(0, 10).forEach((name, label) => {
      entries.push(h('span', {}, mark(label, false), name));
    });
    if (data.test) entries.push(h('span', {}, 'hollow: test'));
  } else {
    entries.push(h('span', {}, mark(0, false), 'samples'), h('span', {}, 'line: the network'));
  }
  legend.replaceChildren(...entries);
}
