import { describe, expect, it } from 'vitest';
import {
  type Batch,
  createTrainer,
  dense,
  earlyStopping,
  type FitCallbacks,
  type FitContext,
  loadTrainer,
  modelCheckpoint,
  type StreamOptions,
  schedules,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';

const x = Float32Array.from({ length: 400 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: 200 }, (_, row) => x[2 * row] * x[2 * row + 1]);

const create = (backend: Trainer['backend']['id']): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
    seed: 1,
    backend,
    threads: 1,
  });

const batchAt = (row: number, rows: number): Batch => [
  x.subarray(2 * row, 2 * (row + rows)),
  t.subarray(row, row + rows),
];

async function* pass(rows = 20, position = 0): AsyncGenerator<Batch> {
  for (let row = position * rows; row < 200; row += rows) yield batchAt(row, rows);
}

describe.each(usableIds)('streams on %s', (backend) => {
  it('fit trains on batches as on the rows they hold', async () => {
    const [stream, whole] = [await create(backend), await create(backend)];
    const options = { epochs: 3, validationData: [x, t] as const };
    const one = await stream.fit(() => pass(), options);
    const other = await whole.fit(x, t, { ...options, batchSize: 20, shuffle: false });
    expect(flatWeights(stream.getWeights())).toEqual(flatWeights(whole.getWeights()));
    expect(one.history.val_loss).toEqual(other.history.val_loss);
    expect(one.history.loss.map((loss, at) => Math.abs(loss - other.history.loss[at]) < 1e-9)).toEqual([
      true,
      true,
      true,
    ]);
    expect([stream.steps, stream.epochs]).toEqual([30, 3]);
    expect(one.reason).toBe('completed');
    for (const trainer of [stream, whole]) trainer.dispose();
  });

  it('fit with stepsPerEpoch goes on in the pass, and over an end of it', async () => {
    const [cut, whole] = [await create(backend), await create(backend)];
    const { epoch } = await cut.fit(() => pass(), { epochs: 5, stepsPerEpoch: 6 });
    await whole.fit(() => pass(), { epochs: 3 });
    expect(epoch.length).toBe(5);
    expect(flatWeights(cut.getWeights())).toEqual(flatWeights(whole.getWeights()));
    for (const trainer of [cut, whole]) trainer.dispose();
  });

  it('fit asks for one batch ahead and no more, and closes the source', async () => {
    const trainer = await create(backend);
    let asked = 0;
    let trained = 0;
    let furthest = 0;
    let isClosed = false;
    const source = async function* (): AsyncGenerator<Batch> {
      try {
        for (;;) {
          asked++;
          furthest = Math.max(furthest, asked - trained);
          yield batchAt(0, 10);
        }
      } finally {
        isClosed = true;
      }
    };
    const { reason } = await trainer.fit(source(), {
      epochs: 2,
      stepsPerEpoch: 10,
      callbacks: { onBatchEnd: () => trained++ },
    });
    expect([reason, trained, isClosed]).toEqual(['completed', 20, true]);
    expect(furthest).toBe(2);
    trainer.dispose();
  });

  it('fit takes callbacks, an abort, and errors of the source and of its batches', async () => {
    const trainer = await create(backend);
    const stopped = await trainer.fit(() => pass(), {
      epochs: 500,
      callbacks: earlyStopping({ minDelta: 10, patience: 2 }),
    });
    expect([stopped.reason, stopped.epoch.length]).toEqual(['earlyStopping', 3]);
    const controller = new AbortController();
    const running = trainer.fit(() => pass(), { epochs: 1e6, signal: controller.signal });
    setTimeout(() => controller.abort(), 10);
    expect((await running).reason).toBe('aborted');
    const broken = async function* (): AsyncGenerator<Batch> {
      yield batchAt(0, 10);
      throw new Error('from the source');
    };
    await expect(trainer.fit(broken())).rejects.toThrow('from the source');
    const wrong = async function* (): AsyncGenerator<Batch> {
      yield [[1, 2, 3], [1]];
    };
    await expect(trainer.fit(wrong())).rejects.toThrow('Cannot fit: the length of inputs must divide by 2');
    await expect(trainer.fit(pass(), { epochs: 2 })).rejects.toThrow('must come anew for each pass');
    expect((await trainer.fit(x, t)).reason).toBe('completed');
    trainer.dispose();
  });

  it.each([
    ['passes', {}],
    ['epochs that end within passes', { stepsPerEpoch: 7 }],
  ])('fit goes on from a checkpoint where the batches can begin there: %s', async (_name, lengths) => {
    const source = (position: number): AsyncGenerator<Batch> => pass(20, position);
    const options = (callbacks: FitCallbacks[]): StreamOptions => ({
      ...lengths,
      epochs: 4,
      validationData: [x, t],
      learningRate: schedules.reduceOnPlateau({ learningRate: 0.05, threshold: 0.9, patience: 0 }),
      callbacks: [earlyStopping({ patience: 30 }), ...callbacks],
    });
    const trainer = await create(backend);
    const files: Uint8Array[] = [];
    const checkpoint = modelCheckpoint((bytes) => files.push(bytes), { everySteps: 3, everyEpochs: 1 });
    const straight = await trainer.fit(source, options([checkpoint]));
    const asked = Math.floor((4 * ('stepsPerEpoch' in lengths ? 7 : 10)) / 3) + 4;
    expect(files.length).toBe(asked);
    for (const file of files) {
      const again = await loadTrainer(file, { backend, threads: 1 });
      const other = { epochs: 4, batchSize: 20, validationData: [x, t] as const, callbacks: [{}, {}] };
      await expect(again.fit(x, t, { ...other, resume: true })).rejects.toThrow(/resume needs \w+ as it was/);
      const ended = await again.fit(source, { ...options([{}]), resume: true });
      expect(withoutTimes(ended)).toEqual(withoutTimes(straight));
      expect(flatWeights(again.getWeights())).toEqual(flatWeights(trainer.getWeights()));
      expect([again.steps, again.epochs, again.learningRate]).toEqual([
        ...[trainer.steps, trainer.epochs, trainer.learningRate],
      ]);
      again.dispose();
    }
    const again = await loadTrainer(files[0], { backend, threads: 1 });
    const resumed = { ...options([{}]), resume: true };
    const rule =
      'Cannot fit: resume needs batches as a function of the number of batches to leave out: received';
    await expect(again.fit(pass(), resumed)).rejects.toThrow(`${rule} an async iterable`);
    await expect(again.fit(() => pass(), resumed)).rejects.toThrow(`${rule} a function without a parameter`);
    await expect(again.fit(source, { ...resumed, callbacks: [] })).rejects.toThrow('callbacks as it was, 2');
    for (const one of [trainer, again]) one.dispose();
  });

  it('save at any moment of fit is a state to go on from', async () => {
    const source = (position: number): AsyncGenerator<Batch> => pass(20, position);
    const options = (save?: FitCallbacks): StreamOptions => ({ epochs: 40, callbacks: save ?? {} });
    const trainer = await create(backend);
    const files: Uint8Array[] = [];
    const timed = { everyMs: 1, onInterval: ({ save }: FitContext) => save((bytes) => files.push(bytes)) };
    const straight = await trainer.fit(source, options(timed));
    for (const file of files.slice(0, 6)) {
      const again = await loadTrainer(file, { backend, threads: 1 });
      const ended = await again.fit(source, { ...options(), resume: true });
      expect(withoutTimes(ended)).toEqual(withoutTimes(straight));
      expect(flatWeights(again.getWeights())).toEqual(flatWeights(trainer.getWeights()));
      again.dispose();
    }
    trainer.dispose();
  });

  it('partialFit does one pass in batches, as trainBatch on each', async () => {
    const [one, other] = [await create(backend), await create(backend)];
    for (const trainer of [one, other]) trainer.setLearningRate((step) => 0.1 / (1 + step));
    one.partialFit(x, t);
    for (let row = 0; row < 200; row += 32) other.trainBatch(...batchAt(row, Math.min(32, 200 - row)));
    const single = one.partialFit([0.5, 0.25], [1]);
    expect(single).toEqual(other.trainBatch([0.5, 0.25], [1]));
    expect(flatWeights(one.getWeights())).toEqual(flatWeights(other.getWeights()));
    expect(one.steps).toBe(other.steps);
    expect(() => one.partialFit([Number.NaN, 1], [1])).toThrow('Cannot partially fit: inputs must be finite');
    for (const trainer of [one, other]) trainer.dispose();
  });
});
