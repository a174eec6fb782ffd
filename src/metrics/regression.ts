/** Metrics of numbers, with the definitions of scikit-learn. `predicted` and `expected` are rows × outputs. */
import type { TargetsLike } from '../data.js';
import { fact, requireKnownKeys, requireName, typeError } from '../errors.js';
import type { Matrix } from '../matrix.js';
import { type Averaged, readFinite } from './inputs.js';
import { readWeights, type WeightOptions, type Weights } from './weights.js';

export interface RegressionOptions<A extends string = 'uniform' | 'none'> extends WeightOptions {
  /** Mean over the outputs (`'uniform'`, the default), or one number an output (`'none'`). */
  readonly average?: A;
}

interface Pair {
  readonly predicted: Matrix;
  readonly expected: Matrix;
  readonly weights: Weights;
}

function readPair(
  action: string,
  predicted: TargetsLike,
  expected: TargetsLike,
  weight?: ArrayLike<number>,
): Pair {
  const [p, t] = [readFinite(action, 'predicted', predicted), readFinite(action, 'expected', expected)];
  if (p.rows !== t.rows || p.columns !== t.columns) {
    const rule = `expected must be ${p.rows} x ${p.columns}, like predicted`;
    throw typeError(action, rule, fact(`${t.rows} x ${t.columns}`));
  }
  return { predicted: p, expected: t, weights: readWeights(action, weight, p.rows) };
}

/** Weighted sum over the rows of a term, for each output. */
function sumOver(
  { predicted, expected, weights }: Pair,
  term: (p: number, t: number, output: number) => number,
): Float64Array {
  const { data, columns } = predicted;
  const sums = new Float64Array(columns);
  for (let index = 0; index < data.length; index++) {
    const output = index % columns;
    sums[output] += weights.of(Math.floor(index / columns)) * term(data[index], expected.data[index], output);
  }
  return sums;
}

/** Means of a term over the rows, turned by `finish` and averaged over the outputs. */
function meanOf<A extends string>(
  action: string,
  predicted: TargetsLike,
  expected: TargetsLike,
  options: RegressionOptions<A>,
  term: (p: number, t: number) => number,
  finish: (mean: number) => number = (mean) => mean,
): Averaged<A> {
  requireKnownKeys(action, options, ['average', 'sampleWeight']);
  const { average = 'uniform' } = options;
  requireName(action, 'average', average, ['uniform', 'none']);
  const pair = readPair(action, predicted, expected, options.sampleWeight);
  const means = sumOver(pair, term).map((sum) => finish(sum / pair.weights.sum));
  const result = average === 'none' ? means : means.reduce((sum, mean) => sum + mean, 0) / means.length;
  return result as Averaged<A>;
}

/** Mean absolute error. */
export const mae = <A extends 'uniform' | 'none' = 'uniform'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: RegressionOptions<A> = {},
): Averaged<A> => meanOf('Cannot compute MAE', predicted, expected, options, (p, t) => Math.abs(p - t));

/** Root of the mean squared error of each output; the mean over outputs is that of the roots. */
export const rmse = <A extends 'uniform' | 'none' = 'uniform'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: RegressionOptions<A> = {},
): Averaged<A> =>
  meanOf('Cannot compute RMSE', predicted, expected, options, (p, t) => (p - t) ** 2, Math.sqrt);

/** Mean absolute percentage error as a share: |p − t| / max(|t|, 2^−52). */
export const mape = <A extends 'uniform' | 'none' = 'uniform'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: RegressionOptions<A> = {},
): Averaged<A> =>
  meanOf(
    'Cannot compute MAPE',
    predicted,
    expected,
    options,
    (p, t) => Math.abs(p - t) / Math.max(Math.abs(t), 2 ** -52),
  );

/**
 * Coefficient of determination, 1 − Σ(t − p)² / Σ(t − mean t)². An output whose targets are all equal has 1 if they are
 * met exactly and 0 if not; fewer than two rows give NaN. `average: 'variance'` weighs outputs by the variance of their
 * targets.
 */
export function r2<A extends 'uniform' | 'variance' | 'none' = 'uniform'>(
  predicted: TargetsLike,
  expected: TargetsLike,
  options: RegressionOptions<A> = {},
): Averaged<A> {
  const action = 'Cannot compute R2';
  requireKnownKeys(action, options, ['average', 'sampleWeight']);
  const { average = 'uniform' } = options;
  requireName(action, 'average', average, ['uniform', 'variance', 'none']);
  const pair = readPair(action, predicted, expected, options.sampleWeight);
  const means = sumOver(pair, (_, t) => t).map((sum) => sum / pair.weights.sum);
  const residual = sumOver(pair, (p, t) => (t - p) ** 2);
  const total = sumOver(pair, (_, t, output) => (t - means[output]) ** 2);
  const { data, columns } = pair.expected;
  const varies = total.map((_, output) =>
    Number(data.some((t, i) => i % columns === output && t !== data[output])),
  );
  const scores = residual.map((value, output) => {
    if (pair.predicted.rows < 2) return Number.NaN;
    if (varies[output] === 0) return value === 0 ? 1 : 0;
    return 1 - value / total[output];
  });
  if (average === 'none') return scores as Averaged<A>;
  const isVariance = average === 'variance' && varies.includes(1);
  const shares = isVariance ? total.map((value, output) => value * varies[output]) : scores.map(() => 1);
  const sum = scores.reduce((partial, score, output) => partial + shares[output] * score, 0);
  return (sum / shares.reduce((partial, share) => partial + share, 0)) as Averaged<A>;
}
