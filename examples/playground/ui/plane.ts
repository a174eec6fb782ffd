import { classLetters, MAXIMUM_DRAWN_CLASSES } from '../data/data-set.js';
import type { Runner } from '../model/runner.js';
import { byId, h, setOptions } from './dom.js';
import { MAXIMUM_POINTS, PlanePainter, type Sample, type UnitPlace } from './plane-painter.js';
import { placeOf, type View } from './view.js';

/** What a click on the plane does. */
export type PlaneMode = 'inspect' | 'erase' | { readonly label: number };

export interface PlaneEvents {
  drawn(x: number, y: number, label: number): void;
  erased(x: number, y: number): void;
  chosen(sample: Sample): void;
}

/** The plane of the inputs: points, what the network makes of every place, and a cursor to draw with. */
export class Plane {
  readonly #canvas = byId<HTMLCanvasElement>('plane');
  readonly #showsSelect = byId<HTMLSelectElement>('plane-shows');
  readonly #modes = byId('plane-modes');
  readonly #events: PlaneEvents;
  #mode: PlaneMode = 'inspect';
  #shows: UnitPlace | null = null;
  #cursor: { x: number; y: number } | null = null;
  #runner: Runner | null = null;
  #view: View | null = null;
  #sample: Sample | null = null;
  #batch = new Set<number>();
  /** Where the pointer last drew. */
  #lastPlace: { x: number; y: number } | null = null;

  constructor(events: PlaneEvents) {
    this.#events = events;
    this.#canvas.setAttribute('role', 'application');
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
    if (
      this.#shows &&
      (this.#shows.layer >= layers.length || this.#shows.unit >= layers[this.#shows.layer].units)
    ) {
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

  get shows(): UnitPlace | null {
    return this.#shows;
  }

  draw(): void {
    const [runner, view] = [this.#runner, this.#view];
    if (!runner?.trainer || !view || view.kind === 'digits' || this.#canvas.clientWidth === 0) return;
    const { trainer } = runner;
    const painter = new PlanePainter(this.#canvas, view);
    if (view.kind === 'classes') painter.raster(runner, trainer, this.#shows);
    else painter.frame();
    if (view.kind === 'curve') painter.curve(trainer);
    if (view.kind === 'scatter') painter.scatter(runner, trainer);
    else painter.points(runner.data, this.#batch);
    if (this.#sample && view.kind !== 'scatter') painter.ring(runner.data, this.#sample);
    const label = typeof this.#mode === 'object' ? this.#mode.label : null;
    if (this.#cursor) painter.cursor(this.#cursor.x, this.#cursor.y, label);
  }

  #fillModes(canDraw: boolean, classes: number | null): void {
    const choices: [string, string, PlaneMode][] = [['inspect', 'Inspect', 'inspect']];
    if (canDraw && classes === null) choices.push(['0', 'Draw', { label: 0 }]);
    if (canDraw && classes !== null) {
      const letters = Math.min(MAXIMUM_DRAWN_CLASSES, classes + 1);
      for (let label = 0; label < letters; label++)
        choices.push([`${label}`, classLetters[label], { label }]);
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
        const input = h('input', {
          type: 'radio',
          name: 'plane-mode',
          value: key,
          checked: key === keyOf(this.#mode),
        });
        input.addEventListener('change', () => {
          this.#mode = mode;
        });
        const title =
          typeof mode === 'string' ? '' : classes === null ? 'Add points' : `Add points of class ${text}`;
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
    setOptions(this.#showsSelect, [['decision', 'decision'], ...units], value);
  }

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
      const within = (value: number, [low, high]: readonly [number, number]) =>
        Math.min(high, Math.max(low, value));
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
