import { describe, expect, it } from 'vitest';
import { binaryFunctions, unaryFunctions } from '../../src/expression/functions.js';
import type { BinaryName, UnaryName } from '../../src/expression/nodes.js';
import { BinaryCode, ExtentCode, type Opcode, ScalarCode, UnaryCode } from '../../src/opcodes.js';
import { openBackend, usableIds } from '../support/backends.js';
import { planOf } from '../support/operation-case.js';
import { sweptFloats, worstError } from '../support/ulp.js';

const { full } = ExtentCode;
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

interface Bound {
  readonly ulp: number;
  /** Results smaller than this count as being of this size. */
  readonly floor?: number;
}

const bounds: Readonly<Record<UnaryName, Bound>> = {
  neg: { ulp: 0 },
  abs: { ulp: 0 },
  sqrt: { ulp: 0 },
  exp: { ulp: 4 },
  expm1: { ulp: 4 },
  log: { ulp: 4 },
  sin: { ulp: 4, floor: 2 ** -10 },
  cos: { ulp: 4, floor: 2 ** -10 },
  tanh: { ulp: 4 },
  sigmoid: { ulp: 4 },
  softplus: { ulp: 4 },
  erf: { ulp: 4 },
};

/** Where methods change, results overflow or vanish, and next to zeros of sin and cos, small and large. */
const edges = [
  ...[88.72283, 88.72284, 88.376, -17.32868, -25, -87.33655, -104, 0.34657, -0.34657],
  ...[0.875, 0.9, 0.90000004, 3.9192059, 3.95, 4, 1e-40, 1e-38, 1.1754942e-38, 0.99999994, 1.0000001],
  ...Array.from({ length: 700 }, (_, n) => (n * Math.PI) / 2),
  ...[1e4, 25000, 1e5, 100000.01, 1e6, 16777216, 3.3e7, 1e10, 1e20, 3e38].flatMap((z) => [z, -z]),
  ...[76444.375, 70489.484, 411775, 16367173 * 2 ** 72],
  ...[0, -0, infinity, -infinity, nan],
];

/** Values at which comparisons, min and max are to be exact. */
const special = [nan, infinity, -infinity, 0, 1, -1, 0.5, 3e38, 1e-38, 7, -2.5];

/** Runs one operation on an arena that holds `arena`; returns what it holds then. */
async function runOne(
  id: (typeof usableIds)[number],
  name: keyof typeof Opcode,
  operands: readonly number[],
  arena: Float32Array,
): Promise<ArrayLike<number>> {
  const backend = await openBackend(id);
  const executor = await backend.createExecutor(planOf(name, operands, 1, arena.length), 1);
  try {
    executor.write(0, arena);
    executor.run(
      { count: 1, inputs: new Float32Array(1), targets: null, labels: null, shared: false },
      {
        program: { begin: 0, end: 1 },
        rowsPerEpoch: 1,
        batchSize: 1,
        firstStep: 0,
        steps: 1,
        order: null,
        metrics: new Float64Array(ScalarCode.first_free),
        result: null,
      },
    );
    return executor.read(0, arena.length);
  } finally {
    executor.dispose();
  }
}

describe.each(usableIds.filter((id) => id !== 'reference'))('functions of expressions on %s', (id) => {
  const x = sweptFloats(edges);

  it.each(Object.entries(bounds))('%s is within its bound everywhere, in place', async (name, bound) => {
    const operands = [0, full, 0, x.length, UnaryCode[name as UnaryName]];
    const received = await runOne(id, 'map_unary', operands, x);
    const worst = worstError(x, received, unaryFunctions[name as UnaryName], bound.floor);
    expect(worst.ulp, JSON.stringify(worst)).toBeLessThanOrEqual(bound.ulp);
  });

  it('sin and cos do not leave [-1, 1]', async () => {
    for (const code of [UnaryCode.sin, UnaryCode.cos]) {
      const received = await runOne(id, 'map_unary', [0, full, 0, x.length, code], x);
      expect(Array.from(received).findIndex((value) => Math.abs(value) > 1)).toBe(-1);
    }
  });

  it.each(Object.keys(binaryFunctions))('%s treats NaN and infinities as JavaScript does', async (name) => {
    const a = special.flatMap((value) => special.map(() => value));
    const b = special.flatMap(() => special);
    const count = a.length;
    const arena = Float32Array.from([...a, ...b]);
    const operands = [0, full, count, full, 0, count, BinaryCode[name as BinaryName]];
    const received = await runOne(id, 'map_binary', operands, arena);
    const expected = arena
      .subarray(0, count)
      .map((value, index) => binaryFunctions[name as BinaryName](value, arena[count + index]));
    expect(Array.from(received).slice(0, count).map(withoutSign)).toEqual(Array.from(expected, withoutSign));
  });

  it('map_where takes NaN for a condition that holds', async () => {
    const arena = Float32Array.of(nan, 0, -0, infinity, 1e-45, 1, 2, 3, 4, 5, -1, -2, -3, -4, -5);
    const received = await runOne(id, 'map_where', [0, full, 5, full, 10, full, 0, 5], arena);
    expect(Array.from(received).slice(0, 5)).toEqual([1, -2, -3, 4, 5]);
  });
});

/** Zero has no sign that counts. */
function withoutSign(value: number): number {
  return value === 0 ? 0 : value;
}
