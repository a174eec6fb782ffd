// Writes one WebAssembly module as a patch of another; src/backends/wasm/module-patch.ts applies it.

/** Shortest stretch worth a copy: with 8 or 10 the compressed patches are longer. */
const SHORTEST = 9;
/** How many places with the same beginning are looked at. */
const MOST_PLACES = 64;

/**
 * The length of `target`, then again and again: a number of new bytes, these bytes, how far behind the last copy (and
 * the new bytes) the next one begins in `base`, and its length. Numbers are LEB128, the signed one as zigzag.
 * @param {Uint8Array} base
 * @param {Uint8Array} target
 */
export function createPatch(base, target) {
  const places = indexOf(base);
  /** @type {number[]} */
  const patch = [];
  /** @param {number} value */
  const push = (value) => {
    for (; value > 127; value >>>= 7) patch.push((value & 127) | 128);
    patch.push(value);
  };
  /**
   * @param {number} from
   * @param {number} at
   */
  const commonLength = (from, at) => {
    let length = 0;
    while (from + length < base.length && at + length < target.length) {
      if (base[from + length] !== target[at + length]) break;
      length++;
    }
    return length;
  };

  push(target.length);
  let expected = 0;
  for (let begin = 0; begin < target.length; ) {
    let at = begin;
    let from = 0;
    let length = 0;
    for (; at < target.length && length < SHORTEST; at++) {
      const inLine = expected + at - begin;
      for (const place of [inLine, ...(places.get(keyAt(target, at)) ?? [])]) {
        const common = commonLength(place, at);
        if (common > length) [from, length] = [place, common];
      }
      if (length >= SHORTEST) break;
      length = 0;
    }
    push(at - begin);
    patch.push(...target.subarray(begin, at));
    const shift = length === 0 ? 0 : from - expected - (at - begin);
    push(shift < 0 ? -2 * shift - 1 : 2 * shift);
    push(length);
    expected += at - begin + shift + length;
    begin = at + length;
  }
  return Uint8Array.from(patch);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 */
const keyAt = (bytes, at) => bytes.subarray(at, at + SHORTEST).join();

/** @param {Uint8Array} bytes */
function indexOf(bytes) {
  /** @type {Map<string, number[]>} */
  const places = new Map();
  for (let at = 0; at + SHORTEST <= bytes.length; at++) {
    const key = keyAt(bytes, at);
    const known = places.get(key);
    if (known === undefined) places.set(key, [at]);
    else if (known.length < MOST_PLACES) known.push(at);
  }
  return places;
}
