/**
 * Metrics of decisions, with the definitions of scikit-learn. `predicted` and `expected` are labels counted from 0, one
 * a row, or, where a row may be of several classes, rows × classes of 0 and 1 (`multiLabel`).
 */
import type { TargetsLike } from '../data.js';
import { fact, rangeError, requireKnownKeys, requireName, typeError } from '../errors.js';
import { Matrix } from '../matrix.js';
import {
  type Averaged,
  averageDefined,
  classCount,
  type Decisions,
  readDecisions,
  readLabels,
  requireSameRows,
} from './inputs.js';
import { readWeights, type WeightOptions, type Weights } from './weights.js';

/**
 * How the numbers of the classes become one: the mean over classes (`macro`), that weighted by the rows of each class
 * (`weighted`), the ratio of the counts of all classes together (`micro`), class 1 alone (`binary`), or not at all
 * (`none`: one number a class).
 */
export type ClassAverage = 'macro' | 'weighted' | 'micro' | 'binary' | 'none';

export interface ClassOptions<A extends ClassAverage = ClassAverage> extends WeightOptions {
  /** Default `'macro'`. */
  readonly average?: A;
  /**
   * Number of classes. By default one more than the largest label, and means are over those classes that occur in
   * either list; with `classes` they are over all.
   */
  readonly classes?: number;
  /** Value of 0 / 0: of precision where a class is never predicted, of recall where it never occurs. Default 0; NaN leaves the class out of means. */
  readonly zeroDivision?: 0 | 1 | number;
}

const averages = ['macro', 'weighted', 'micro', 'binary', 'none'] as const;

/** Sums of weights by class. */
interface Counts {
  /** Predicted and expected. */
  readonly right: Float64Array;
  readonly predicted: Float64Array;
  readonly expected: Float64Array;
  /** Classes that occur unweighted in either list, or all. */
  readonly counted: Uint8Array;
}

function countClasses(predicted: Decisions, expected: Decisions, classes: number, weights: Weights): Counts {
  const counts: Counts = {
    right: new Float64Array(classes),
    predicted: new Float64Array(classes),
    expected: new Float64Array(classes),
    counted: new Uint8Array(classes),
  };
  if (predicted.indicators && expected.indicators) {
    countIndicators(counts, predicted.indicators, expected.indicators, weights);
  } else if (predicted.labels && expected.labels) {
    countLabels(counts, predicted.labels, expected.labels, weights);
  }
  return counts;
}

function countLabels(counts: Counts, predicted: Int32Array, expected: Int32Array, weights: Weights): void {
  for (let row = 0; row < predicted.length; row++) {
    const [p, t, weight] = [predicted[row], expected[row], weights.of(row)];
    counts.predicted[p] += weight;
    counts.expected[t] += weight;
    if (p === t) counts.right[p] += weight;
    counts.counted[p] = 1;
    counts.counted[t] = 1;
  }
}

function countIndicators(counts: Counts, predicted: Matrix, expected: Matrix, weights: Weights): void {
  const { rows, columns } = predicted;
  for (let index = 0; index < rows * columns; index++) {
    const column = index % columns;
    const weight = weights.of(Math.floor(index / columns));
    counts.predicted[column] += weight * predicted.data[index];
    counts.expected[column] += weight * expected.data[index];
    counts.right[column] += weight * predicted.data[index] * expected.data[index];
  }
  counts.counted.fill(1);
}

/** A ratio per class: of the class's sums, or of the sums over all classes with `micro`. */
type Ratio = (right: number, predicted: number, expected: number) => [numerator: number, denominator: number];

const ratios = {
  precision: (right, predicted) => [right, predicted],
  recall: (right, _predicted, expected) => [right, expected],
  f1: (right, predicted, expected) => [2 * right, predicted + expected],
} satisfies Record<string, Ratio>;

