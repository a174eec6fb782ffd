import type { Numbers } from './backend.js';

const BLOCK = 1024;

/** Index of the first NaN or infinity, −1 without one. A block whose numbers times zero sum to zero has none. */
export function firstNonFinite(values: Numbers): number {
  for (let begin = 0; begin < values.length; begin += BLOCK) {
    const end = Math.min(begin + BLOCK, values.length);
    let even = 0;
    let odd = 0;
    for (let index = begin; index + 1 < end; index += 2) {
      even += values[index] * 0;
      odd += values[index + 1] * 0;
    }
    even += values[end - 1] * 0;
    if (even + odd === 0) continue;
    for (let index = begin; index < end; index++) if (!Number.isFinite(values[index])) return index;
  }
  return -1;
}
