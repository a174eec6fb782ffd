import type { Random } from '../../../src/random.js';
import type { BufferOperand, OperationCase } from '../../support/operation-case.js';

/** One row, a lane, a vector and a tile of every instruction set, each one less and one more, and primes. */
export const rowCounts = [1, 2, 3, 4, 7, 8, 13, 16, 17, 33];
export const widths = [1, 2, 3, 4, 5, 8, 10, 15, 16, 17, 31, 32, 33, 47, 64, 101];
/** The same for what goes over memory once. */
export const lengths = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1031];

export const symmetric = (random: Random): number => 2 * random.uniform() - 1;
export const probability = (random: Random): number => 0.01 + 0.98 * random.uniform();
export const read = (size: number, draw: NonNullable<BufferOperand['draw']> = symmetric): BufferOperand => ({
  size,
  draw,
});
export const written = (size: number, allowed: number, scale = 1): BufferOperand => ({
  size,
  written: { tolerance: allowed, scale },
});
export const updated = (size: number, draw: BufferOperand['draw'], allowed: number): BufferOperand => ({
  size,
  draw,
  written: { tolerance: allowed, scale: 1 },
});
export const labelsOf = (rows: number, units: number): BufferOperand =>
  read(rows, (random) => random.integer(units));

export const codesOf = (codes: object): number[] =>
  Object.values(codes).filter((code) => typeof code === 'number');

let seed = 0;
export const make = (test: Omit<OperationCase, 'seed'>): OperationCase => ({ ...test, seed: seed++ });
