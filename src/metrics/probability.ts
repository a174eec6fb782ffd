/**
 * Metrics of probabilities: rows × classes, or one number a row for class 1 of two. `expected` are labels counted from 0
 * or one-hot rows.
 */
import type { TargetsLike } from '../data.js';
import { argmaxOfRows, binaryOfRows } from '../decisions.js';
import { fact, rangeError, requireInteger, requireKnownKeys } from '../errors.js';
import type { Matrix } from '../matrix.js';
import { readClasses, readScores } from './inputs.js';
import { readWeights, type WeightOptions } from './weights.js';

/** Reads scores that are probabilities. */
function readProbabilities(action: string, values: TargetsLike): Matrix {
  const matrix = readScores(action, 'probabilities', values);
  const wrong = matrix.data.findIndex((value) => value < 0 || value > 1);
  if (wrong < 0) return matrix;
  const place = `row ${Math.floor(wrong / matrix.columns)}, column ${wrong % matrix.columns}`;
  throw rangeError(action, 'probabilities must be in [0, 1]', fact(`${matrix.data[wrong]} in ${place}`));
}

/**
 * Mean of −ln p over the rows, p being the probability of the row's class. Probabilities are kept 2^−52 (2^−23 in a
 * Float32Array) away from 0 and 1 and divided by the sum of their row, as in scikit-learn.
 *
 * @param probabilities rows × classes, or those of class 1
 * @throws RangeError for a number outside [0, 1]
 */
export function logLoss(
  probabilities: TargetsLike,
  expected: TargetsLike,
  options: WeightOptions = {},
): number {
  const action = 'Cannot compute log loss';
  requireKnownKeys(action, options, ['sampleWeight']);
  const matrix = readProbabilities(action, probabilities);
  const { data, rows, columns } = matrix;
  const classes = readClasses(action, expected, matrix);
  const weights = readWeights(action, options.sampleWeight, rows);
  const epsilon = data instanceof Float32Array ? 2 ** -23 : 2 ** -52;
  const clipped = (index: number): number => Math.min(Math.max(data[index], epsilon), 1 - epsilon);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const first = row * columns;
    let p = clipped(first);
    if (columns === 1) p = classes[row] === 1 ? p : 1 - p;
    else {
      let total = 0;
      for (let column = 0; column < columns; column++) total += clipped(first + column);
      p = clipped(first + classes[row]) / total;
    }
    sum -= weights.of(row) * Math.log(p);
  }
  return sum / weights.sum;
}

export interface CalibrationOptions extends WeightOptions {
  /** Intervals of equal width that [0, 1] is cut into; default 15. */
  readonly bins?: number;
}

/** Rows whose confidence falls into one interval. */
export interface CalibrationBin {
  /** Mean probability given. */
  readonly confidence: number;
  /** Share that came true. */
  readonly accuracy: number;
  /** Share of all rows. */
  readonly share: number;
}

/**
 * What probabilities come true, by intervals (from, to] of the probability; intervals without rows are left out. With
 * one column it is the probability of class 1 and how often it occurs, with several that of the class decided for and
 * how often that is right (Guo et al., 2017).
 *
 * @throws RangeError for a number outside [0, 1]
 */
export function calibrationCurve(
  probabilities: TargetsLike,
  expected: TargetsLike,
  options: CalibrationOptions = {},
): CalibrationBin[] {
  const action = 'Cannot compute calibration';
  requireKnownKeys(action, options, ['bins', 'sampleWeight']);
  const { bins = 15 } = options;
  requireInteger(action, 'bins', bins, 1, 2 ** 20);
  const matrix = readProbabilities(action, probabilities);
  const { data, rows, columns } = matrix;
  const classes = readClasses(action, expected, matrix);
  const weights = readWeights(action, options.sampleWeight, rows);
  const decided = columns === 1 ? binaryOfRows(data, 0) : argmaxOfRows(data, columns);
  const sums = new Float64Array(3 * bins);
  for (let row = 0; row < rows; row++) {
    const p = columns === 1 ? data[row] : data[row * columns + decided[row]];
    const weight = weights.of(row);
    const bin = binOf(p, bins);
    sums[3 * bin] += weight;
    sums[3 * bin + 1] += weight * p;
    if (classes[row] === decided[row]) sums[3 * bin + 2] += weight;
  }
  const curve: CalibrationBin[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const [weight, confidence, right] = sums.subarray(3 * bin, 3 * bin + 3);
    if (weight === 0) continue;
    curve.push({ confidence: confidence / weight, accuracy: right / weight, share: weight / weights.sum });
  }
  return curve;
}

/** Interval (bin / bins, (bin + 1) / bins] that p lies in; 0 belongs to the first. */
function binOf(p: number, bins: number): number {
  let bin = Math.min(Math.floor(p * bins), bins - 1);
  while (bin > 0 && p <= bin / bins) bin--;
  while (bin < bins - 1 && p > (bin + 1) / bins) bin++;
  return bin;
}

/** Expected calibration error: how far confidence and share of right decisions lie apart, see `calibrationCurve`. */
export function calibrationError(
  probabilities: TargetsLike,
  expected: TargetsLike,
  options: CalibrationOptions = {},
): number {
  return calibrationCurve(probabilities, expected, options).reduce(
    (sum, { confidence, accuracy, share }) => sum + share * Math.abs(confidence - accuracy),
    0,
  );
}
