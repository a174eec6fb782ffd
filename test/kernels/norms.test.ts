import { describe, expect, it } from 'vitest';
import type { Backend, Run } from '../../src/backends/backend.js';
import { Opcode, ScalarCode } from '../../src/opcodes.js';
import { operations } from '../../src/plan/operations.js';
import { Random } from '../../src/random.js';
import { openBackend, usableIds } from '../support/backends.js';
import { planOf } from '../support/operation-case.js';

type Numbers = readonly number[];
type Outcome = Readonly<Record<string, Numbers>>;

/** Operands by name: buffers as what they hold, where the same array is the same buffer, and numbers. */
interface Task {
  readonly name: keyof typeof Opcode;
  readonly rows: number;
  readonly operands: Readonly<Record<string, Numbers | number>>;
  readonly scalars?: Numbers;
}

/** What each buffer of an operation holds after it. */
async function execute(backend: Backend, task: Task, threads = 1): Promise<Outcome> {
  const { rows } = task;
  const offsets = new Map<Numbers, number>();
  let length = 0;
  const place = (values: Numbers): number => {
    const offset = offsets.get(values) ?? length;
    if (offset === length) length += values.length;
    offsets.set(values, offset);
    return offset;
  };
  const names = operations[Opcode[task.name]].operands.map(([name]) => name);
  const words = names.map((name) => {
    const operand = task.operands[name];
    return typeof operand === 'number' ? operand : place(operand);
  });
  const plan = planOf(task.name, words, rows, length, [...(task.scalars ?? [])]);
  const executor = await backend.createExecutor(plan, threads);
  for (const [values, offset] of offsets) executor.write(offset, values);
  const run: Run = {
    program: { begin: 0, end: 1 },
    rowsPerEpoch: rows,
    batchSize: rows,
    firstStep: 0,
    steps: 1,
    order: null,
    metrics: new Float64Array(ScalarCode.first_free),
    result: null,
  };
  const inputs = new Float32Array(rows);
  executor.run({ count: rows, inputs, targets: null, labels: null, shared: false }, run);
  const outcome = Object.fromEntries(
    names.flatMap((name) => {
      const operand = task.operands[name];
      if (typeof operand === 'number') return [];
      return [[name, Array.from(executor.read(offsets.get(operand) as number, operand.length))]];
    }),
  );
  executor.dispose();
  return outcome;
}

const random = new Random(5);
/** Float32 values, so that every backend begins with the same. */
const drawn = (length: number, mean = 0): number[] =>
  Array.from({ length }, () => Math.fround(mean + 2 * random.uniform() - 1));
const zeros = (length: number): number[] => new Array(length).fill(0);

const EPSILON = 1e-5;

interface Layer {
  readonly input: Numbers;
  readonly gamma: Numbers;
  readonly beta: Numbers;
}

const kinds = {
  batch: (rows: number, units: number, { input, gamma, beta }: Layer): Task => ({
    name: 'batch_norm_forward',
    rows,
    scalars: [EPSILON, 0.1],
    operands: {
      ...{ input, output: zeros(rows * units), mean: zeros(units), inverseDeviation: zeros(units) },
      ...{
        runningMean: zeros(units),
        runningVariance: zeros(units),
        gamma,
        beta,
        units,
        epsilon: 3,
        momentum: 4,
      },
    },
  }),
  layer: (rows: number, units: number, { input, gamma, beta }: Layer): Task => ({
    name: 'layer_norm_forward',
    rows,
    scalars: [EPSILON],
    operands: {
      ...{ input, output: zeros(rows * units), mean: zeros(rows), inverseDeviation: zeros(rows) },
      ...{ gamma, beta, units, epsilon: 3 },
    },
  }),
};

/** Gradients of input, gamma and beta after a forward pass, with `delta` at its outputs. */
async function backward(
  backend: Backend,
  kind: keyof typeof kinds,
  forward: Task,
  { mean, inverseDeviation }: Outcome,
  delta: Numbers,
  threads = 1,
): Promise<Outcome> {
  const { rows, operands } = forward;
  const units = operands.units as number;
  const common = { input: operands.input, gamma: operands.gamma, delta, mean, inverseDeviation, units };
  const gradients = { gammaGradient: zeros(units), betaGradient: zeros(units), accumulate: 0 };
  const gradient = zeros(rows * units);
  const run = (name: keyof typeof Opcode, more: Task['operands']): Promise<Outcome> =>
    execute(backend, { name, rows, operands: { ...common, ...more } }, threads);
  if (kind === 'batch') return run('batch_norm_backward', { ...gradients, gradient, throughMoments: 1 });
  return {
    ...(await run('layer_norm_backward_weights', gradients)),
    ...(await run('layer_norm_backward_input', { gradient })),
  };
}

