import { describe, expect, it } from 'vitest';
import { maskBits, maskKernels, maskKeys } from '../../src/backends/reference/mask-kernels.js';

const BITS = 2 ** 24;
const COUNT = 2 ** 16;

/** Masks of a layer in a step as numbers in [0, 1). */
const uniforms = (key: number, step: number, layer: number, count = COUNT): Float64Array => {
  const keys = maskKeys(key, step, layer);
  return Float64Array.from({ length: count }, (_, element) => maskBits(keys, element) / BITS);
};

const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index];
  return sum / values.length;
};

/** Correlation of values that are uniform in [0, 1), in standard deviations of what chance makes of it. */
function correlation(a: Float64Array, b: Float64Array): number {
  const products = Float64Array.from(a, (value, index) => (value - 0.5) * (b[index] - 0.5) * 12);
  return meanOf(products) * Math.sqrt(a.length);
}

describe('the bits of masks', () => {
  it('are uniform in every step and layer', () => {
    for (const key of [0, 1, 0xdeadbeef, 0xffffffff]) {
      for (const [step, layer] of [
        [1, 0],
        [2, 0],
        [1, 1],
        [100_000, 7],
      ]) {
        const cells = new Float64Array(256);
        for (const value of uniforms(key, step, layer)) cells[Math.floor(value * 256)]++;
        const expected = COUNT / 256;
        const chiSquare = cells.reduce((sum, cell) => sum + (cell - expected) ** 2 / expected, 0);
        // 255 degrees of freedom: five standard deviations either way.
        expect(Math.abs(chiSquare - 255), `${key} ${step} ${layer}`).toBeLessThan(5 * Math.sqrt(510));
      }
    }
  });

  it('drop the share that is wanted, of every row and every unit', () => {
    const [rows, units] = [256, 256];
    for (const rate of [0.01, 0.1, 0.5, 0.9]) {
      const dropped = Array.from(uniforms(5, 17, 1), (value) => Number(value < rate));
      const deviation = Math.sqrt(rate * (1 - rate));
      expect(Math.abs(meanOf(dropped) - rate)).toBeLessThan((4 * deviation) / Math.sqrt(COUNT));
      for (let line = 0; line < rows; line++) {
        const row = dropped.slice(line * units, (line + 1) * units);
        const column = Array.from({ length: rows }, (_, r) => dropped[r * units + line]);
        for (const one of [row, column])
          expect(Math.abs(meanOf(one) - rate)).toBeLessThan((6 * deviation) / Math.sqrt(units));
      }
    }
  });

  it('do not depend on those of the step, layer, seed, row or unit before', () => {
    const first = uniforms(9, 40, 2);
    const others: [string, Float64Array][] = [
      ['the next step', uniforms(9, 41, 2)],
      ['a later step', uniforms(9, 40 + 2 ** 16, 2)],
      ['the next layer', uniforms(9, 40, 3)],
      ['the next seed', uniforms(10, 40, 2)],
      ['the next layer in the step before', uniforms(9, 39, 3)],
    ];
    for (const stride of [1, 2, 3, 16, 100, 128, 512, 784, 4096]) {
      const shifted = uniforms(9, 40, 2, COUNT + stride).slice(stride);
      others.push([`the element ${stride} further on`, shifted]);
    }
    for (const [what, other] of others) expect(Math.abs(correlation(first, other)), what).toBeLessThan(4.5);
  });

  it('hardly repeat a stretch: of 400 steps, no eight bits in a row stand where they stood before', () => {
    const seen = new Set<string>();
    for (let step = 1; step <= 400; step++) {
      const keys = maskKeys(3, step, 0);
      for (let element = 0; element < 512; element += 8) {
        const stretch = Array.from({ length: 8 }, (_, index) => maskBits(keys, element + index));
        seen.add(stretch.join());
      }
    }
    expect(seen.size).toBe(400 * 64);
  });

  it('change by half with every bit of key, step and layer', () => {
    const bitsOf = (key: number, step: number, layer: number): number[] => {
      const keys = maskKeys(key, step, layer);
      return Array.from({ length: 512 }, (_, element) => maskBits(keys, element));
    };
    const base = bitsOf(0x1234567, 77, 3);
    const differing = (other: number[]): number => {
      let count = 0;
      base.forEach((bits, index) => {
        for (let rest = bits ^ other[index]; rest !== 0; rest &= rest - 1) count++;
      });
      return count / (base.length * 24);
    };
    for (let bit = 0; bit < 32; bit++) {
      expect(differing(bitsOf((0x1234567 ^ (1 << bit)) >>> 0, 77, 3))).toBeCloseTo(0.5, 1);
      expect(differing(bitsOf(0x1234567, (77 ^ (1 << bit)) >>> 0, 3))).toBeCloseTo(0.5, 1);
      if (bit < 10) expect(differing(bitsOf(0x1234567, 77, 3 ^ (1 << bit)))).toBeCloseTo(0.5, 1);
    }
  });
});

describe('noise', () => {
  it('has the moments of a normal distribution, and tails', () => {
    const arena = new Float64Array(2 * COUNT);
    const scalars = Float64Array.of(21, 4, 2);
    const batch = { arena, scalars, rows: 256 } as unknown as Parameters<
      typeof maskKernels.gaussian_noise
    >[0];
    const operands = { input: 0, output: COUNT, units: 256, deviation: 2, layer: 1, masks: 0 };
    maskKernels.gaussian_noise(batch, operands);
    const noise = arena.slice(COUNT).map((value) => value / 2);
    const moment = (power: number): number => meanOf(noise.map((value) => value ** power));
    const deviations = (value: number, expected: number, variance: number): number =>
      Math.abs(value - expected) / Math.sqrt(variance / COUNT);
    expect(deviations(moment(1), 0, 1)).toBeLessThan(4);
    expect(deviations(moment(2), 1, 2)).toBeLessThan(4);
    expect(deviations(moment(3), 0, 15)).toBeLessThan(4);
    expect(deviations(moment(4), 3, 96)).toBeLessThan(4);
    // Of 65,536 normal numbers, 4.1 are beyond four deviations.
    const far = noise.filter((value) => Math.abs(value) > 4).length;
    expect(far).toBeGreaterThan(0);
    expect(far).toBeLessThan(14);
  });
});
