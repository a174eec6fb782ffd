import { yieldToEventLoop } from './event-loop.js';
import type { Random, RandomState } from './random.js';

/** Rows that are put in order between two turns of the event loop: a millisecond by code that is not yet compiled. */
const SLICE_ROWS = 2 ** 14;

/** Up to this many rows a loop is quicker than a call of `set`. */
const FEW_ROWS = 64;

/** Orders of some epochs, one after the other. Null: in all of them the rows come as they stand. */
type Orders = Uint32Array | null;

/** Where orders begin: the generator before the pass over the rows, and how many of its rows are used up. */
export interface OrderOrigin {
  readonly random: RandomState | null;
  readonly used: number;
}

interface Prepared {
  readonly orders: Promise<Orders>;
  /** State of the generator before. */
  readonly before: RandomState | null;
  readonly origin: OrderOrigin;
}

/**
 * The order of the rows in each epoch of a run, made ahead of its use and without holding the event loop. An epoch of
 * another length than the rows takes up the pass over them where the one before it ended. When it ends, the generator
 * is where the epochs taken have brought it.
 */
export class EpochOrders {
  /** Rows of an epoch before it is shuffled, and the generator to shuffle them with. */
  readonly #rows: Uint32Array;
  readonly #random: Random | null;
  readonly #rowsPerEpoch: number;
  readonly #asTheyStand: boolean;
  #prepared: Prepared | null = null;
  #ended = false;
  /** Used in turn: orders are made in one while the other is in use. */
  #buffers = [new Uint32Array(0), new Uint32Array(0)];
  /** The pass under way where epochs and passes differ in length, the generator before it, and its rows used. */
  #pass: Uint32Array | null = null;
  #beforePass: RandomState | null = null;
  #used: number;

  /** @param used rows of the first pass, shuffled with the generator as it stands, that are not to come */
  constructor(rows: Uint32Array, random: Random | null, rowsPerEpoch = rows.length, used = 0) {
    this.#rows = rows;
    this.#random = random;
    this.#rowsPerEpoch = rowsPerEpoch;
    this.#used = used;
    const whole = rowsPerEpoch === rows.length && used === 0;
    this.#asTheyStand = whole && random === null && rows.every((row, place) => row === place);
  }

  /** Where the orders to be taken next begin. */
  get next(): OrderOrigin {
    return this.#prepared?.origin ?? this.#origin(this.#random?.state ?? null);
  }

  /** Begins to make the orders of the next `epochs` epochs, unless that has begun. */
  prepare(epochs: number): void {
    if (this.#prepared || epochs === 0) return;
    const before = this.#random?.state ?? null;
    const origin = this.#origin(before);
    const orders = this.#inTurns(this.#make(epochs));
    this.#prepared = { orders, before, origin };
  }

  /** The orders of the next `epochs` epochs: those prepared. Good until the next but one are prepared. */
  async take(epochs: number): Promise<Orders> {
    this.prepare(epochs);
    const orders = await this.#prepared?.orders;
    this.#prepared = null;
    return orders ?? null;
  }

  /** As `take`, without a turn of the event loop; nothing has been prepared. */
  takeNow(epochs: number): Orders {
    const making = this.#make(epochs);
    for (;;) {
      const { done, value } = making.next();
      if (done) return value;
    }
  }

  /** Gives up what was prepared and not taken. */
  end(): void {
    this.#ended = true;
    if (this.#random && this.#prepared?.before) this.#random.state = this.#prepared.before;
    this.#prepared = null;
  }

  #origin(random: RandomState | null): OrderOrigin {
    const used = this.#pass && this.#used === this.#pass.length ? 0 : this.#used;
    return { random: this.#pass && used > 0 ? this.#beforePass : random, used };
  }

  /** Makes orders, null for rows as they stand, with pauses between slices. */
  *#make(epochs: number): Generator<void, Orders> {
    if (this.#asTheyStand) return null;
    const orders = this.#buffer(epochs * this.#rowsPerEpoch);
    const { length } = this.#rows;
    if (this.#rowsPerEpoch === length && this.#used === 0) {
      yield* this.#fill(orders);
      return orders;
    }
    for (let at = 0; at < orders.length; ) {
      if (this.#pass === null || this.#used === length) {
        this.#beforePass = this.#random?.state ?? null;
        // The first pass of a run that goes on is begun after the rows used up before.
        if (this.#pass) this.#used = 0;
        this.#pass ??= new Uint32Array(length);
        yield* this.#fill(this.#pass);
      }
      const count = Math.min(orders.length - at, length - this.#used);
      orders.set(this.#pass.subarray(this.#used, this.#used + count), at);
      this.#used += count;
      at += count;
    }
    return orders;
  }

  /** The result of `making`, with a turn of the event loop in each pause; null if it is not wanted any more. */
  async #inTurns(making: Generator<void, Orders>): Promise<Orders> {
    for (;;) {
      const { done, value } = making.next();
      if (done) return value;
      await yieldToEventLoop();
      if (this.#ended) return null;
    }
  }

  /** Fills `orders` with passes over the rows. */
  *#fill(orders: Uint32Array): Generator<void, void> {
    const { length } = this.#rows;
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
        yield;
      }
    }
  }

  #buffer(length: number): Uint32Array {
    this.#buffers.reverse();
    if (this.#buffers[0].length < length) this.#buffers[0] = new Uint32Array(length);
    return this.#buffers[0].subarray(0, length);
  }
}
