import type { Rows } from './backends/backend.js';
import { argmaxOfRows } from './decisions.js';
import { EpochOrders } from './epoch-orders.js';
import { fact, rangeError, typeError } from './errors.js';
import type { Model } from './model.js';
import type { Random } from './random.js';

export const splitModes = ['shuffled', 'stratified', 'last'] as const;
export type SplitMode = (typeof splitModes)[number];

/** Indices of the rows to train on and of those kept for validation. */
export interface Split {
  readonly train: Uint32Array;
  readonly held: Uint32Array;
}

export interface SplitOptions {
  readonly validationSplit: number;
  readonly validationSplitMode: SplitMode;
  readonly validationRows?: ArrayLike<number>;
}

/** Checks a split of `rows` and makes it when asked to. */
export class Splitter {
  readonly heldCount: number;
  /** Whether the generator has a say. */
  readonly isRandom: boolean;
  readonly #count: number;
  readonly #options: SplitOptions;
  /** Class of each row of a stratified split. */
  readonly #classes: ArrayLike<number> | null = null;

  constructor(action: string, rows: Rows, model: Model, options: SplitOptions) {
    const { count } = rows;
    const { validationSplit, validationSplitMode, validationRows } = options;
    this.#count = count;
    this.#options = options;
    this.heldCount = validationRows?.length ?? Math.floor(count * validationSplit);
    const name = validationRows ? 'validationRows' : 'validationSplit';
    if ((validationRows || validationSplit > 0) && (this.heldCount === 0 || this.heldCount >= count)) {
      const received = validationRows ? fact(`${validationRows.length} rows`) : validationSplit;
      throw rangeError(action, `${name} must leave rows on both sides of ${count}`, received);
    }
    if (validationRows) checkRows(action, validationRows, count);
    this.isRandom = !validationRows && this.heldCount > 0 && validationSplitMode !== 'last';
    if (this.heldCount > 0 && !validationRows && validationSplitMode === 'stratified') {
      this.#classes = classesOf(action, rows, model);
    }
  }

  /** The split; the generator moves on only where it has a say. */
  async split(random: Random): Promise<Split> {
    const rows = this.#rows();
    if (!this.isRandom) return this.#splitOf(rows);
    return this.#splitOf((await new EpochOrders(rows, random).take(1)) as Uint32Array);
  }

  /** The same without a turn of the event loop. */
  splitNow(random: Random): Split {
    const rows = this.#rows();
    if (!this.isRandom) return this.#splitOf(rows);
    return this.#splitOf(new EpochOrders(rows, random).takeNow(1) as Uint32Array);
  }

  #rows(): Uint32Array {
    const rows = new Uint32Array(this.#count);
    for (let row = 0; row < rows.length; row++) rows[row] = row;
    return rows;
  }

  /** The split of the rows in this order. */
  #splitOf(order: Uint32Array): Split {
    const { validationRows } = this.#options;
    if (validationRows) {
      const held = Uint32Array.from(validationRows);
      const isHeld = new Uint8Array(this.#count);
      for (const row of held) isHeld[row] = 1;
      return { train: order.filter((row) => isHeld[row] === 0), held };
    }
    if (this.#classes) return stratified(order, this.#classes, this.heldCount);
    const trainCount = this.#count - this.heldCount;
    return { train: order.subarray(0, trainCount), held: order.subarray(trainCount) };
  }
}

function checkRows(action: string, rows: ArrayLike<number>, count: number): void {
  const seen = new Uint8Array(count);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    if (!Number.isInteger(row) || row < 0 || row >= count || seen[row] === 1) {
      const rule = `validationRows must be different integers from 0 to ${count - 1}`;
      throw rangeError(action, rule, fact(`${row} at ${index}`));
    }
    seen[row] = 1;
  }
}

function classesOf(action: string, { labels, targets, count }: Rows, model: Model): ArrayLike<number> {
  if (labels) return labels;
  const { outputs, decision } = model;
  if (decision === null || !targets) {
    const rule = "validationSplitMode 'stratified' needs a loss or outputs that classify";
    throw typeError(action, rule, fact('a network without accuracy'));
  }
  if (outputs > 1) return argmaxOfRows(targets, outputs);
  return Uint8Array.from({ length: count }, (_, row) => Number(targets[row] >= 0.5));
}

/**
 * Of each class the last rows in the order, as many as its share of all, rounded so that `heldCount` are held: the
 * classes with the largest remainders get one more.
 */
function stratified(order: Uint32Array, classes: ArrayLike<number>, heldCount: number): Split {
  const sizes = new Map<number, number>();
  for (const row of order) sizes.set(classes[row], (sizes.get(classes[row]) ?? 0) + 1);
  const shares = [...sizes].map(([label, size]) => {
    const exact = (size * heldCount) / order.length;
    return { label, held: Math.floor(exact), remainder: exact % 1 };
  });
  shares.sort((a, b) => b.remainder - a.remainder || a.label - b.label);
  let left = heldCount - shares.reduce((sum, { held }) => sum + held, 0);
  const toHold = new Map(shares.map(({ label, held }) => [label, left-- > 0 ? held + 1 : held]));
  const train = new Uint32Array(order.length - heldCount);
  const held = new Uint32Array(heldCount);
  let [trains, holds] = [train.length, held.length];
  for (let place = order.length - 1; place >= 0; place--) {
    const row = order[place];
    const wanted = toHold.get(classes[row]) as number;
    if (wanted > 0) {
      held[--holds] = row;
      toHold.set(classes[row], wanted - 1);
    } else train[--trains] = row;
  }
  return { train, held };
}
