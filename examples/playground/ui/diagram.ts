import type { LayerWeights } from 'fastmlp';
import type { Runner } from '../model/runner.js';
import { classColor, cssOf, palette } from './colors.js';
import { byId, prepareCanvas, shown } from './dom.js';
import { type Grid, paintDigit, painted, paintValues, rangeOf } from './raster.js';
import { gridSize, unitGrids, type View } from './view.js';

/** A unit or an input, where it is drawn. */
interface Place {
  readonly layer: number;
  readonly unit: number;
  readonly x: number;
  readonly y: number;
}

const MAXIMUM_UNITS = 8;
const TILE_PIXELS = 28;
const UNIT_GRID = 24;
const TOP = 22;
const BOTTOM = 18;

/** The network as units and lines: each unit painted with its output over the input plane, each line a weight. */
export class Diagram {
  readonly #canvas = byId<HTMLCanvasElement>('diagram');
  readonly #hint = byId('diagram-hint');
  readonly #chosen: (layer: number, unit: number) => void;
  #runner: Runner | null = null;
  #view: View | null = null;
  #columns: Place[][] = [];
  #tile = 34;
  #weights: LayerWeights[] = [];
  #grids: Grid[] = [];
  #digit: ArrayLike<number> | null = null;

  /** `chosen` is called with the unit that was clicked; layer 0 is the first hidden one. */
  constructor(chosen: (layer: number, unit: number) => void) {
    this.#chosen = chosen;
    this.#canvas.addEventListener('click', (event) => {
      const place = this.#placeAt(event);
      if (place && place.layer >= 0) this.#chosen(place.layer, place.unit);
    });
    this.#canvas.addEventListener('pointermove', (event) => this.#explain(event));
    this.#canvas.addEventListener('pointerleave', () => this.#showHint());
  }

  set(runner: Runner, view: View): void {
    this.#runner = runner;
    this.#view = view;
    this.#showHint();
  }

  /** The image that the network sees, in digits. */
  set digit(pixels: ArrayLike<number> | null) {
    this.#digit = pixels;
  }

  draw(marked: { readonly layer: number; readonly unit: number } | null): void {
    const [runner, view] = [this.#runner, this.#view];
    if (!runner?.trainer || !view || this.#canvas.clientWidth === 0) return;
    const { context, width, height } = prepareCanvas(this.#canvas);
    this.#weights = runner.trainer.getWeights();
    const isImage = view.kind === 'digits';
    this.#grids = isImage ? [] : unitGrids(runner, view, gridSize(runner.trainer.parameterCount, UNIT_GRID));
    this.#columns = this.#layOut(runner, width, height, isImage);
    this.#drawLines(context, isImage);
    this.#drawTiles(context, runner, view, marked);
    this.#drawHeads(context, runner, height, isImage);
  }

  #layOut(runner: Runner, width: number, height: number, isImage: boolean): Place[][] {
    const layers = runner.trainer?.layers ?? [];
    const counts = [isImage ? 1 : runner.data.columns.length, ...layers.map(({ units }) => units)];
    const most = Math.min(Math.max(...counts), counts.at(-1) === 10 && isImage ? 10 : MAXIMUM_UNITS);
    const room = height - TOP - BOTTOM;
    this.#tile = Math.min(36, room / most - 6, (width / counts.length) * 0.6);
    return counts.map((count, column) => {
      const visible = Math.min(count, most);
      const side = isImage && column === 0 ? this.#tile * 2.4 : this.#tile;
      const edge = side / 2 + 6;
      const x =
        counts.length === 1
          ? width / 2
          : edge + (column * (width - edge - this.#tile / 2 - 8)) / (counts.length - 1);
      const gap = room / Math.max(visible, 1);
      return Array.from({ length: visible }, (_, unit) => ({
        layer: column - 1,
        unit,
        x,
        y:
          TOP +
          (unit + 0.5) * Math.min(gap, this.#tile * 2) +
          (room - visible * Math.min(gap, this.#tile * 2)) / 2,
      }));
    });
  }

  #drawLines(context: CanvasRenderingContext2D, isImage: boolean): void {
    const { line } = palette();
    for (let layer = 0; layer < this.#weights.length; layer++) {
      const { weights } = this.#weights[layer];
      const [from, to] = [this.#columns[layer], this.#columns[layer + 1]];
      const whole = isImage && layer === 0;
      let largest = 1e-9;
      if (!whole)
        for (const a of from)
          for (const b of to) largest = Math.max(largest, Math.abs(weights.row(b.unit)[a.unit]));
      for (const a of from) {
        for (const b of to) {
          const weight = whole ? 0 : weights.row(b.unit)[a.unit];
          const share = Math.min(1, Math.abs(weight) / largest);
          context.strokeStyle = whole ? line : cssOf(classColor(weight < 0 ? 0 : 1), 0.25 + 0.65 * share);
          context.lineWidth = whole ? 1 : 0.4 + 5 * share;
          context.beginPath();
          context.moveTo(a.x, a.y);
          const bend = (b.x - a.x) / 2;
          context.bezierCurveTo(a.x + bend, a.y, b.x - bend, b.y, b.x, b.y);
          context.stroke();
        }
      }
    }
  }

  #drawTiles(
    context: CanvasRenderingContext2D,
    runner: Runner,
    view: View,
    marked: { readonly layer: number; readonly unit: number } | null,
  ): void {
    const { card, line, ink } = palette();
    for (const place of this.#columns.flat()) {
      const image = this.#imageOf(place, runner, view);
      const side = view.kind === 'digits' && place.layer < 0 ? this.#tile * 2.4 : this.#tile;
      const [left, top] = [place.x - side / 2, place.y - side / 2];
      const isMarked = marked?.layer === place.layer && marked.unit === place.unit;
      context.save();
      context.beginPath();
      context.roundRect(left, top, side, side, 6);
      context.fillStyle = card;
      context.fill();
      context.clip();
      if (image) context.drawImage(image, left, top, side, side);
      context.restore();
      context.strokeStyle = isMarked ? ink : line;
      context.lineWidth = isMarked ? 2.5 : 1;
      context.beginPath();
      context.roundRect(left, top, side, side, 6);
      context.stroke();
    }
  }

  /** What a tile shows: an output over the plane, a digit's pixels, or the weights of a unit as an image. */
  #imageOf({ layer, unit }: Place, runner: Runner, view: View): HTMLCanvasElement | null {
    if (view.kind === 'digits') {
      const side = runner.data.imageSize as number;
      if (layer < 0)
        return this.#digit
          ? painted(side, (image) => paintDigit(image, this.#digit as ArrayLike<number>))
          : null;
      if (layer > 0) return null;
      const weights = this.#weights[0].weights.row(unit);
      const grid: Grid = { size: side, channels: 1, values: Float32Array.from(weights) };
      const [lowest, highest] = rangeOf(grid, 0);
      const reach = Math.max(-lowest, highest, 1e-9);
      return painted(side, (image) => paintValues(image, grid, 0, -reach, reach));
    }
    if (layer < 0) return this.#inputTile(unit, view);
    const grid = this.#grids[layer];
    if (!grid) return null;
    const [lowest, highest] = rangeOf(grid, unit);
    const reach = Math.max(Math.abs(lowest), Math.abs(highest), 1e-9);
    return painted(TILE_PIXELS, (image) => paintValues(image, grid, unit, -reach, reach));
  }

  #inputTile(input: number, view: View): HTMLCanvasElement | null {
    const axis = view.axes.indexOf(input);
    if (axis < 0) return null;
    const values = Float32Array.from({ length: 4 }, (_, cell) => (axis === 0 ? cell % 2 : 1 - (cell >> 1)));
    return painted(TILE_PIXELS, (image) => paintValues(image, { size: 2, channels: 1, values }, 0, 0, 1));
  }

  #drawHeads(context: CanvasRenderingContext2D, runner: Runner, height: number, isImage: boolean): void {
    const { muted, ink, card } = palette();
    const layers = runner.trainer?.layers ?? [];
    const totals = [runner.data.columns.length, ...layers.map(({ units }) => units)];
    context.font = '12px system-ui, sans-serif';
    this.#columns.forEach((places, column) => {
      if (places.length === 0) return;
      const last = column === this.#columns.length - 1;
      const align = column === 0 ? 'left' : last ? 'right' : 'center';
      const side = isImage && column === 0 ? this.#tile * 2.4 : this.#tile;
      const x = places[0].x + (column === 0 ? -side / 2 : last ? side / 2 : 0);
      context.textAlign = align;
      context.fillStyle = ink;
      const name = column === 0 ? 'inputs' : layers[column - 1].activation;
      context.fillText(name.length > 14 ? `${name.slice(0, 13)}…` : name, x, 13);
      const hidden = totals[column] - places.length;
      context.fillStyle = muted;
      const more = isImage && column === 0 ? `${totals[0]} pixels` : hidden > 0 ? `+ ${hidden} more` : '';
      context.fillText(more, x, height - 4);
    });
    context.textAlign = 'right';
    const { classes } = runner.data;
    const outputs = this.#columns.at(-1) as Place[];
    if (!classes || outputs.length !== classes.length || this.#tile < 16) return;
    context.textBaseline = 'middle';
    context.font = '600 12px system-ui, sans-serif';
    outputs.forEach(({ x, y, unit }) => {
      context.textAlign = 'center';
      context.lineWidth = 3;
      context.lineJoin = 'round';
      context.strokeStyle = card;
      context.strokeText(classes[unit].slice(0, 3), x, y);
      context.fillStyle = ink;
      context.fillText(classes[unit].slice(0, 3), x, y);
    });
    context.textBaseline = 'alphabetic';
  }

  #placeAt({ offsetX, offsetY }: MouseEvent): Place | null {
    const near = (place: Place): boolean =>
      Math.abs(place.x - offsetX) <= this.#tile / 2 && Math.abs(place.y - offsetY) <= this.#tile / 2;
    return this.#columns.flat().find(near) ?? null;
  }

  #explain(event: PointerEvent): void {
    const place = this.#placeAt(event);
    this.#canvas.style.cursor =
      place && place.layer >= 0 && this.#view?.kind !== 'digits' ? 'pointer' : 'default';
    if (!place || !this.#runner) {
      this.#showHint();
      return;
    }
    if (place.layer < 0) {
      this.#hint.textContent =
        this.#view?.kind === 'digits'
          ? 'The image that goes in.'
          : `Input ${this.#runner.data.columns[place.unit]}.`;
      return;
    }
    const { weights, biases } = this.#weights[place.layer];
    const row = Array.from(weights.row(place.unit).slice(0, 6), (value) => shown(value));
    const more = weights.columns > 6 ? ', …' : '';
    this.#hint.textContent = `Unit ${place.unit + 1} of layer ${place.layer + 1}: w = (${row.join(', ')}${more}), b = ${shown(biases?.[place.unit])}`;
  }

  #showHint(): void {
    this.#hint.textContent =
      this.#view?.kind === 'digits'
        ? 'Tiles of the first layer are its weights, one for each pixel: orange adds, blue subtracts.'
        : 'Lines are weights: orange adds, blue subtracts, thicker is more. Tiles are outputs over the plane; click one to enlarge it.';
  }
}