describe('the reference', () => {
  it.each(Object.keys(kinds) as (keyof typeof kinds)[])('differentiates a %s normalisation', async (kind) => {
    const reference = await openBackend('reference');
    const [rows, units] = [5, 4];
    const layer = { input: drawn(rows * units), gamma: drawn(units), beta: drawn(units) };
    const delta = drawn(rows * units);
    const forward = kinds[kind](rows, units, layer);
    const gradients = await backward(reference, kind, forward, await execute(reference, forward), delta);
    const lossOf = async (changed: Layer): Promise<number> => {
      const { output } = await execute(reference, kinds[kind](rows, units, changed));
      return output.reduce((sum, z, index) => sum + z * delta[index], 0);
    };
    for (const [key, gradient] of [
      ['input', gradients.gradient],
      ['gamma', gradients.gammaGradient],
      ['beta', gradients.betaGradient],
    ] as const) {
      for (let index = 0; index < gradient.length; index++) {
        const step = 1e-5;
        const at = (to: number): Promise<number> => {
          const changed = layer[key].map((value, place) => (place === index ? value + to : value));
          return lossOf({ ...layer, [key]: changed });
        };
        const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
        expect(Math.abs(gradient[index] - numeric), `${key}[${index}]`).toBeLessThan(1e-8);
      }
    }
  });

  it('keeps running statistics as PyTorch does: the unbiased variance, and none of a single row', async () => {
    const reference = await openBackend('reference');
    const task = (input: Numbers, rows: number): Task => {
      const one = kinds.batch(rows, 1, { input, gamma: [1], beta: [0] });
      return { ...one, operands: { ...one.operands, runningVariance: [1] } };
    };
    const two = await execute(reference, task([1, 3], 2));
    expect(two.runningMean[0]).toBeCloseTo(0.2, 12);
    expect(two.runningVariance[0]).toBeCloseTo(0.9 + 0.1 * 2, 12);
    const single = await execute(reference, task([3], 1));
    expect(single.runningMean[0]).toBeCloseTo(0.3, 12);
    expect(single.runningVariance).toEqual([1]);
  });
});

/** Rounding of a float32. */
const ROUNDING = 2 ** -24;

describe.each(usableIds)('normalisation on %s', (id) => {
  it.each([10, 1e3, 1e5])('keeps its digits where the mean is %d times the deviation', async (mean) => {
    const backend = await openBackend(id);
    const reference = await openBackend('reference');
    const [rows, units] = [301, 67];
    for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
      const layer = { input: drawn(rows * units, mean), gamma: zeros(units).fill(1), beta: zeros(units) };
      const task = kinds[kind](rows, units, layer);
      const exact = await execute(reference, task);
      const got = await execute(backend, task);
      // The mean is rounded once, and so is the running one; a variance knows nothing of the mean.
      const worst = (name: string, of: (value: number) => number): number =>
        Math.max(
          ...got[name].map((value, index) => Math.abs(value - exact[name][index]) / of(exact[name][index])),
        );
      expect(worst('mean', Math.abs)).toBeLessThan(2 * ROUNDING);
      expect(worst('inverseDeviation', Math.abs)).toBeLessThan(16 * ROUNDING);
      const ofMean = mean / Math.sqrt(1 / 3);
      expect(worst('output', () => 1)).toBeLessThan((2 * ofMean + 16) * ROUNDING);
      if (kind === 'batch') expect(worst('runningVariance', Math.abs)).toBeLessThan(16 * ROUNDING);
    }
  });

  it('gives beta and no gradient for a batch of one row', async () => {
    const backend = await openBackend(id);
    const units = 19;
    const layer = { input: drawn(units, 7), gamma: drawn(units), beta: drawn(units) };
    const forward = kinds.batch(1, units, layer);
    const moments = await execute(backend, forward);
    expect(moments.output).toEqual(layer.beta);
    expect(moments.runningVariance).toEqual(zeros(units));
    const gradients = await backward(backend, 'batch', forward, moments, drawn(units));
    expect(gradients.gradient.every((value) => value === 0)).toBe(true);
    expect(gradients.gammaGradient.every((value) => value === 0)).toBe(true);
  });

  it('gives beta for a layer of one unit, and for equal numbers', async () => {
    const backend = await openBackend(id);
    for (const [rows, units] of [
      [9, 1],
      [5, 33],
    ]) {
      const input = Array.from({ length: rows * units }, (_, index) =>
        Math.fround(0.1 + Math.floor(index / units)),
      );
      const layer = { input, gamma: drawn(units), beta: drawn(units) };
      const { output } = await execute(backend, kinds.layer(rows, units, layer));
      expect(output).toEqual(Array.from(output, (_, index) => layer.beta[index % units]));
    }
  });

  it('may write gradients where delta lies', async () => {
    const backend = await openBackend(id);
    const [rows, units] = [19, 37];
    const input = drawn(rows * units);
    const delta = drawn(rows * units);
    const common = { input, delta, gamma: drawn(units), units };
    const gradients = { gammaGradient: zeros(units), betaGradient: zeros(units), accumulate: 0 };
    const tasks: Task[] = [
      ...[0, 1].map(
        (throughMoments): Task => ({
          name: 'batch_norm_backward',
          rows,
          operands: {
            ...{ ...common, ...gradients, mean: drawn(units), inverseDeviation: drawn(units, 2) },
            ...{ gradient: zeros(rows * units), throughMoments },
          },
        }),
      ),
      {
        name: 'layer_norm_backward_input',
        rows,
        operands: {
          ...{ ...common, mean: drawn(rows), inverseDeviation: drawn(rows, 2) },
          gradient: zeros(rows * units),
        },
      },
    ];
    for (const task of tasks) {
      const apart = await execute(backend, task);
      const inPlace = await execute(backend, { ...task, operands: { ...task.operands, gradient: delta } });
      expect(inPlace.gradient).toEqual(apart.gradient);
    }
  });
});

describe.each(usableIds.filter((id) => id.startsWith('native')))('normalisation on %s', (id) => {
  it('has the same bits on any number of threads', async () => {
    const backend = await openBackend(id);
    const [rows, units] = [301, 1003];
    const layer = { input: drawn(rows * units), gamma: drawn(units), beta: drawn(units) };
    const delta = drawn(rows * units);
    for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
      const outcomes = [];
      for (const threads of [1, 2, 3, 5]) {
        const forward = await execute(backend, kinds[kind](rows, units, layer), threads);
        const task = kinds[kind](rows, units, layer);
        outcomes.push({ forward, backward: await backward(backend, kind, task, forward, delta, threads) });
      }
      for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    }
  });
});
