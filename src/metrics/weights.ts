import { fact, rangeError, typeError } from '../errors.js';

/** What every metric takes besides predictions and targets. */
export interface WeightOptions {
  /** One finite weight >= 0 a row, not all of them zero; default 1 each. */
  readonly sampleWeight?: ArrayLike<number>;
}

/** A weight of each of `rows` rows, and their sum. */
export interface Weights {
  readonly of: (row: number) => number;
  readonly sum: number;
}

export function readWeights(action: string, weights: ArrayLike<number> | undefined, rows: number): Weights {
  if (weights === undefined) return { of: () => 1, sum: rows };
  if (typeof weights !== 'object' || weights === null || weights.length !== rows) {
    throw typeError(action, `sampleWeight must have ${rows} numbers, one a row`, weights);
  }
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const weight = weights[row];
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw rangeError(action, 'sampleWeight must be finite and >= 0', fact(`${weight} in row ${row}`));
    }
    sum += weight;
  }
  if (!(sum > 0)) throw rangeError(action, 'sampleWeight must have a weight > 0', fact('zeros only'));
  return { of: (row) => weights[row], sum };
}
