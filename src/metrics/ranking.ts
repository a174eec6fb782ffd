/**
 * Metrics of scores, with the definitions of scikit-learn. `scores` are rows × classes, or one number
 * a row for class 1 of two; `expected` are labels counted from 0 or one-hot rows (for areas any rows of 0 and 1, each
 * column by itself).
 */
import type { TargetsLike } from '../data.js';
import { fact, rangeError, requireInteger, requireKnownKeys, requireName } from '../errors.js';
import type { Matrix } from '../matrix.js';
import { type Averaged, readClasses, readDecisions, readScores } from './inputs.js';
import { readWeights, type WeightOptions, type Weights } from './weights.js';

/** Mean over the classes, each against the rest (`macro`), that weighted by the rows of each class, or none. */
export type RankingAverage = 'macro' | 'weighted' | 'none';

export interface RankingOptions<A extends RankingAverage = RankingAverage> extends WeightOptions {
  /** Default `'macro'`. With labels of two classes the metric of class 1, whatever the average, unless it is `'none'`. */
  readonly average?: A;
}

/**
 * The rows of one class and all others, by the distinct scores that they have, the lowest first: the sums of their
 * weights.
 */
interface Groups {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

type BinaryMetric = (groups: Groups, positives: number, negatives: number) => number;

function groupsOf(scores: Float64Array, isPositive: (row: number) => boolean, weights: Weights): Groups {
  const distinct = scores.slice().sort();
  let length = 1;
  for (const score of distinct) if (score !== distinct[length - 1]) distinct[length++] = score;
  const [positive, negative] = [new Float64Array(length), new Float64Array(length)];
  for (let row = 0; row < scores.length; row++) {
    const group = placeOf(scores[row], distinct, length);
    (isPositive(row) ? positive : negative)[group] += weights.of(row);
  }
  return { positive, negative };
}

/** Where a score stands among the first `length` of ascending ones, of which it is one. */
function placeOf(score: number, ascending: Float64Array, length: number): number {
  let [first, last] = [0, length - 1];
  while (first < last) {
    const middle = (first + last) >> 1;
    if (ascending[middle] < score) first = middle + 1;
    else last = middle;
  }
  return first;
}

/** Probability that a positive row scores above a negative one, ties counting half. */
const rocOfGroups: BinaryMetric = ({ positive, negative }, positives, negatives) => {
  let [above, area] = [0, 0];
  for (let group = positive.length - 1; group >= 0; group--) {
    area += negative[group] * (above + positive[group] / 2);
    above += positive[group];
  }
  return positives > 0 && negatives > 0 ? area / (positives * negatives) : Number.NaN;
};

/** Precision at each threshold, weighted by the recall it adds. */
const precisionOfGroups: BinaryMetric = ({ positive, negative }, positives) => {
  let [right, taken, sum] = [0, 0, 0];
  for (let group = positive.length - 1; group >= 0; group--) {
    right += positive[group];
    taken += positive[group] + negative[group];
    if (positive[group] > 0) sum += positive[group] * (right / taken);
  }
  return positives > 0 ? sum / positives : 0;
};

function rank(
  action: string,
  metric: BinaryMetric,
  scores: TargetsLike,
  expected: TargetsLike,
  options: RankingOptions,
): number | Float64Array {
  requireKnownKeys(action, options, ['average', 'sampleWeight']);
  const { average = 'macro' } = options;
  requireName(action, 'average', average, ['macro', 'weighted', 'none']);
  const matrix = readScores(action, 'scores', scores);
  const { rows, columns } = matrix;
  const { isPositive, isBinary } = readPositives(action, expected, matrix);
  const weights = readWeights(action, options.sampleWeight, rows);
  const perClass: number[] = [];
  const positives: number[] = [];
  for (const one of isBinary && average !== 'none' ? [1] : Array(Math.max(2, columns)).keys()) {
    const column = scoresOf(matrix, one);
    const groups = groupsOf(column, (row) => isPositive(row, one), weights);
    positives.push(groups.positive.reduceRight((sum, weight) => sum + weight, 0));
    const negatives = groups.negative.reduceRight((sum, weight) => sum + weight, 0);
    perClass.push(metric(groups, positives[positives.length - 1], negatives));
  }
  if (average === 'none') return Float64Array.from(perClass);
  const shares = average === 'macro' ? perClass.map(() => 1) : positives;
  if (perClass.length === 1) return perClass[0];
  const total = shares.reduce((sum, share) => sum + share, 0);
  return perClass.reduce((sum, value, index) => sum + shares[index] * value, 0) / total;
}

interface Positives {
  isPositive(row: number, one: number): boolean;
  /** Two classes, of which class 1 stands for both. */
  readonly isBinary: boolean;
}

/** Targets of several columns need not be one-hot: each column is taken by itself. */
function readPositives(action: string, expected: TargetsLike, scores: Matrix): Positives {
  const { rows, columns } = scores;
  const { indicators } = columns > 1 ? readDecisions(action, 'expected', expected) : { indicators: null };
  if (indicators?.columns === columns && indicators.rows === rows) {
    return { isPositive: (row, one) => indicators.data[row * columns + one] === 1, isBinary: false };
  }
  const classes = readClasses(action, expected, scores);
  return { isPositive: (row, one) => classes[row] === one, isBinary: columns <= 2 };
}

/** Scores of one class; a single column scores class 1, and class 0 by its negative. */
function scoresOf({ data, rows, columns }: Matrix, one: number): Float64Array {
  const scores = new Float64Array(rows);
  const sign = columns === 1 && one === 0 ? -1 : 1;
  const column = columns === 1 ? 0 : one;
  for (let row = 0; row < rows; row++) scores[row] = sign * data[row * columns + column];
  return scores;
}

/**
 * Area under the ROC curve: the probability that a row of the class scores above one that is not, ties counting half.
 * With more than two classes each is taken against the rest.
 *
 * NaN where a class has no rows, or all: there is nothing to compare. A mean over classes is NaN if one of them is.
 *
 * @throws RangeError for NaN among the scores
 * @example metrics.rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) // 0.75
 */
export function rocAuc<A extends RankingAverage = 'macro'>(
  scores: TargetsLike,
  expected: TargetsLike,
  options: RankingOptions<A> = {},
): Averaged<A> {
  return rank('Cannot compute ROC AUC', rocOfGroups, scores, expected, options) as Averaged<A>;
}

/**
 * Area under the precision-recall curve as average precision: Σ (R_n − R_n−1) P_n over the distinct scores, without
 * interpolation; 0 for a class without rows. As `rocAuc` otherwise.
 */
export function prAuc<A extends RankingAverage = 'macro'>(
  scores: TargetsLike,
  expected: TargetsLike,
  options: RankingOptions<A> = {},
): Averaged<A> {
  return rank('Cannot compute PR AUC', precisionOfGroups, scores, expected, options) as Averaged<A>;
}

/**
 * Share of the rows whose class is among the `k` largest scores (default 5). Of equal scores the first come first, so
 * that k = 1 is the accuracy of `argmax`; scikit-learn takes the last.
 *
 * @param scores rows × classes
 * @example metrics.topK([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], [1, 0], { k: 2 }) // 0.5
 */
export function topK(
  scores: TargetsLike,
  expected: TargetsLike,
  options: WeightOptions & { readonly k?: number } = {},
): number {
  const action = 'Cannot compute top k';
  requireKnownKeys(action, options, ['k', 'sampleWeight']);
  const { k = 5 } = options;
  requireInteger(action, 'k', k, 1);
  const matrix = readScores(action, 'scores', scores);
  const { data, rows, columns } = matrix;
  if (columns === 1) throw rangeError(action, 'scores must have at least 2 columns', fact('1 column'));
  const classes = readClasses(action, expected, matrix);
  const weights = readWeights(action, options.sampleWeight, rows);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const own = data[row * columns + classes[row]];
    let before = 0;
    for (let column = 0; column < columns; column++) {
      const score = data[row * columns + column];
      if (score > own || (score === own && column < classes[row])) before++;
    }
    if (before < k) sum += weights.of(row);
  }
  return sum / weights.sum;
}
