import { yieldToEventLoop } from './event-loop.js';
import type { Random, RandomState } from './random.js';

/** Rows that are put in order between two turns of the event loop: a millisecond where they exceed the caches. */
const SLICE_ROWS = 2 ** 16;

/** Up to this many rows a loop is quicker than a call of `set`. */
const FEW_ROWS = 64;

/** Orders of some epochs, one after the other. Null: in all of them the rows come as they stand. */
type Orders = Uint32Array | null;

interface Prepared {
  readonly orders: Promise<Orders>;
  /** State of the generator before. */
  readonly before: RandomState | null;
}

/**
 * The order of the rows in each epoch of a run, made ahead of its use and without holding the event loop. When it
 * ends, the generator is where the epochs taken have brought it.
 */
export class EpochOrders {
  /** Rows of an epoch before it is shuffled, and the generator to shuffle them with. */
  readonly #rows: Uint32Array;
  readonly #random: Random | null;
  readonly #asTheyStand: boolean;
  #prepared: Prepared | null = null;
  #ended = false;
  /** Used in turn: orders are made in one while the other is in use. */
  #buffers = [new Uint32Array(0), new Uint32Array(0)];

  constructor(rows: Uint32Array, random: Random | null) {
    this.#rows = rows;
    this.#random = random;
    this.#asTheyStand = random === null && rows.every((row, place) => row === place);
  }

  /** Begins to make the orders of the next `epochs` epochs, unless that has begun. */
  prepare(epochs: number): void {
    if (this.#prepared || epochs === 0) return;
    const before = this.#random?.state ?? null;
    const orders = this.#make(epochs);
    this.#prepared = { orders, before };
  }

  /** The orders of the next `epochs` epochs: those prepared. Good until the next but one are prepared. */
  async take(epochs: number): Promise<Orders> {
    this.prepare(epochs);
    const orders = await this.#prepared?.orders;
    this.#prepared = null;
    return orders ?? null;
  }

  /** Gives up what was prepared and not taken. */
  end(): void {
    this.#ended = true;
    if (this.#random && this.#prepared?.before) this.#random.state = this.#prepared.before;
    this.#prepared = null;
  }

  async #make(epochs: number): Promise<Orders> {
    if (this.#asTheyStand) return null;
    const { length } = this.#rows;
    const orders = this.#buffer(epochs * length);
    let rows = 0;
    for (let begin = 0; begin < orders.length; begin += length) {
      if (length < FEW_ROWS) for (let row = 0; row < length; row++) orders[begin + row] = this.#rows[row];
      else orders.set(this.#rows, begin);
      let settled = begin + length;
      while (settled > begin) {
        const end = settled;
        settled = Math.max(begin, end - SLICE_ROWS);
        this.#random?.shuffle(orders, begin, end, settled);
        rows += end - settled;
        if (rows < SLICE_ROWS) continue;
        rows = 0;
        await yieldToEventLoop();
        if (this.#ended) return null;
      }
    }
    return orders;
  }

  #buffer(length: number): Uint32Array {
    this.#buffers.reverse();
    if (this.#buffers[0].length < length) this.#buffers[0] = new Uint32Array(length);
    return this.#buffers[0].subarray(0, length);
  }
}
