import type { Executor, Numbers } from './backends/backend.js';
import { type MatrixLike, numbersLike, numbersOf, type Reader, readParameter } from './data.js';
import { fact, rangeError, requireKnownKeys, typeError } from './errors.js';
import { Matrix } from './matrix.js';
import type { Model } from './model.js';
import { bufferNamed, type Plan } from './plan/plan.js';

/**
 * Parameters of a layer: weights units × inputs, one bias per unit or null. A normalising layer has gamma as weights,
 * units × 1 or × 0 without, and beta as biases; one that only acts in training has weights units × 0 and null.
 */
export interface LayerWeights {
  readonly weights: Matrix;
  readonly biases: Numbers | null;
  /** Of `batchNorm`, one per unit each: no parameters, but statistics that training moves. */
  readonly runningMean?: Numbers;
  readonly runningVariance?: Numbers;
}

/** The same with weights inputs × units, as the arena has them. */
export type StoredLayer = Omit<LayerWeights, 'weights'> & { readonly weights: Numbers };

type FlatNumbers = Float32Array | Float64Array | readonly number[];

/**
 * What `setWeights` takes for a layer: a matrix, nested arrays, or a flat row-major array of units × inputs, empty where
 * there are no weights. Statistics that are left out stay as they are.
 */
export interface LayerWeightsLike {
  readonly weights: MatrixLike | FlatNumbers | readonly FlatNumbers[];
  readonly biases?: FlatNumbers | null;
  readonly runningMean?: FlatNumbers;
  readonly runningVariance?: FlatNumbers;
}

/** The running statistics of a layer, which their buffers are named after. */
const statistics = ['runningMean', 'runningVariance'] as const;

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
  return model.layers.map(({ weightRows, units, bias, config }, index) => {
    const read = (name: string, rows = 1): Numbers =>
      executor.read(rows > 0 ? bufferNamed(plan, `${name}${index + 1}`).offset : 0, rows * units);
    const stored = transpose(read(`${prefix}W`, weightRows), weightRows, units);
    const weights = new Matrix(stored, units, weightRows);
    const biases = bias ? read(`${prefix}b`) : null;
    if (config.type !== 'batchNorm' || prefix === 'd') return { weights, biases };
    return { weights, biases, runningMean: read('runningMean'), runningVariance: read('runningVariance') };
  });
}

/** Checks a whole list of parameters before a number of the network changes. */
export function checkLayers(action: string, list: unknown, model: Model, reader: Reader): LayerWeights[] {
  if (!Array.isArray(list))
    throw typeError(action, 'weights must be an array with one entry per layer', list);
  if (list.length !== model.layers.length) {
    throw typeError(action, `weights must have ${model.layers.length} entries, one per layer`, list);
  }
  return model.layers.map(({ weightRows, units, bias, config }, index) => {
    const place = `${action}: layer ${index + 1}`;
    const running = config.type === 'batchNorm' ? statistics : [];
    requireKnownKeys(place, list[index], ['weights', 'biases', ...running]);
    const given = list[index] as LayerWeightsLike;
    const { weights, biases = null } = given;
    const data =
      weightRows === 0
        ? readNothing(place, weights, reader)
        : readParameter(place, 'weights', weights, units, weightRows, reader);
    if (!bias && biases !== null)
      throw typeError(place, 'biases must be null, since the layer has none', biases);
    if (bias && biases === null) throw typeError(place, `biases must have ${units} numbers`, fact('none'));
    const kept: { runningMean?: Numbers; runningVariance?: Numbers } = {};
    for (const name of running) {
      if (given[name] !== undefined) kept[name] = readParameter(place, name, given[name], 1, units, reader);
    }
    const negative = kept.runningVariance?.find((variance) => variance < 0);
    if (negative !== undefined) throw rangeError(place, 'runningVariance must be >= 0', negative);
    return {
      weights: new Matrix(data, units, weightRows),
      biases: bias ? readParameter(place, 'biases', biases, 1, units, reader) : null,
      ...kept,
    };
  });
}

/** The weights of a layer that has none. */
function readNothing(
  place: string,
  weights: LayerWeightsLike['weights'] | undefined,
  reader: Reader,
): Numbers {
  const given = Array.isArray(weights) ? weights.flat() : (weights ?? []);
  const { length } = 'data' in given ? given.data : given;
  if (length > 0) throw typeError(place, 'weights must be empty, since the layer has none', weights);
  return numbersOf(reader.precision, 0);
}

/** Writes checked parameters into the arena. */
export function writeLayers(
  executor: Executor,
  plan: Plan,
  layers: readonly LayerWeights[],
  model: Pick<Model, 'averaging'>,
): void {
  const stored = layers.map((layer) => {
    const { data, rows, columns } = layer.weights;
    return { ...layer, weights: transpose(data, rows, columns) };
  });
  writeStoredLayers(executor, plan, stored, model);
}

/** Writes parameters into the arena, where their average, if there is one, begins anew. */
export function writeStoredLayers(
  executor: Executor,
  plan: Plan,
  layers: readonly StoredLayer[],
  { averaging }: Pick<Model, 'averaging'>,
): void {
  layers.forEach((layer, index) => {
    const write = (name: string, values: Numbers | null | undefined): void => {
      if (values && values.length > 0)
        executor.write(bufferNamed(plan, `${name}${index + 1}`).offset, values);
    };
    for (const prefix of averaging ? ['', 'average.'] : ['']) {
      write(`${prefix}W`, layer.weights);
      write(`${prefix}b`, layer.biases);
    }
    for (const name of statistics) write(name, layer[name]);
  });
}

/** Writes the numbers that never change, such as the input transform, and those that optimizer state begins with. */
export function writeConstants(executor: Executor, plan: Plan): void {
  for (const { offset, values, initial, rows, columns } of plan.buffers) {
    if (values) executor.write(offset, values);
    if (initial) executor.write(offset, new Float64Array(rows * columns).fill(initial));
  }
}
