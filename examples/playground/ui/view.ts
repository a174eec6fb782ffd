import { type DataSet, rowOf } from '../data/data-set.js';
import type { Runner } from '../model/runner.js';
import { classShares, scoreForm } from '../model/task.js';
import type { Grid } from './raster.js';

/** The part of the input plane that is shown: two inputs, the others at their mean. */
export interface View {
  readonly kind: 'classes' | 'curve' | 'scatter' | 'digits';
  /** Columns on the axes; the same twice where there is one input. */
  readonly axes: readonly [number, number];
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  /** Ranges of the inputs on the axes; those of x and y, unless the axes show outputs. */
  readonly inputs: readonly [x: readonly [number, number], y: readonly [number, number]];
  /** A whole row: what the inputs that are not shown have. */
  readonly centre: Float32Array;
}

const UNIT = [-0.5, 0.5] as const;
const DRAWING_RANGE = [-1.15, 1.15] as const;

/** What to show of a data set; `axes` are the columns chosen by the user. */
export function viewOf(data: DataSet, axes: readonly [number, number], isPlane: boolean): View {
  const { columns, classes, train, imageSize } = data;
  const inputs = columns.length;
  const centre = new Float32Array(inputs);
  if (imageSize !== null)
    return { kind: 'digits', axes: [0, 1], x: UNIT, y: UNIT, inputs: [UNIT, UNIT], centre };
  for (let row = 0; row < train.count; row++) {
    for (let column = 0; column < inputs; column++)
      centre[column] += train.x[row * inputs + column] / train.count;
  }
  const kind = classes ? 'classes' : inputs === 1 ? 'curve' : 'scatter';
  const shown = inputs === 1 ? ([0, 0] as const) : axes;
  if (isPlane) {
    const range = DRAWING_RANGE;
    return { kind, axes: shown, x: range, y: range, inputs: [range, range], centre };
  }
  const across = padded(columnOf(data, shown[0]));
  const up = inputs === 1 ? UNIT : padded(columnOf(data, shown[1]));
  const outputs = classes ? null : padded(train.y);
  const [x, y] = [kind === 'scatter' ? outputs : across, outputs ?? up];
  return { kind, axes: shown, x: x ?? across, y, inputs: [across, up], centre };
}

const columnOf = ({ train, columns }: DataSet, column: number): Float32Array =>
  Float32Array.from({ length: train.count }, (_, row) => train.x[row * columns.length + column]);

function padded(values: ArrayLike<number>): readonly [number, number] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (let index = 0; index < values.length; index++) {
    lowest = Math.min(lowest, values[index]);
    highest = Math.max(highest, values[index]);
  }
  const margin = 0.07 * (highest - lowest) || 1;
  return [lowest - margin, highest + margin];
}

/** Where row `row` of a part lies in the view; classes of a single input lie on a line each. */
export function placeOf(view: View, data: DataSet, part: 'train' | 'test', row: number): [number, number] {
  const source = part === 'train' ? data.train : (data.test ?? data.train);
  const values = rowOf(source, row);
  if (view.kind === 'curve') return [values[0], source.y[row]];
  const [first, second] = view.axes;
  return [values[first], first === second ? (source.y[row] % 5) / 5 - 0.4 : values[second]];
}

/** The rows of a grid over the view, top row first. */
export function gridRows(view: View, size: number): Float32Array {
  const inputs = view.centre.length;
  const rows = new Float32Array(size * size * inputs);
  const [first, second] = view.axes;
  for (let cell = 0; cell < size * size; cell++) {
    const begin = cell * inputs;
    rows.set(view.centre, begin);
    const across = ((cell % size) + 0.5) / size;
    const down = (Math.floor(cell / size) + 0.5) / size;
    const [x, y] = view.inputs;
    if (second !== first) rows[begin + second] = y[1] + down * (y[0] - y[1]);
    rows[begin + first] = x[0] + across * (x[1] - x[0]);
  }
  return rows;
}

/** Multiplications that a drawing may cost on the page's thread, about three milliseconds. */
const WORK = 1e7;

/** Cells along a side of a grid that a network can be asked for without holding the page. */
export function gridSize(parameters: number, largest: number): number {
  return Math.max(12, Math.min(largest, Math.floor(Math.sqrt(WORK / parameters))));
}

/** Class shares over the view. */
export function shareGrid(runner: Runner, view: View, size: number): Grid | null {
  const classes = runner.classCount;
  if (!runner.trainer || classes === null) return null;
  const outputs = runner.trainer.predict(gridRows(view, size));
  return { size, channels: classes, values: classShares(outputs, scoreForm(runner.state, classes), classes) };
}

/** Outputs of every unit of every layer over the view. */
export function unitGrids(runner: Runner, view: View, size: number): Grid[] {
  if (!runner.trainer) return [];
  return runner.trainer.inspect(gridRows(view, size)).layers.map(({ output }) => ({
    size,
    channels: output.columns,
    values: Float32Array.from(output.data),
  }));
}