function read(action: string, predicted: TargetsLike, expected: TargetsLike): [Decisions, Decisions] {
  const [first, second] = [
    readDecisions(action, 'predicted', predicted),
    readDecisions(action, 'expected', expected),
  ];
  const [columns, others] = [first.indicators?.columns ?? 1, second.indicators?.columns ?? 1];
  if (columns !== others) {
    throw typeError(
      action,
      `expected must have ${columns} columns, like predicted`,
      fact(`${others} columns`),
    );
  }
  requireSameRows(action, first.rows, second.rows);
  return [first, second];
}

function ratioOf(
  action: string,
  kind: keyof typeof ratios,
  first: Decisions,
  second: Decisions,
  options: ClassOptions,
): number | Float64Array {
  requireKnownKeys(action, options, ['average', 'classes', 'zeroDivision', 'sampleWeight']);
  const { average = 'macro', zeroDivision = 0 } = options;
  requireName(action, 'average', average, averages);
  if (zeroDivision !== 0 && zeroDivision !== 1 && !Number.isNaN(zeroDivision)) {
    throw rangeError(action, 'zeroDivision must be 0, 1 or NaN', zeroDivision);
  }
  const classes =
    first.indicators?.columns ??
    classCount(action, options.classes, first.labels as Int32Array, second.labels as Int32Array);
  if (average === 'binary' && classes > 2) {
    throw rangeError(action, "average 'binary' needs two classes", fact(`${classes} classes`));
  }
  const weights = readWeights(action, options.sampleWeight, first.rows);
  const counts = countClasses(first, second, classes, weights);
  if (options.classes !== undefined) counts.counted.fill(1);
  const ratio = (right: number, predicted: number, expected: number): number => {
    const [numerator, denominator] = ratios[kind](right, predicted, expected);
    return denominator === 0 ? zeroDivision : numerator / denominator;
  };
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  if (average === 'micro') return ratio(sum(counts.right), sum(counts.predicted), sum(counts.expected));
  const perClass = Float64Array.from(
    { length: Math.max(classes, average === 'binary' ? 2 : 1) },
    (_, index) => ratio(counts.right[index] ?? 0, counts.predicted[index] ?? 0, counts.expected[index] ?? 0),
  );
  if (average === 'none') return perClass;
  if (average === 'binary') return perClass[1];
  if (average === 'macro') return averageDefined(perClass, (index) => counts.counted[index]);
  return sum(counts.expected) === 0
    ? zeroDivision
    : averageDefined(perClass, (index) => counts.expected[index]);
}

/**
 * Of the rows decided for a class, the share that is of it: right / predicted.
 *
 * @throws TypeError where the two differ in shape, RangeError for what is no label
 * @example metrics.precision([0, 1, 1, 1], [0, 1, 0, 1], { average: 'none' }) // Float64Array [1, 2/3]
 */
export function precision<A extends ClassAverage = 'macro'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: ClassOptions<A> = {},
): Averaged<A> {
  const action = 'Cannot compute precision';
  return ratioOf(action, 'precision', ...read(action, predicted, expected), options) as Averaged<A>;
}

/** Of the rows of a class, the share that is decided for it: right / expected. As `precision` otherwise. */
export function recall<A extends ClassAverage = 'macro'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: ClassOptions<A> = {},
): Averaged<A> {
  const action = 'Cannot compute recall';
  return ratioOf(action, 'recall', ...read(action, predicted, expected), options) as Averaged<A>;
}

/** Harmonic mean of precision and recall: 2 right / (predicted + expected). As `precision` otherwise. */
export function f1<A extends ClassAverage = 'macro'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: ClassOptions<A> = {},
): Averaged<A> {
  const action = 'Cannot compute f1';
  return ratioOf(action, 'f1', ...read(action, predicted, expected), options) as Averaged<A>;
}

export interface ConfusionOptions extends WeightOptions {
  /** Number of classes; default one more than the largest label. */
  readonly classes?: number;
  /** Divides by the sum of each row (`expected`), of each column (`predicted`), or of everything; 0 / 0 is 0. */
  readonly normalize?: 'expected' | 'predicted' | 'all';
}

