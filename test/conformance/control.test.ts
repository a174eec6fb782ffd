import { describe, expect, it } from 'vitest';
import { createTrainer, dense, sgd, type Trainer } from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';

const x = Float32Array.from({ length: 2000 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: 1000 }, (_, row) => x[2 * row] * x[2 * row + 1]);

const create = (backend: Trainer['backend']['id']): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate: 0.05 }),
    seed: 1,
    backend,
    threads: 1,
  });

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.each(usableIds)('pause, resume and stop on %s', (backend) => {
  it('rest between two steps, and go on as if nothing had been', async () => {
    const [paused, straight] = [await create(backend), await create(backend)];
    const options = { epochs: 40, batchSize: 4 };
    let ended = false;
    const running = paused.fit(x, t, options).finally(() => {
      ended = true;
    });
    for (let round = 0; round < 4; round++) {
      await wait(2);
      if (ended) break;
      await paused.pause();
      const before = flatWeights(paused.getWeights());
      await wait(5);
      expect(flatWeights(paused.getWeights())).toEqual(before);
      expect(ended).toBe(false);
      paused.resume();
    }
    expect(withoutTimes(await running)).toEqual(withoutTimes(await straight.fit(x, t, options)));
    expect(flatWeights(paused.getWeights())).toEqual(flatWeights(straight.getWeights()));
    paused.dispose();
    straight.dispose();
  });

  it('let everything but training be called while paused', async () => {
    const [paused, straight] = [await create(backend), await create(backend)];
    const options = { epochs: 6, batchSize: 8, validationSplit: 0.1 };
    const running = paused.fit(x, t, options);
    await paused.pause();
    expect((await paused.evaluate(x, t)).loss).toBeGreaterThan(0);
    expect(paused.predict([0.1, 0.2]).rows).toBe(1);
    expect(paused.inspect(x.subarray(0, 4), t.subarray(0, 2)).loss).toBeGreaterThan(0);
    expect(() => paused.trainBatch(x, t)).toThrow('Cannot train batch: no other fit may be under way');
    await expect(paused.fit(x, t)).rejects.toThrow('Cannot fit: no other fit may be under way');
    paused.resume();
    expect(withoutTimes(await running)).toEqual(withoutTimes(await straight.fit(x, t, options)));
    paused.dispose();
    straight.dispose();
  });

  it('hold a fit back that waits for an evaluation to end', async () => {
    const trainer = await create(backend);
    const evaluated = trainer.evaluate(new Float32Array(400_000), new Float32Array(200_000));
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
    await wait(2);
    await trainer.pause();
    const before = flatWeights(trainer.getWeights());
    await evaluated;
    await wait(20);
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    trainer.stop();
    expect((await running).reason).toBe('stopped');
    trainer.dispose();
  });

  it('freeze a layer in the middle of an epoch', async () => {
    const trainer = await create(backend);
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
    const stepsOn = async (): Promise<void> => {
      const { steps } = trainer;
      while (trainer.steps === steps) await wait(1);
      await trainer.pause();
    };
    await stepsOn();
    trainer.setTrainable(0, false);
    const [frozen, free] = trainer.getWeights();
    trainer.resume();
    await stepsOn();
    const [still, moved] = trainer.getWeights();
    expect(still.weights.data).toEqual(frozen.weights.data);
    expect(moved.weights.data).not.toEqual(free.weights.data);
    trainer.stop();
    await running;
    trainer.dispose();
  });

  it('stop ends a run, running or paused, with the epochs done', async () => {
    const trainer = await create(backend);
    for (const pauses of [false, true]) {
      const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
      await wait(20);
      if (pauses) await trainer.pause();
      trainer.stop();
      const { reason, epoch, history } = await running;
      expect(reason).toBe('stopped');
      expect(epoch.length).toBeLessThan(1e6);
      expect(history.loss.length).toBe(epoch.length);
    }
    const { reason, epoch } = await trainer.fit(x, t, {
      epochs: 9,
      validationSplit: 0.1,
      callbacks: { onEpochEnd: (index) => index === 2 && trainer.stop() },
    });
    expect([reason, epoch.length]).toEqual(['stopped', 3]);
    expect((await trainer.fit(x, t)).reason).toBe('completed');
    trainer.dispose();
  });

  it('answer from callbacks, and let an abort end a pause', async () => {
    const trainer = await create(backend);
    const controller = new AbortController();
    const begun: number[] = [];
    const running = trainer.fit(x, t, {
      epochs: 5,
      signal: controller.signal,
      callbacks: {
        onEpochBegin: (index) => begun.push(index),
        onEpochEnd: async (index) => {
          if (index === 1) await trainer.pause();
        },
      },
    });
    await wait(60);
    expect(begun).toEqual([0, 1]);
    controller.abort();
    const { reason, epoch } = await running;
    expect([reason, epoch.length]).toEqual(['aborted', 2]);
    trainer.dispose();
  });

  it('are refused without a fit; a paused fit rejects when its trainer is disposed of', async () => {
    const trainer = await create(backend);
    await expect(trainer.pause()).rejects.toThrow('Cannot pause: a fit must be under way');
    expect(() => trainer.resume()).toThrow('Cannot resume: a fit must be under way');
    expect(() => trainer.stop()).toThrow('Cannot stop: a fit must be under way');
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
    await trainer.pause();
    trainer.dispose();
    await expect(running).rejects.toThrow('must not be disposed');
    await expect(trainer.pause()).rejects.toThrow('Cannot pause: the trainer must not be disposed');
  });
});
