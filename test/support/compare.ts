import { expect } from 'vitest';
import type { LayerWeights } from '../../src/index.js';
import { isClose } from './tolerances.js';

/** Asserts that two rows of numbers agree within relative `allowed` of `scale`; says where they first differ. */
export function expectAgree(
  what: string,
  received: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: number,
  scale = 1,
): void {
  expect(received.length, `${what}: length`).toBe(expected.length);
  let bad = 0;
  let first = -1;
  for (let index = 0; index < expected.length; index++) {
    if (isClose(received[index], expected[index], allowed, scale)) continue;
    if (bad++ === 0) first = index;
  }
  if (bad === 0) return;
  throw new Error(
    `${what}[${first}]: received ${received[first]}, expected ${expected[first]}; ${bad} elements differ`,
  );
}

/** All parameters one after the other. */
export const flatWeights = (layers: readonly LayerWeights[]): number[] =>
  layers.flatMap(({ weights, biases }) => [...weights.data, ...(biases ?? [])]);
