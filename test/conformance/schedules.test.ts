import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  dense,
  type LearningRate,
  loadTrainer,
  schedules,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { rateFunction } from '../../src/schedules.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

const rows = 23;
const x = Float32Array.from({ length: rows * 3 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: rows }, (_, index) => Math.cos(3 * index));

const create = (backend: BackendId, learningRate: LearningRate): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [dense({ units: 5, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'halfSquaredError',
    optimizer: sgd({ learningRate, momentum: 0.5 }),
    seed: 3,
    backend,
  });

const schedule = schedules.warmUp({
  steps: 4,
  schedule: schedules.exponential({ learningRate: 0.2, factor: 0.9 }),
});
const rateOf = rateFunction(schedule) as (step: number) => number;

describe.each(usableIds)('a schedule on %s', (backend) => {
  it('is followed by fit as by trainBatch with each rate by hand', async () => {
    const [scheduled, byHand] = await Promise.all([create(backend, schedule), create(backend, 1)]);
    const options = { batchSize: 4, shuffle: false };
    await scheduled.fit(x, t, { ...options, epochs: 2 });
    expect(scheduled.steps).toBe(12);
    await scheduled.fit(x, t, { ...options, epochs: 1, callbacks: { onEpochEnd: () => {} } });
    for (let step = 0; step < 18; step++) {
      const begin = (step % 6) * 4;
      byHand.setLearningRate(rateOf(step));
      byHand.trainBatch(x.subarray(begin * 3, (begin + 4) * 3), t.subarray(begin, begin + 4));
    }
    expect(scheduled.learningRate).toBe(rateOf(18));
    expect(flatWeights(scheduled.getWeights())).toEqual(flatWeights(byHand.getWeights()));
  });

  it('is followed by trainBatch and applyGradients', async () => {
    const [scheduled, byHand] = await Promise.all([
      create(backend, (step) => 0.1 / (step + 1)),
      create(backend, 1),
    ]);
    for (let step = 0; step < 4; step++) {
      expect(scheduled.steps).toBe(step);
      expect(scheduled.learningRate).toBe(0.1 / (step + 1));
      byHand.trainBatch(x, t, { learningRate: 0.1 / (step + 1) });
      if (step % 2) scheduled.trainBatch(x, t);
      else {
        scheduled.computeGradients(x, t);
        scheduled.applyGradients();
      }
    }
    expect(flatWeights(scheduled.getWeights())).toEqual(flatWeights(byHand.getWeights()));
  });

  it('goes on where it was after restore and in a clone', async () => {
    const trainer = await create(backend, schedule);
    trainer.trainBatch(x, t);
    const snapshot = trainer.snapshot();
    trainer.trainBatch(x, t);
    const copy = await trainer.clone();
    expect([copy.steps, copy.learningRate]).toEqual([2, trainer.learningRate]);
    trainer.restore(snapshot);
    expect([trainer.steps, trainer.learningRate]).toEqual([1, rateOf(1)]);
  });

  it('ends during fit when a rate is set', async () => {
    const trainer = await create(backend, schedule);
    const run = trainer.fit(x, t, { epochs: 3000, batchSize: 1 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    trainer.setLearningRate(0);
    const { steps } = trainer;
    const weights = flatWeights(trainer.getWeights());
    const history = await run;
    expect(history.reason).toBe('completed');
    expect(trainer.steps).toBe(3000 * rows);
    expect(steps).toBeLessThan(3000 * rows);
    expect(trainer.learningRate).toBe(0);
    // Momentum alone moves nothing at rate 0.
    expect(flatWeights(trainer.getWeights())).toEqual(weights);
  });

  it('falls when the loss does not', async () => {
    const learningRate = schedules.reduceOnPlateau({
      learningRate: 0.5,
      patience: 1,
      factor: 0.5,
      threshold: 1,
    });
    const trainer = await create(backend, learningRate);
    await trainer.fit(x, t, { epochs: 5, validationSplit: 0.2 });
    expect(trainer.learningRate).toBe(0.125);
  });

  it('that follows the losses goes on from a file, a snapshot and a clone with what it knows of them', async () => {
    const learningRate = schedules.reduceOnPlateau({
      learningRate: 0.1,
      patience: 2,
      factor: 0.5,
      threshold: 1,
      cooldown: 1,
    });
    const options = {
      epochs: 3,
      batchSize: 5,
      validationSplit: 0.2,
      validationSplitMode: 'last',
      shuffle: false,
    } as const;
    const trainer = await create(backend, learningRate);
    const fresh = await loadTrainer(trainer.toBytes(), { backend });
    await trainer.fit(x, t, options);
    const snapshot = trainer.snapshot();
    const others = [await loadTrainer(trainer.toBytes(), { backend }), await trainer.clone(), fresh];
    others[2].restore(snapshot);
    const more = { ...options, epochs: 5 };
    const straight = await trainer.fit(x, t, more);
    // The rate fell after the third epoch; the fourth does not count, and after the seventh it falls again.
    expect(straight.learningRate).toEqual([0.05, 0.05, 0.05, 0.05, 0.025]);
    trainer.restore(snapshot);
    for (const other of [...others, trainer]) {
      expect((await other.fit(x, t, more)).learningRate).toEqual(straight.learningRate);
    }
    for (const other of others)
      expect(flatWeights(other.getWeights())).toEqual(flatWeights(trainer.getWeights()));
    for (const one of [...others, trainer]) one.dispose();
  });

  it('that gives no rate ends fit with an error', async () => {
    const trainer = await create(backend, (step) => (step < 30 ? 0.1 : Number.NaN));
    await expect(trainer.fit(x, t, { epochs: 10, batchSize: 2 })).rejects.toThrow(
      'Cannot go on: learningRate of step 30 must be finite and >= 0: received NaN',
    );
  });
});
