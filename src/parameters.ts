import type { Executor, Numbers } from './backends/backend.js';
import { type MatrixLike, numbersLike, type Reader, readParameter } from './data.js';
import { fact, requireKnownKeys, typeError } from './errors.js';
import { Matrix } from './matrix.js';
import type { Model } from './model.js';
import { bufferNamed, type Plan } from './plan/plan.js';

/** Parameters of a layer: weights units × inputs, one bias per unit or null. */
export interface LayerWeights {
  readonly weights: Matrix;
  readonly biases: Float32Array | Float64Array | null;
}

type FlatNumbers = Float32Array | Float64Array | readonly number[];

/** What `setWeights` takes for a layer: a matrix, nested arrays, or a flat row-major array of units × inputs. */
export interface LayerWeightsLike {
  readonly weights: MatrixLike | FlatNumbers | readonly FlatNumbers[];
  readonly biases?: FlatNumbers | null;
}

/** `source` (rows × columns) written as columns × rows. */
export function transpose(source: Numbers, rows: number, columns: number): Numbers {
  const target = numbersLike(source, source.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      target[column * rows + row] = source[row * columns + column];
  }
  return target;
}

/** Copies of weight-shaped buffers: `prefix` is empty for parameters, `d` for their gradients, `average.` for their average. */
export function readLayers(
  executor: Executor,
  plan: Plan,
  model: Model,
  prefix: '' | 'd' | 'average.' = '',
): LayerWeights[] {
  return model.layers.map(({ inputs, units, bias }, index) => {
    const stored = executor.read(bufferNamed(plan, `${prefix}W${index + 1}`).offset, inputs * units);
    const weights = new Matrix(transpose(stored, inputs, units), units, inputs);
    const biases = bias ? executor.read(bufferNamed(plan, `${prefix}b${index + 1}`).offset, units) : null;
    return { weights, biases };
  });
}

/** Checks a whole list of parameters before a number of the network changes. */
export function checkLayers(action: string, list: unknown, model: Model, reader: Reader): LayerWeights[] {
  if (!Array.isArray(list))
    throw typeError(action, 'weights must be an array with one entry per layer', list);
  if (list.length !== model.layers.length) {
    throw typeError(action, `weights must have ${model.layers.length} entries, one per layer`, list);
  }
  return model.layers.map(({ inputs, units, bias }, index) => {
    const place = `${action}: layer ${index + 1}`;
    requireKnownKeys(place, list[index], ['weights', 'biases']);
    const { weights, biases = null } = list[index] as LayerWeightsLike;
    const data = readParameter(place, 'weights', weights, units, inputs, reader);
    if (!bias && biases !== null)
      throw typeError(place, 'biases must be null, since the layer has none', biases);
    if (bias && biases === null) throw typeError(place, `biases must have ${units} numbers`, fact('none'));
    return {
      weights: new Matrix(data, units, inputs),
      biases: bias ? readParameter(place, 'biases', biases, 1, units, reader) : null,
    };
  });
}

/** Numbers that are transposed in one go: few enough to stay in the caches. */
const PIECE = 2 ** 13;

/** Writes `source` (rows × columns) as columns × rows. */
function writeTransposed(
  executor: Executor,
  offset: number,
  source: Numbers,
  rows: number,
  columns: number,
): void {
  const atOnce = Math.min(columns, Math.ceil(PIECE / rows));
  const piece = numbersLike(source, atOnce * rows);
  for (let begin = 0; begin < columns; begin += atOnce) {
    const count = Math.min(atOnce, columns - begin);
    for (let row = 0; row < rows; row++) {
      const from = row * columns + begin;
      for (let column = 0; column < count; column++) piece[column * rows + row] = source[from + column];
    }
    executor.write(offset + begin * rows, piece.subarray(0, count * rows));
  }
}

/** Writes checked parameters into the arena, where their average, if there is one, begins anew. */
export function writeLayers(
  executor: Executor,
  plan: Plan,
  layers: readonly LayerWeights[],
  { averaging }: Pick<Model, 'averaging'>,
): void {
  for (const prefix of averaging ? ['', 'average.'] : ['']) {
    layers.forEach(({ weights: { data, rows, columns }, biases }, index) => {
      writeTransposed(executor, bufferNamed(plan, `${prefix}W${index + 1}`).offset, data, rows, columns);
      if (biases) executor.write(bufferNamed(plan, `${prefix}b${index + 1}`).offset, biases);
    });
  }
}

/** Writes the numbers that never change, such as the input transform, and those that optimizer state begins with. */
export function writeConstants(executor: Executor, plan: Plan): void {
  for (const { offset, values, initial, rows, columns } of plan.buffers) {
    if (values) executor.write(offset, values);
    if (initial) executor.write(offset, new Float64Array(rows * columns).fill(initial));
  }
}
