import type { Numbers } from './backend.js';

const BLOCK = 1024;

/** Index of the first NaN or infinity, −1 without one. A block whose numbers times zero sum to zero has none. */
export function firstNonFinite(values: Numbers): number {
  for (let begin = 0; begin < values.length; begin += BLOCK) {
    const end = Math.min(begin + BLOCK, values.length);
    // An addition takes several cycles; sums that do not wait for one another overlap.
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    let at = begin;
    for (; at + 3 < end; at += 4) {
      sum0 += values[at] * 0;
      sum1 += values[at + 1] * 0;
      sum2 += values[at + 2] * 0;
      sum3 += values[at + 3] * 0;
    }
    for (; at < end; at++) sum0 += values[at] * 0;
    if (sum0 + sum1 + sum2 + sum3 === 0) continue;
    for (let index = begin; index < end; index++) if (!Number.isFinite(values[index])) return index;
  }
  return -1;
}
