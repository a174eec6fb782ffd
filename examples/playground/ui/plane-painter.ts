import type { Trainer } from 'fastmlp';
import type { DataSet } from '../data/data-set.js';
import type { Runner } from '../model/runner.js';
import { palette } from './colors.js';
import { prepareCanvas } from './dom.js';
import { drawMark } from './marks.js';
import { paintClasses, painted, paintValues, rangeOf } from './raster.js';
import { gridSize, placeOf, shareGrid, unitGrids, type View } from './view.js';

/** A row of the training or test part. */
export interface Sample {
  readonly part: 'train' | 'test';
  readonly row: number;
}

/** A unit whose output is shown instead of the decision. */
export interface UnitPlace {
  readonly layer: number;
  readonly unit: number;
}

/** Points drawn, and looked through, at most. */
export const MAXIMUM_POINTS = 1200;
const PIXELS = 256;
const DECISION_GRID = 60;
const UNIT_GRID = 40;

/** Paints the plane of the inputs, or of outputs, onto a canvas; made for one picture. */
export class PlanePainter {
  readonly #view: View;
  readonly #context: CanvasRenderingContext2D;
  readonly #width: number;
  readonly #height: number;

  constructor(canvas: HTMLCanvasElement, view: View) {
    this.#view = view;
    const { context, width, height } = prepareCanvas(canvas);
    this.#context = context;
    this.#width = width;
    this.#height = height;
  }

  /** What the network decides at every place, or the output of a unit. */
  raster(runner: Runner, trainer: Trainer, shows: UnitPlace | null): void {
    const size = gridSize(trainer.parameterCount, DECISION_GRID);
    const image = painted(PIXELS, (target) => {
      if (shows) {
        const grid = unitGrids(runner, this.#view, Math.min(size, UNIT_GRID))[shows.layer];
        const [lowest, highest] = rangeOf(grid, shows.unit);
        const reach = Math.max(Math.abs(lowest), Math.abs(highest));
        paintValues(target, grid, shows.unit, -reach, reach);
        return;
      }
      const grid = shareGrid(runner, this.#view, size);
      if (grid) paintClasses(target, grid);
    });
    this.#context.imageSmoothingEnabled = true;
    this.#context.drawImage(image, 0, 0, this.#width, this.#height);
  }

  /** A plain ground with a grid. */
  frame(): void {
    const [context, width, height] = [this.#context, this.#width, this.#height];
    const { soft, line } = palette();
    context.fillStyle = soft;
    context.fillRect(0, 0, width, height);
    context.beginPath();
    for (let part = 1; part < 4; part++) {
      context.moveTo((part * width) / 4, 0);
      context.lineTo((part * width) / 4, height);
      context.moveTo(0, (part * height) / 4);
      context.lineTo(width, (part * height) / 4);
    }
    this.#stroke(line, 1);
  }

  /** Output over the only input. */
  curve(trainer: Trainer): void {
    const count = 200;
    const [begin, end] = this.#view.x;
    const xs = Float32Array.from(
      { length: count },
      (_, index) => begin + (index / (count - 1)) * (end - begin),
    );
    const { data } = trainer.predict(xs);
    this.#context.beginPath();
    xs.forEach((x, index) => {
      const place = this.#toPixels(x, data[index]);
      if (index === 0) this.#context.moveTo(...place);
      else this.#context.lineTo(...place);
    });
    this.#context.lineJoin = 'round';
    this.#stroke(palette().ink, 2.5);
  }

  /** Predicted against true values; on the diagonal they agree. */
  scatter({ data }: Runner, trainer: Trainer): void {
    this.#context.beginPath();
    this.#context.moveTo(0, this.#height);
    this.#context.lineTo(this.#width, 0);
    this.#stroke(palette().muted, 1);
    for (const part of ['train', 'test'] as const) {
      const rows = data[part];
      if (!rows) continue;
      const count = Math.min(rows.count, MAXIMUM_POINTS / 2);
      const outputs = trainer.predict(rows.x.subarray(0, count * data.columns.length)).data;
      for (let row = 0; row < count; row++) {
        const [x, y] = this.#toPixels(rows.y[row], outputs[row]);
        drawMark(this.#context, part === 'train' ? 0 : 1, x, y, 3.2, part === 'test');
      }
    }
  }

  /** The rows where they lie; those of `batch` larger, test rows hollow. */
  points(data: DataSet, batch: ReadonlySet<number>): void {
    const size = data.train.count > 500 ? 2.6 : data.train.count > 60 ? 3.4 : 5;
    for (const part of ['test', 'train'] as const) {
      const rows = data[part];
      if (!rows) continue;
      for (let row = 0; row < Math.min(rows.count, MAXIMUM_POINTS); row++) {
        const [x, y] = this.#toPixels(...placeOf(this.#view, data, part, row));
        const inBatch = part === 'train' && batch.has(row);
        const label = data.classes ? rows.y[row] : 0;
        drawMark(this.#context, label, x, y, inBatch ? size * 1.7 : size, part === 'test');
      }
    }
  }

  /** A ring around a sample. */
  ring(data: DataSet, { part, row }: Sample): void {
    if (row >= (data[part]?.count ?? 0)) return;
    this.#context.beginPath();
    this.#context.arc(...this.#toPixels(...placeOf(this.#view, data, part, row)), 9, 0, 2 * Math.PI);
    this.#stroke(palette().ink, 2);
  }

  /** Lines through a place, and the mark that would be drawn there. */
  cursor(x: number, y: number, label: number | null): void {
    const [left, top] = this.#toPixels(x, y);
    this.#context.beginPath();
    this.#context.moveTo(left, 0);
    this.#context.lineTo(left, this.#height);
    this.#context.moveTo(0, top);
    this.#context.lineTo(this.#width, top);
    this.#stroke(palette().ink, 1);
    if (label !== null) drawMark(this.#context, label, left, top, 5, false);
  }

  #stroke(color: string, width: number): void {
    this.#context.strokeStyle = color;
    this.#context.lineWidth = width;
    this.#context.stroke();
  }

  #toPixels(x: number, y: number): [number, number] {
    const [across, up] = [this.#view.x, this.#view.y];
    return [
      ((x - across[0]) / (across[1] - across[0])) * this.#width,
      ((y - up[1]) / (up[0] - up[1])) * this.#height,
    ];
  }
}
