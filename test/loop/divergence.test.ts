import { describe, expect, it } from 'vitest';
import {
  adam,
  type BackendId,
  batchNorm,
  createTrainer,
  type Divergence,
  dense,
  dropout,
  type FitCallbacks,
  type FitOptions,
  schedules,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';

const ROWS = 6000;
const BAD = 4321;
/** Rows of which one has an input that no step survives: its square is beyond the range of the backend. */
const rowsWith = (large: number): Float64Array => {
  const x = Float64Array.from({ length: 3 * ROWS }, (_, index) => Math.sin(index));
  x[3 * BAD + 1] = large;
  return x;
};
const t = Float32Array.from({ length: ROWS }, (_, row) => Math.cos(row));
const largeOf = (backend: BackendId): number => (backend === 'reference' ? 1e200 : 1e30);

const create = (backend: BackendId, activation: 'linear' | 'relu' = 'linear'): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [dense({ units: 5, activation }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate: 0.01 }),
    seed: 2,
    backend,
    threads: 1,
  });

/** Its steps are bounded, however long a gradient is. */
const createAdam = (backend: BackendId): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [dense({ units: 5, activation: 'relu' }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: adam({ learningRate: 0.01 }),
    seed: 2,
    backend,
    threads: 1,
  });

describe.each(usableIds)('a divergence on %s', (backend) => {
  const large = largeOf(backend);
  const options: FitOptions = { epochs: 2, batchSize: 10, shuffle: false };

  it('is found in its step, with its rows and the largest input, and the state before it stays', async () => {
    const trainer = await create(backend);
    const { reason, divergence, epoch } = await trainer.fit(rowsWith(large), t, options);
    expect(reason).toBe('diverged');
    expect(epoch).toEqual([]);
    expect(divergence).toMatchObject({
      epoch: 0,
      step: 432,
      where: 'loss',
      layer: null,
      rows: [BAD],
      count: 1,
    });
    expect(divergence).toMatchObject({ learningRate: 0.01, largestInput: { column: 1 } });
    expect((divergence as Divergence).largestInput.value / large).toBeCloseTo(1, 5);
    expect(divergence?.message).toMatch(
      /^training diverged at step 432 of epoch 0: the loss is not finite, rows 4321; largest input 1[\d.]*e\+\d+ in column 1; learning rate 0.01$/,
    );
    const straight = await create(backend);
    await straight.fit(rowsWith(0).subarray(0, 3 * 4320), t.subarray(0, 4320), { ...options, epochs: 1 });
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(straight.getWeights()));
    expect(trainer.steps).toBe(432);
    for (const one of [trainer, straight]) one.dispose();
  });

  it('with skip leaves that batch out of weights and numbers', async () => {
    const trainer = await create(backend);
    const skipped = await trainer.fit(rowsWith(large), t, { ...options, divergence: 'skip' });
    expect(skipped.reason).toBe('completed');
    expect(skipped.divergence?.count).toBe(2);
    const straight = await create(backend);
    const rest = Array.from({ length: ROWS }, (_, row) => row).filter((row) => Math.floor(row / 10) !== 432);
    const x = rowsWith(0);
    const kept = await straight.fit(
      Float64Array.from(rest.flatMap((row) => [...x.subarray(3 * row, 3 * row + 3)])),
      Float32Array.from(rest, (row) => t[row]),
      options,
    );
    expect(skipped.history.loss).toEqual(kept.history.loss);
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(straight.getWeights()));
    expect(trainer.steps).toBe(straight.steps);
    for (const one of [trainer, straight]) one.dispose();
  });

  it('is found by the rates of a schedule, among batches of one step, in weighed rows', async () => {
    const learningRate = schedules.exponential({ learningRate: 0.02, factor: 0.99 });
    const sampleWeight = Float32Array.from({ length: ROWS }, (_, row) => 1 + (row % 3));
    const more = { ...options, epochs: 1, accumulateBatches: 5, learningRate };
    const stopped = await create(backend);
    const { divergence } = await stopped.fit(rowsWith(large), t, { ...more, sampleWeight });
    expect(divergence).toMatchObject({ step: 432, where: 'loss', rows: [BAD] });
    expect(divergence?.learningRate).toBeCloseTo(0.02 * 0.99 ** 86, 8);
    const until = await create(backend);
    await until.fit(rowsWith(0).subarray(0, 3 * 4300), t.subarray(0, 4300), {
      ...more,
      sampleWeight: sampleWeight.subarray(0, 4300),
    });
    expect(flatWeights(stopped.getWeights())).toEqual(flatWeights(until.getWeights()));
    expect([stopped.steps, until.steps]).toEqual([86, 86]);
    const skipping = await create(backend);
    await skipping.fit(rowsWith(large), t, { ...more, sampleWeight, divergence: 'skip' });
    const rest = await create(backend);
    const rows = Array.from({ length: ROWS }, (_, row) => row).filter((row) => Math.floor(row / 50) !== 86);
    const x = rowsWith(0);
    await rest.fit(
      Float64Array.from(rows.flatMap((row) => [...x.subarray(3 * row, 3 * row + 3)])),
      Float32Array.from(rows, (row) => t[row]),
      { ...more, sampleWeight: Float32Array.from(rows, (row) => sampleWeight[row]) },
    );
    expect(flatWeights(skipping.getWeights())).toEqual(flatWeights(rest.getWeights()));
    for (const one of [stopped, until, skipping, rest]) one.dispose();
  });

  it('with rollback goes back and halves the rate until the run holds', async () => {
    const trainer = await create(backend);
    trainer.setLearningRate(40);
    const { reason, divergence, history, learningRate } = await trainer.fit(rowsWith(0), t, {
      ...options,
      divergence: 'rollback',
    });
    expect(reason).toBe('completed');
    expect(divergence?.count).toBeGreaterThan(3);
    expect(learningRate.at(-1)).toBe(40 / 2 ** (divergence as Divergence).count);
    expect(history.loss.every(Number.isFinite)).toBe(true);
    trainer.dispose();
  });

  it.each([
    ['a schedule of steps', schedules.step({ learningRate: 40, every: 2 ** 20 })],
    ['one of losses', schedules.reduceOnPlateau({ learningRate: 40 })],
  ])('with rollback halves the rate of %s', async (_name, learningRate) => {
    const trainer = await create(backend);
    trainer.setLearningRate(learningRate);
    const { reason, divergence } = await trainer.fit(rowsWith(0), t, { ...options, divergence: 'rollback' });
    expect(reason).toBe('completed');
    expect(divergence?.count).toBeGreaterThan(3);
    expect(trainer.learningRate).toBe(40 / 2 ** (divergence as Divergence).count);
    trainer.dispose();
  });

  it('that grows from step to step is found where it breaks out', async () => {
    const trainer = await create(backend, 'relu');
    trainer.setLearningRate(50);
    const { reason, divergence } = await trainer.fit(rowsWith(0), t, { ...options, shuffle: true });
    expect(reason).toBe('diverged');
    expect(flatWeights(trainer.getWeights()).every(Number.isFinite)).toBe(true);
    // The next step on the rows it names does diverge.
    const { rows } = divergence as Divergence;
    expect(rows.length).toBeGreaterThan(0);
    expect((divergence as Divergence).step).toBeGreaterThan(0);
    trainer.dispose();
  });

  it('by a gradient that explodes is found in its step, though every number stays finite', async () => {
    const trainer = await createAdam(backend);
    const { reason, divergence } = await trainer.fit(rowsWith(1e6), t, options);
    expect(reason).toBe('diverged');
    expect(divergence).toMatchObject({ epoch: 0, step: 432, where: 'gradient', layer: 1, rows: [BAD] });
    expect(divergence).toMatchObject({
      learningRate: 0.01,
      largestInput: { column: 1, value: 1e6 },
      count: 1,
    });
    const { norm, usual } = (divergence as Divergence).explosion as { norm: number; usual: number };
    expect(norm).toBeGreaterThan(1e6 * usual);
    expect(divergence?.message).toMatch(
      /^training diverged at step 432 of epoch 0: the gradient explodes to a length of \S+ where \S+ is usual, most in layer 2, rows 4321; largest input 1000000 in column 1; learning rate 0.01$/,
    );
    const straight = await createAdam(backend);
    await straight.fit(rowsWith(0).subarray(0, 3 * 4320), t.subarray(0, 4320), { ...options, epochs: 1 });
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(straight.getWeights()));
    for (const one of [trainer, straight]) one.dispose();
  });

  it('by a gradient that explodes is found behind masks and norms, whose numbers come again as they were', async () => {
    const trainer = await createTrainer({
      inputs: 3,
      layers: [
        dense({ units: 6, activation: 'relu' }),
        dropout({ rate: 0.2 }),
        dense({ units: 4 }),
        batchNorm(),
        dense({ units: 1 }),
      ],
      loss: 'meanSquaredError',
      optimizer: adam({ learningRate: 0.01 }),
      seed: 2,
      backend,
      threads: 1,
    });
    const far = t.slice();
    far[BAD] = 1e6;
    const { reason, divergence } = await trainer.fit(rowsWith(0), far, options);
    expect(reason).toBe('diverged');
    expect(divergence).toMatchObject({ epoch: 0, step: 432, where: 'gradient' });
    expect(divergence?.explosion?.norm).toBeGreaterThan(1e4);
    expect(trainer.steps).toBe(432);
    trainer.dispose();
  });

  it('by a gradient that explodes comes before the first number that is not finite', async () => {
    const trainer = await create(backend);
    const { divergence } = await trainer.fit(rowsWith(1e4), t, { ...options, divergence: 'skip' });
    expect(divergence).toMatchObject({ epoch: 1, step: 432, where: 'gradient', rows: [BAD], count: 2 });
    const watched = await create(backend);
    const onEpochEnd = (): void => {};
    const ended = await watched.fit(rowsWith(1e4), t, { ...options, callbacks: { onEpochEnd } });
    expect(ended.divergence).toMatchObject({ epoch: 0, step: 432, where: 'gradient', rows: [BAD], count: 1 });
    for (const one of [trainer, watched]) one.dispose();
  });

  it.each([
    ['jobs of many epochs', {}],
    ['jobs of one, in parts', { everySteps: 100, onSteps: () => {}, onEpochEnd: () => {} }],
  ])('is none where losses rise but no gradient is beyond the limit, in %s', async (_name, callbacks) => {
    const trainer = await createAdam(backend);
    const other = await createAdam(backend);
    let asked = 0;
    const onSteps = (): number => asked++;
    const told = 'everySteps' in callbacks ? { ...callbacks, onSteps } : callbacks;
    const run = { ...options, epochs: 3, callbacks: told };
    const loose = await trainer.fit(rowsWith(1e6), t, { ...run, gradientLimit: 1e30 });
    const stepsTold = asked;
    const free = await other.fit(rowsWith(1e6), t, { ...run, gradientLimit: Number.POSITIVE_INFINITY });
    expect(loose.divergence).toBe(null);
    expect(withoutTimes(loose)).toEqual(withoutTimes(free));
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(other.getWeights()));
    expect([trainer.steps, asked]).toEqual([other.steps, 2 * stepsTold]);
    for (const one of [trainer, other]) one.dispose();
  });

  it('after many epochs, with rates and weights changed between them, leaves the state before its step', async () => {
    const rowsOf = (from: Float64Array): Float64Array => from.subarray(0, 3 * 64);
    const few = { epochs: 30, batchSize: 8, validationSplit: 0.25 };
    const changes = (trainer: Trainer): FitCallbacks => ({
      onEpochEnd: (epoch) => {
        if (epoch === 3 || epoch === 6) trainer.setLearningRate(0.03 / epoch);
        if (epoch === 11) trainer.setWeights(trainer.getWeights());
        if (epoch === 13)
          trainer.setLearningRate(schedules.exponential({ learningRate: 0.02, factor: 0.999 }));
        if (epoch === 17) trainer.setLearningRate(0.01);
        if (epoch === 20) trainer.setLearningRate(1e4);
      },
    });
    const trainer = await create(backend);
    const { reason, divergence } = await trainer.fit(rowsOf(rowsWith(0)), t.subarray(0, 64), {
      ...few,
      callbacks: changes(trainer),
    });
    expect(reason).toBe('diverged');
    const { epoch, step, learningRate } = divergence as Divergence;
    expect([epoch, learningRate]).toEqual([21, 1e4]);
    expect(step).toBeGreaterThan(0);
    const other = await create(backend);
    let before: number[] | null = null;
    const onSteps = (steps: number): void => {
      if (steps === 6 * epoch + step) before = flatWeights(other.getWeights());
    };
    await other.fit(rowsOf(rowsWith(0)), t.subarray(0, 64), {
      ...few,
      divergence: 'ignore',
      callbacks: [changes(other), { everySteps: 1, onSteps }],
    });
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    expect(trainer.steps).toBe(6 * epoch + step);
    for (const one of [trainer, other]) one.dispose();
  });

  it('is told of without its rows where the data were transferred meanwhile', async () => {
    const trainer = await create(backend);
    const data = backend === 'reference' ? rowsWith(large) : Float32Array.from(rowsWith(large));
    const running = trainer.fit(data, t, options);
    if (backend !== 'reference') structuredClone(data.buffer, { transfer: [data.buffer] });
    const { divergence } = await running;
    expect(divergence).toMatchObject({ epoch: 0, step: 432, where: 'loss', layer: null });
    if (backend !== 'reference') expect(divergence?.rows.length).toBe(10);
    trainer.dispose();
  });

  it('is not looked for with ignore', async () => {
    const trainer = await create(backend);
    const { reason, history } = await trainer.fit(rowsWith(large), t, { ...options, divergence: 'ignore' });
    expect(reason).toBe('completed');
    expect(history.loss.some(Number.isFinite)).toBe(false);
    trainer.dispose();
  });
});
