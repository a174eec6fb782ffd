import { describe, expect, it } from 'vitest';
import { type BatchLogs, createTrainer, dense, type EpochLogs, sgd, type Trainer } from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

const x = Float32Array.from({ length: 2000 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: 1000 }, (_, row) => x[2 * row] * x[2 * row + 1]);

const create = (backend: Trainer['backend']['id'], units = 8): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    layers: [dense({ units, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate: 0.05 }),
    seed: 1,
    backend,
    threads: 1,
  });

describe.each(usableIds)('fit on %s', (backend) => {
  it('calls back in order, with the numbers of the history', async () => {
    const trainer = await create(backend);
    const calls: string[] = [];
    const logs: EpochLogs[] = [];
    const batches: BatchLogs[] = [];
    const { history, epoch } = await trainer.fit(x, t, {
      epochs: 2,
      batchSize: 300,
      validationSplit: 0.2,
      callbacks: {
        onEpochBegin: async (index) => {
          await Promise.resolve();
          calls.push(`begin ${index}`);
        },
        onBatchEnd: (_batch, batchLogs) => {
          batches.push(batchLogs);
        },
        onEpochEnd: (index, epochLogs) => {
          calls.push(`end ${index}`);
          logs.push(epochLogs);
        },
      },
    });
    expect(calls).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1']);
    expect(epoch).toEqual([0, 1]);
    expect(history.loss).toEqual(logs.map(({ loss }) => loss));
    expect(history.val_loss).toEqual(logs.map(({ val_loss }) => val_loss));
    expect(history).not.toHaveProperty('accuracy');
    expect(batches.at(-1)).toEqual({ batch: 2, size: 300, rows: 800, loss: history.loss[1] });
    trainer.dispose();
  });

  it('holds back the rows of the split: shuffled by the seed, or the last', async () => {
    const seen = async (validationSplitMode: 'shuffled' | 'last'): Promise<number> => {
      const trainer = await create(backend);
      const { history } = await trainer.fit(x, t, {
        validationSplit: 0.25,
        validationSplitMode,
        shuffle: false,
      });
      const { loss } = await trainer.evaluate(x.subarray(1500), t.subarray(750));
      trainer.dispose();
      return Math.abs((history.val_loss?.[0] as number) - loss);
    };
    expect(await seen('last')).toBeLessThan(1e-6);
    expect(await seen('shuffled')).toBeGreaterThan(1e-6);
  });

  it('evaluates validation data as evaluate does', async () => {
    const trainer = await create(backend);
    const [validX, validT] = [x.slice(0, 20), t.slice(0, 10)];
    const { history } = await trainer.fit(x, t, { validationData: [validX, validT] });
    expect(history.val_loss).toEqual([(await trainer.evaluate(validX, validT)).loss]);
    trainer.dispose();
  });

  it('runs many epochs at once as it runs them one by one', async () => {
    const [watched, unwatched] = [await create(backend), await create(backend)];
    const options = { epochs: 4, batchSize: 64 };
    const one = await watched.fit(x, t, { ...options, callbacks: { onEpochEnd: () => {} } });
    const other = await unwatched.fit(x, t, options);
    expect(one.history).toEqual(other.history);
    expect(flatWeights(watched.getWeights())).toEqual(flatWeights(unwatched.getWeights()));
    watched.dispose();
    unwatched.dispose();
  });

  it('ends at the next step when its signal is aborted, with the epochs done', async () => {
    const trainer = await create(backend, 64);
    const controller = new AbortController();
    const begun = performance.now();
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 1, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    const { reason, epoch } = await running;
    expect(reason).toBe('aborted');
    expect(epoch.length).toBeLessThan(1e6);
    expect(performance.now() - begun).toBeLessThan(5000);
    expect((await trainer.fit(x, t)).reason).toBe('completed');
    const none = await trainer.fit(x, t, { signal: AbortSignal.abort() });
    expect([none.reason, none.epoch.length]).toEqual(['aborted', 0]);
    trainer.dispose();
  });

  it('rejects with the error of a callback and stays usable', async () => {
    const trainer = await create(backend);
    const fails = (): never => {
      throw new Error('from the callback');
    };
    await expect(trainer.fit(x, t, { callbacks: { onEpochEnd: fails } })).rejects.toThrow(
      'from the callback',
    );
    await expect(trainer.fit(x, t, { callbacks: { onBatchEnd: fails } })).rejects.toThrow(
      'from the callback',
    );
    expect((await trainer.fit(x, t)).reason).toBe('completed');
    trainer.dispose();
  });

  it('answers predict, inspect, getWeights and evaluate while it runs, without disturbing the run', async () => {
    const [busy, quiet] = [await create(backend), await create(backend)];
    const options = { epochs: 30, batchSize: 4 };
    const running = busy.fit(x, t, options);
    const asked: Promise<unknown>[] = [];
    let answers = 0;
    const ask = setInterval(() => {
      expect(busy.predict(x.subarray(0, 600)).data.every(Number.isFinite)).toBe(true);
      expect(busy.inspect(x.subarray(0, 6), t.subarray(0, 3)).loss).toBeGreaterThanOrEqual(0);
      expect(busy.getWeights().length).toBe(2);
      if (answers++ < 3) asked.push(busy.evaluate(x, t));
    }, 1);
    const { history } = await running;
    clearInterval(ask);
    await Promise.all(asked);
    expect(history).toEqual((await quiet.fit(x, t, options)).history);
    expect(flatWeights(busy.getWeights())).toEqual(flatWeights(quiet.getWeights()));
    busy.dispose();
    quiet.dispose();
  });

  it('sets the learning rate in the middle of a run', async () => {
    const trainer = await create(backend);
    const controller = new AbortController();
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 2, signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 30));
    trainer.setLearningRate(0);
    const before = flatWeights(trainer.getWeights());
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    controller.abort();
    await running;
    trainer.dispose();
  });

  it('keeps its own copy of the data', async () => {
    const [changed, kept] = [await create(backend), await create(backend)];
    const [ownX, ownT] = [x.slice(), t.slice()];
    const running = changed.fit(ownX, ownT, { epochs: 20 });
    ownX.fill(Number.NaN);
    ownT.fill(1e9);
    structuredClone(ownX.buffer, { transfer: [ownX.buffer] });
    expect((await running).history).toEqual((await kept.fit(x, t, { epochs: 20 })).history);
    changed.dispose();
    kept.dispose();
  });

  it('reads shared memory as it reads a copy', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(x.byteLength));
    shared.set(x);
    const [one, other] = [await create(backend), await create(backend)];
    expect((await one.fit(shared, t)).history).toEqual((await other.fit(x, t)).history);
    one.dispose();
    other.dispose();
  });

  it('refuses a second fit and other changes while one runs', async () => {
    const trainer = await create(backend);
    const running = trainer.fit(x, t, { epochs: 20 });
    await expect(trainer.fit(x, t)).rejects.toThrow('Cannot fit: no other fit may be under way');
    expect(() => trainer.trainBatch(x, t)).toThrow('Cannot train batch: no other fit may be under way');
    expect((await running).reason).toBe('completed');
    trainer.dispose();
  });

  it('rejects when the trainer is disposed in mid-run', async () => {
    const trainer = await create(backend);
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
    setTimeout(() => trainer.dispose(), 20);
    await expect(running).rejects.toThrow('must not be disposed');
    expect(() => trainer.predict([0, 0])).toThrow('Cannot predict: the trainer must not be disposed');
  });
});