/**
 * How often rows of class i (row of the matrix) are decided for class j (column).
 *
 * @returns classes × classes, in float64
 * @example metrics.confusionMatrix([0, 1, 1], [0, 1, 0]).toArrays() // [[1, 1], [0, 1]]
 */
export function confusionMatrix(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: ConfusionOptions = {},
): Matrix {
  const action = 'Cannot make confusion matrix';
  requireKnownKeys(action, options, ['classes', 'normalize', 'sampleWeight']);
  const { normalize } = options;
  if (normalize !== undefined) requireName(action, 'normalize', normalize, ['expected', 'predicted', 'all']);
  const matrix = confusion(action, predicted, expected, options);
  if (normalize === undefined) return matrix;
  const { data, columns: classes } = matrix;
  const [rowSums, columnSums] = marginals(matrix);
  const total = rowSums.reduce((sum, value) => sum + value, 0);
  const scaled = data.map((value, index) => {
    const divisors = {
      expected: rowSums[Math.floor(index / classes)],
      predicted: columnSums[index % classes],
      all: total,
    };
    return divisors[normalize] === 0 ? 0 : value / divisors[normalize];
  });
  return new Matrix(scaled, classes, classes);
}

function confusion(
  action: string,
  predicted: TargetsLike,
  expected: TargetsLike,
  options: WeightOptions & { readonly classes?: number },
): Matrix {
  const [p, t] = [readLabels(action, 'predicted', predicted), readLabels(action, 'expected', expected)];
  requireSameRows(action, p.length, t.length);
  const weights = readWeights(action, options.sampleWeight, p.length);
  const classes = classCount(action, options.classes, p, t);
  const data = new Float64Array(classes * classes);
  for (let row = 0; row < p.length; row++) data[t[row] * classes + p[row]] += weights.of(row);
  return new Matrix(data, classes, classes);
}

/** Sums of the rows, and of the columns. */
function marginals({ data, columns: classes }: Matrix): [Float64Array, Float64Array] {
  const [rowSums, columnSums] = [new Float64Array(classes), new Float64Array(classes)];
  data.forEach((value, index) => {
    rowSums[Math.floor(index / classes)] += value;
    columnSums[index % classes] += value;
  });
  return [rowSums, columnSums];
}

/**
 * Matthews correlation coefficient of predicted and expected classes (Gorodkin, 2004, for more than two), in [-1, 1];
 * 0 where either list has one class only.
 */
export function matthews(predicted: TargetsLike, expected: TargetsLike, options: WeightOptions = {}): number {
  const action = 'Cannot compute Matthews correlation';
  requireKnownKeys(action, options, ['sampleWeight']);
  const matrix = confusion(action, predicted, expected, options);
  const [rowSums, columnSums] = marginals(matrix);
  const dot = (a: Float64Array, b: Float64Array): number =>
    a.reduce((sum, value, index) => sum + value * b[index], 0);
  const total = rowSums.reduce((sum, value) => sum + value, 0);
  const right = rowSums.reduce((sum, _, index) => sum + matrix.data[index * (rowSums.length + 1)], 0);
  const covariance = right * total - dot(rowSums, columnSums);
  const spread = (total ** 2 - dot(columnSums, columnSums)) * (total ** 2 - dot(rowSums, rowSums));
  return spread > 0 ? covariance / Math.sqrt(spread) : 0;
}

/** Mean over the classes that occur in `expected` of their recall: accuracy if every class had as many rows. */
export function balancedAccuracy(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: WeightOptions = {},
): number {
  const action = 'Cannot compute balanced accuracy';
  requireKnownKeys(action, options, ['sampleWeight']);
  const matrix = confusion(action, predicted, expected, options);
  const [rowSums] = marginals(matrix);
  const recalls = rowSums.map((sum, index) => matrix.data[index * (rowSums.length + 1)] / sum);
  return averageDefined(recalls, () => 1);
}
