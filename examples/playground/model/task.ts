import type { LossName, Matrix } from 'fastmlp';
import type { DataSet, Part } from '../data/data-set.js';
import type { State } from './state.js';

/** How classes become targets, and outputs become classes. */
export type TargetForm = 'values' | 'labels' | 'bits' | 'signs' | 'oneHot' | 'oneHotSigns';

/** How the outputs of the network are to be read as shares of the classes. */
export type ScoreForm = 'value' | 'probability' | 'logits' | 'logProbabilities' | 'signs';

/** Targets as `fit` takes them: rows × outputs, or labels. */
export type Targets = Float32Array | Int32Array;

type TaskState = Pick<State, 'loss' | 'outputActivation'>;

const regressionLosses: readonly LossName[] = [
  ...(['meanSquaredError', 'halfSquaredError', 'squaredError'] as const),
  ...(['meanAbsoluteError', 'huber', 'logCosh'] as const),
];
const manyClassLosses: readonly LossName[] = [
  ...(['crossEntropy', 'crossEntropyWithLogits', 'categoricalHinge', 'kullbackLeibler'] as const),
];
const binaryLosses: readonly LossName[] = [
  ...(['binaryCrossEntropy', 'binaryCrossEntropyWithLogits', 'hinge', 'perceptron'] as const),
];

/** Losses that make sense for a number of classes; null for a number to be predicted. */
export function lossesFor(classes: number | null): readonly LossName[] {
  if (classes === null) return regressionLosses;
  if (classes === 2) return [...binaryLosses, ...manyClassLosses, ...regressionLosses];
  return [...manyClassLosses, ...binaryLosses, ...regressionLosses];
}

const mixesUnits = ({ loss, outputActivation }: TaskState): boolean =>
  manyClassLosses.includes(loss) || outputActivation === 'softmax' || outputActivation === 'logSoftmax';

/** Units of the output layer. */
export function outputUnits(state: TaskState, classes: number | null): number {
  if (classes === null) return 1;
  return classes === 2 && !mixesUnits(state) ? 1 : classes;
}

export function targetForm(state: TaskState, classes: number | null): TargetForm {
  if (classes === null) return 'values';
  if (state.loss === 'crossEntropy' || state.loss === 'crossEntropyWithLogits') return 'labels';
  const single = outputUnits(state, classes) === 1;
  const signed = state.loss === 'hinge' || state.outputActivation === 'tanh';
  if (single) return signed ? 'signs' : 'bits';
  return signed ? 'oneHotSigns' : 'oneHot';
}

/** Classes or values of rows in the form that the loss takes. */
export function encodeTargets(y: Part['y'], form: TargetForm, classes: number | null): Targets {
  switch (form) {
    case 'labels':
      return Int32Array.from(y);
    case 'signs':
      return Float32Array.from(y, (label) => (label > 0 ? 1 : -1));
    case 'oneHot':
    case 'oneHotSigns': {
      const units = classes as number;
      const targets = new Float32Array(y.length * units).fill(form === 'oneHot' ? 0 : -1);
      y.forEach((label, row) => {
        targets[row * units + label] = 1;
      });
      return targets;
    }
    default:
      return Float32Array.from(y);
  }
}

export function scoreForm(state: TaskState, classes: number | null): ScoreForm {
  if (classes === null) return 'value';
  if (state.outputActivation === 'logSoftmax') return 'logProbabilities';
  const form = targetForm(state, classes);
  if (form === 'signs' || form === 'oneHotSigns') return 'signs';
  const onNetInputs: readonly LossName[] = [
    ...(['crossEntropyWithLogits', 'binaryCrossEntropyWithLogits', 'categoricalHinge'] as const),
  ];
  return onNetInputs.includes(state.loss) ? 'logits' : 'probability';
}

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** Shares of the classes, rows × classes, that sum to one; outputs that are no probabilities are made into some. */
export function classShares({ data, rows, columns }: Matrix, form: ScoreForm, classes: number): Float32Array {
  const shares = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    if (columns === 1) {
      const share = clamp(singleShare(data[row], form));
      shares[row * 2] = 1 - share;
      shares[row * 2 + 1] = share;
      continue;
    }
    const begin = row * columns;
    let largest = -Infinity;
    for (let unit = 0; unit < columns; unit++) largest = Math.max(largest, data[begin + unit]);
    let sum = 0;
    for (let unit = 0; unit < columns; unit++) {
      const value = data[begin + unit];
      const isLogarithm = form === 'logits' || form === 'logProbabilities';
      const weight = isLogarithm
        ? Math.exp(value - largest)
        : clamp(form === 'signs' ? (value + 1) / 2 : value);
      shares[begin + unit] = weight;
      sum += weight;
    }
    for (let unit = 0; unit < columns; unit++) {
      shares[begin + unit] = sum > 0 ? shares[begin + unit] / sum : 1 / columns;
    }
  }
  return shares;
}

function singleShare(value: number, form: ScoreForm): number {
  if (form === 'logits') return 1 / (1 + Math.exp(-value));
  return form === 'signs' ? (value + 1) / 2 : value;
}

/** Class of each row: the first largest share. */
export function decideClasses(shares: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: shares.length / classes }, (_, row) => {
    let best = 0;
    for (let unit = 1; unit < classes; unit++) {
      if (shares[row * classes + unit] > shares[row * classes + best]) best = unit;
    }
    return best;
  });
}

/** Share of the rows decided rightly. */
export function shareRight(decisions: ArrayLike<number>, y: ArrayLike<number>): number {
  let right = 0;
  for (let row = 0; row < y.length; row++) if (decisions[row] === y[row]) right++;
  return right / y.length;
}

/** The transform that a choice of scaling means for these rows; null for none. */
export function inputTransform(
  scaling: State['scaling'],
  { train, columns, imageSize }: DataSet,
): { scale: number | number[]; offset: number | number[] } | null {
  if (scaling === 'none' || train.count === 0) return null;
  if (imageSize !== null) return { scale: 1 / 255, offset: 0 };
  const round = (value: number): number => Number(value.toPrecision(6));
  const scale: number[] = [];
  const offset: number[] = [];
  for (let column = 0; column < columns.length; column++) {
    const values = Array.from({ length: train.count }, (_, row) => train.x[row * columns.length + column]);
    const [centre, spread] = scaling === 'standard' ? meanAndDeviation(values) : middleAndReach(values);
    const factor = spread > 0 ? round(1 / spread) : 1;
    scale.push(factor);
    offset.push(round(-centre * factor));
  }
  return { scale, offset };
}

function meanAndDeviation(values: readonly number[]): [number, number] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return [mean, Math.sqrt(variance)];
}

function middleAndReach(values: readonly number[]): [number, number] {
  const lowest = values.reduce((least, value) => Math.min(least, value), Infinity);
  const highest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  return [(lowest + highest) / 2, (highest - lowest) / 2];
}
