import { describe, expect, it } from 'vitest';
import type { Backend, Executor } from '../../src/backends/backend.js';
import { Opcode, ReductionCode, ScalarCode } from '../../src/opcodes.js';
import { operations } from '../../src/plan/operations.js';
import { Random } from '../../src/random.js';
import { openBackend, usableIds } from '../support/backends.js';
import { planOf } from '../support/operation-case.js';

/** Several vectors of rows on every instruction set, and some rows that fill none. */
const ROWS = 67;
/** How many rows a batch has. */
const batches = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48];
const widths = [...Array.from({ length: 34 }, (_, index) => index + 1), 47, 63, 64, 65, 66];

const names = ['softmax_forward', 'softmax_cross_entropy', 'softmax_cross_entropy_labels'] as const;
type Name = (typeof names)[number];

/** Numbers that a row may have, among ordinary ones. */
const special = [Number.NEGATIVE_INFINITY, -0, 3e38, -3e38, -88, 1e-40];
const unwelcome = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

interface Operand {
  name: string;
  columns: number;
  offset: number;
  /** What is read; absent for results. */
  values?: Float32Array;
}

/** The operands of an operation on ROWS rows, one after the other. */
function operandsOf(name: Name, units: number, random: Random): Operand[] {
  let offset = 0;
  return operations[Opcode[name]].operands.slice(0, -1).flatMap(([operand]) => {
    if (operand === 'units') return [];
    const columns = operand === 'labels' || operand === 'rowLosses' ? 1 : units;
    const placed: Operand = { name: operand, columns, offset };
    offset += ROWS * columns;
    const draw: Record<string, (index: number) => number> = {
      netInput: (index) => {
        const row = Math.floor(index / units);
        if (row % 9 === 4 && random.integer(units) === 0) return unwelcome[random.integer(unwelcome.length)];
        if (row % 5 === 2 && random.integer(3) === 0) return special[random.integer(special.length)];
        return 40 * (random.uniform() - 0.5);
      },
      target: () => (random.integer(3) === 0 ? 0 : random.uniform()),
      labels: () => random.integer(units + 2) - 1,
    };
    const values = draw[operand];
    if (values) {
      placed.values = Float32Array.from({ length: ROWS * columns }, (_, index) => values(index));
    }
    return [placed];
  });
}

/** All results of `rows` rows from row `first`, computed as one batch. */
function compute(executor: Executor, operands: Operand[], first: number, rows: number): Float32Array[] {
  for (const { columns, offset, values } of operands) {
    if (values) executor.write(offset, values.slice(first * columns, (first + rows) * columns));
  }
  executor.run(
    { inputs: new Float32Array(rows), targets: null, labels: null, shared: false, count: rows },
    {
      program: { begin: 0, end: 1 },
      rowsPerEpoch: rows,
      batchSize: rows,
      firstStep: 0,
      steps: 1,
      order: null,
      metrics: new Float64Array(ScalarCode.first_free),
      result: null,
    },
  );
  return operands
    .filter(({ values }) => !values)
    .map(({ offset, columns }) => Float32Array.from(executor.read(offset, rows * columns)));
}

/** Where a row has other bits in a smaller batch than in one of all rows, or null. */
async function findDifference(backend: Backend, name: Name, units: number): Promise<string | null> {
  const operands = operandsOf(name, units, new Random(units));
  const places = Object.fromEntries(operands.map((operand) => [operand.name, operand.offset]));
  const words = operations[Opcode[name]].operands.map(([operand]) => {
    if (operand === 'units') return units;
    return operand === 'reduction' ? ReductionCode.sum : places[operand];
  });
  const length = operands.reduce((sum, { columns }) => sum + ROWS * columns, 0);
  const executor = await backend.createExecutor(planOf(name, words, ROWS, length), 1);
  try {
    const whole = compute(executor, operands, 0, ROWS);
    for (const rows of batches) {
      for (const first of [0, 1, ROWS - rows]) {
        const part = compute(executor, operands, first, rows);
        for (const [index, values] of part.entries()) {
          const begin = (first * values.length) / rows;
          const wrong = values.findIndex((value, place) => !Object.is(value, whole[index][begin + place]));
          if (wrong < 0) continue;
          return `${name} of ${units} columns, ${rows} rows from ${first}: result ${index}[${wrong}] is ${values[wrong]}, in all rows ${whole[index][begin + wrong]}`;
        }
      }
    }
    return null;
  } finally {
    executor.dispose();
  }
}

describe.each(usableIds)('on %s, a row has the same bits whatever its neighbours are', (id) => {
  it.each(names)('%s', async (name) => {
    const backend = await openBackend(id);
    const differences: (string | null)[] = [];
    for (const units of widths) differences.push(await findDifference(backend, name, units));
    expect(differences.filter(Boolean)).toEqual([]);
  });
});
