import { type Part, rowOf } from '../data/data-set.js';
import { randomFrom } from '../data/random.js';
import { shuffle } from '../data/shuffle.js';
import type { Targets } from './task.js';

/** Batches to step on one by one, in orders of the rows drawn by a seed. */
export class Batches {
  readonly #count: number;
  readonly #random: () => number;
  #order: Uint32Array = new Uint32Array();
  #position = 0;

  constructor(count: number, seed: number) {
    this.#count = count;
    this.#random = randomFrom(seed);
  }

  /** The rows of the next batch; the last one of a pass may be smaller. */
  next(batchSize: number): Uint32Array {
    if (this.#position >= this.#order.length) {
      this.#order = Uint32Array.from({ length: this.#count }, (_, row) => row);
      shuffle(this.#order, this.#random);
      this.#position = 0;
    }
    const rows = this.#order.slice(this.#position, this.#position + batchSize);
    this.#position += rows.length;
    return rows;
  }
}

/** Inputs and targets of some rows, one after the other. */
export function gathered(
  part: Part,
  targets: Targets,
  rows: Uint32Array,
): [x: Float32Array | Uint8Array, t: Targets] {
  const columns = part.x.length / part.count;
  const width = targets.length / part.count;
  const x = part.x.slice(0, rows.length * columns);
  const t = targets.slice(0, rows.length * width);
  rows.forEach((row, index) => {
    x.set(rowOf(part, row), index * columns);
    t.set(targets.subarray(row * width, (row + 1) * width), index * width);
  });
  return [x, t];
}
