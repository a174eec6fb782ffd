import { describe, expect, it } from 'vitest';
import { EpochOrders } from '../../src/epoch-orders.js';
import {
  type BatchLogs,
  createTrainer,
  dense,
  type EpochLogs,
  type FitOptions,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
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

describe('the order of rows that a seed gives', () => {
  it('is that of the first version, over splits, several runs and one that ends early', async () => {
    const inputs = Float64Array.from({ length: 600 }, (_, index) => ((index * 37) % 101) / 50 - 1);
    const targets = Float64Array.from({ length: 300 }, (_, row) => inputs[2 * row] * inputs[2 * row + 1]);
    const trainer = await createTrainer({
      inputs: 2,
      layers: [dense({ units: 6, activation: 'relu' }), dense({ units: 1 })],
      loss: 'meanSquaredError',
      optimizer: sgd({ learningRate: 0.05 }),
      seed: 2024,
      backend: 'reference',
    });
    const runs: FitOptions[] = [
      { epochs: 3, batchSize: 1 },
      { epochs: 2, batchSize: 7, validationSplit: 0.2 },
      { epochs: 400, batchSize: 64 },
      { epochs: 2, batchSize: 5, shuffle: false, validationSplit: 0.3 },
      { epochs: 9, batchSize: 16, stopWhen: ({ epoch }) => epoch === 2 },
      { epochs: 1, batchSize: 300, shuffle: false },
    ];
    const losses: (number | undefined)[] = [];
    for (const options of runs) {
      const { history } = await trainer.fit(inputs, targets, options);
      losses.push(history.loss.at(-1));
      if (history.val_loss) losses.push(history.val_loss.at(-1));
    }
    expect(losses).toEqual([
      0.0028540766529032186, 0.0017153137732184168, 0.0022280761935985975, 0.0007363756617844835,
      0.0007378631189777763, 0.0007061117425320223, 0.0007082905709078444, 0.0006959474428411145,
    ]);
    trainer.dispose();
  });

  it('is the same in slices as at once', async () => {
    const count = 200_000;
    const rows = Uint32Array.from({ length: count }, (_, row) => row);
    const atOnce = [rows.slice(), rows.slice()];
    const random = new Random(7);
    for (const order of atOnce) random.shuffle(order);
    const sliced = new Random(7);
    const orders = new EpochOrders(rows, sliced);
    orders.prepare(1);
    const first = (await orders.take(1))?.slice();
    const second = (await orders.take(1))?.slice();
    expect([first, second]).toEqual(atOnce);
    orders.prepare(1);
    orders.end();
    expect(sliced.nextUint32()).toBe(random.nextUint32());
  });
});
