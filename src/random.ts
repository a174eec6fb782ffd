import type { Numbers } from './backends/backend.js';
import { Turns } from './event-loop.js';

/** The four words of a generator, as unsigned integers. */
export type RandomState = readonly [number, number, number, number];

/** Draws numbers from a generator, and leaves its four words where the draws leave them. */
type Draw = (words: Int32Array, into: Numbers, units: number, first: number, second: number) => void;

/** Draws as `Random.normals` and `Random.uniforms` do, normal numbers to within the last bits of float64. */
export interface Draws {
  /** Of a mean and a standard deviation. */
  readonly drawNormals: Draw;
  /** From a minimum to before a maximum. */
  readonly drawUniforms: Draw;
}

/** A bijection of 32-bit integers that spreads every bit over all of them. */
export function mix(x: number): number {
  let mixed = x ^ (x >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}

/** Numbers that are drawn between two looks at the clock: a millisecond by code that is not yet compiled. */
const DRAWN_AT_ONCE = 2 ** 12;

/** Goes through inputs × units unit by unit: `draw` gets the place of an input of a unit, and where to stop. */
async function inTurns(
  { length }: Numbers,
  units: number,
  turns: Turns,
  draw: (at: number, end: number) => void,
): Promise<void> {
  const stretch = DRAWN_AT_ONCE * units;
  let drawn = 0;
  for (let unit = 0; unit < units && unit < length; unit++) {
    for (let at = unit; at < length; at += stretch) {
      const end = Math.min(length, at + stretch);
      draw(at, end);
      drawn += Math.ceil((end - at) / units);
      if (drawn < DRAWN_AT_ONCE) continue;
      drawn = 0;
      await turns.take();
    }
  }
}

/**
 * The one source of randomness for initial weights, splits and shuffling: xoshiro128** (Blackman and Vigna, 2018),
 * seeded through splitmix32, so that a seed gives the same numbers on every backend and engine.
 */
export class Random {
  /** Four words; in an array they stay integers. */
  readonly #words = new Int32Array(4);

  readonly #draws: Draws | undefined;

  /**
   * @param seed a non-negative safe integer; its low and high 32 bits both count.
   * @param draws draws many numbers faster than the engine does
   */
  constructor(seed: number, draws?: Draws) {
    this.#draws = draws;
    let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32), 0x85ebca6b);
    for (let word = 0; word < 4; word++) {
      state = (state + 0x9e3779b9) | 0;
      this.#words[word] = mix(state);
    }
  }

  /** Where the sequence stands, to go on from it later. */
  get state(): RandomState {
    const [a, b, c, d] = new Uint32Array(this.#words);
    return [a, b, c, d];
  }

  set state(words: RandomState) {
    this.#words.set(words);
  }

  /** A uniform integer in [0, 2^32). */
  nextUint32(): number {
    const words = this.#words;
    const b = words[1];
    const scrambled = Math.imul(b, 5);
    const c = words[2] ^ words[0];
    const d = words[3] ^ b;
    words[1] = b ^ c;
    words[0] ^= d;
    words[2] = c ^ (b << 9);
    words[3] = (d << 11) | (d >>> 21);
    return Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
  }

  /** A uniform number in [0, 1), with 53 random bits. */
  uniform(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A standard normal number (Box and Muller, 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Uniform numbers: drawn unit by unit, put down as inputs × units, in turns of the event loop. */
  async uniforms(
    into: Numbers,
    units: number,
    minimum: number,
    maximum: number,
    turns = new Turns(),
  ): Promise<void> {
    if (this.#draws) this.#draws.drawUniforms(this.#words, into, units, minimum, maximum);
    else
      await inTurns(into, units, turns, (begin, end) => {
        for (let at = begin; at < end; at += units) into[at] = minimum + (maximum - minimum) * this.uniform();
      });
  }

  /** Normal numbers likewise. */
  async normals(
    into: Numbers,
    units: number,
    mean: number,
    standardDeviation: number,
    turns = new Turns(),
  ): Promise<void> {
    if (this.#draws) this.#draws.drawNormals(this.#words, into, units, mean, standardDeviation);
    else
      await inTurns(into, units, turns, (begin, end) => {
        for (let at = begin; at < end; at += units) into[at] = mean + standardDeviation * this.normal();
      });
  }

  /**
   * A uniform integer in [0, bound), without bias: the high half of a product (Lemire, 2019), drawn again in the rare
   * case that would favour some integers. Products of bounds beyond 2^21 are not exact in float64 and take a remainder.
   */
  integer(bound: number): number {
    if (bound <= 2 ** 21) {
      let drawn = this.nextUint32();
      if (Math.imul(drawn, bound) >>> 0 < bound) {
        const threshold = (2 ** 32 - bound) % bound;
        while (Math.imul(drawn, bound) >>> 0 < threshold) drawn = this.nextUint32();
      }
      return Math.floor((drawn * bound) / 2 ** 32);
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let drawn = this.nextUint32();
    while (drawn >= limit) drawn = this.nextUint32();
    return drawn % bound;
  }

  /**
   * Shuffles `items` from `begin` to before `end` in place (Fisher and Yates). Places from `settled` on get their item;
   * with `settled` beyond `begin`, shuffling from `begin` to before `settled` is what is left to do.
   */
  shuffle(items: Uint32Array, begin = 0, end = items.length, settled = begin): void {
    for (let last = end - 1; last >= settled && last > begin; last--) {
      const other = begin + this.integer(last - begin + 1);
      const moved = items[last];
      items[last] = items[other];
      items[other] = moved;
    }
  }
}
