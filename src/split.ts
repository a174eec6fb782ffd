import { EpochOrders } from './epoch-orders.js';
import { rangeError } from './errors.js';
import type { CheckedOptions } from './fit-options.js';
import type { Random } from './random.js';

/** Indices of the rows to train on and of those kept for validation. */
export interface Split {
  readonly train: Uint32Array;
  readonly held: Uint32Array;
}

type SplitOptions = Pick<CheckedOptions, 'validationSplit' | 'validationSplitMode'>;

/** Rows kept for validation. */
export function heldRows(action: string, count: number, { validationSplit }: SplitOptions): number {
  const held = Math.floor(count * validationSplit);
  if (validationSplit > 0 && (held === 0 || held === count)) {
    throw rangeError(action, `validationSplit must leave rows on both sides of ${count}`, validationSplit);
  }
  return held;
}

/** Splits rows; the generator moves on only where it shuffles. */
export async function splitRows(
  count: number,
  heldCount: number,
  { validationSplitMode }: SplitOptions,
  random: Random,
): Promise<Split> {
  const rows = new Uint32Array(count);
  for (let row = 0; row < rows.length; row++) rows[row] = row;
  const shuffles = heldCount > 0 && validationSplitMode === 'shuffled';
  const order = shuffles ? await new EpochOrders(rows, random).take(1) : null;
  const split = order ?? rows;
  return { train: split.subarray(0, count - heldCount), held: split.subarray(count - heldCount) };
}
