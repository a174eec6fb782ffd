import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { availableThreads } from '../../src/backends/native/available-threads.js';
import { NativeExecutor } from '../../src/backends/native/executor.js';
import {
  createTrainer,
  dense,
  type FitOptions,
  loadTrainer,
  type RowsLike,
  sgd,
  type TargetsLike,
  type Trainer,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { nativeIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';

const INPUTS = 512;
const ROWS = 18_000;
const OUTPUTS = 3;
const random = new Random(5);
/** 9 MB, so that training begins before all are copied; as float64 72 MB. */
const bytes = Uint8Array.from({ length: ROWS * INPUTS }, () => random.integer(256));
const floats = Float32Array.from(bytes, (byte) => byte / 256 - 0.3);
const labels = Int32Array.from({ length: ROWS }, () => random.integer(OUTPUTS));
const targets = Float32Array.from({ length: ROWS * OUTPUTS }, () => random.uniform());

const create = (backend: Trainer['backend']['id'], threads = 1): Promise<Trainer> =>
  createTrainer({
    inputs: INPUTS,
    layers: [dense({ units: 6, activation: 'tanh' }), dense({ units: OUTPUTS, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer: sgd({ learningRate: 0.02 }),
    seed: 1,
    backend,
    threads,
  });

type Numbers = Float32Array | Float64Array | Uint8Array | Int32Array;

/** Memory that cannot be detached is read where it lies. */
function inPlace<T extends Numbers>(values: T): T {
  const shared = new SharedArrayBuffer(values.byteLength);
  const copy = new (values.constructor as new (buffer: SharedArrayBuffer) => T)(shared);
  copy.set(values);
  return copy;
}

/** What `fit` leaves behind, of a copy that is spoilt as soon as the call has returned. */
async function fitted(trainer: Trainer, x: Numbers, t: Numbers, options: FitOptions) {
  const [ownX, ownT] = [x.slice(), t.slice()] as [Float32Array, Float32Array];
  const running = trainer.fit(ownX, ownT, options);
  ownX.fill(Number.NaN);
  ownT.fill(99);
  structuredClone(null, { transfer: [ownX.buffer, ownT.buffer] });
  const history = withoutTimes(await running);
  return { history, weights: flatWeights(trainer.getWeights()) };
}

async function fittedInPlace(trainer: Trainer, x: Numbers, t: Numbers, options: FitOptions) {
  const history = withoutTimes(await trainer.fit(inPlace(x) as RowsLike, inPlace(t) as TargetsLike, options));
  return { history, weights: flatWeights(trainer.getWeights()) };
}

const ways: Record<string, [x: Numbers, t: Numbers, options: FitOptions]> = {
  'in new orders': [floats, labels, { epochs: 2, batchSize: 64 }],
  'in the order they stand': [floats, labels, { epochs: 2, batchSize: 64, shuffle: false }],
  'with a split': [floats, labels, { epochs: 2, batchSize: 64, validationSplit: 0.3 }],
  'with the last rows held': [
    floats,
    labels,
    { epochs: 2, batchSize: 100, validationSplit: 0.1, validationSplitMode: 'last', shuffle: false },
  ],
  'with validation data': [
    floats,
    labels,
    { batchSize: 997, validationData: [floats.slice(0, 5000 * INPUTS), labels.slice(0, 5000)] },
  ],
  'in batches of a prime, accumulated': [floats, targets, { batchSize: 997, accumulateBatches: 4 }],
  'in one batch': [floats, targets, { epochs: 2, batchSize: ROWS }],
  'of few steps an epoch': [floats, labels, { epochs: 4, batchSize: 64, stepsPerEpoch: 100 }],
  'of more steps than a pass has': [floats, labels, { batchSize: 64, stepsPerEpoch: 700 }],
  'of bytes': [bytes, labels, { batchSize: 64 }],
  'of float64': [Float64Array.from(floats), targets, { batchSize: 64 }],
  'with weights': [
    floats,
    labels,
    { batchSize: 64, sampleWeight: Float32Array.from(labels, (label) => 0.5 + label) },
  ],
};

afterEach(() => {
  vi.restoreAllMocks();
});

it.runIf(nativeIds.length > 0)('training begins while rows are copied that are large and long', async () => {
  const trainer = await create(nativeIds[0]);
  const gains = vi.spyOn(NativeExecutor.prototype, 'gainsWhileCopying');
  const asked = async (x: Numbers, options: FitOptions = {}): Promise<unknown> => {
    const t = labels.slice(0, x.length / INPUTS);
    await trainer.fit(x as RowsLike, t, { batchSize: 1000, ...options });
    return gains.mock.results.at(-1)?.value;
  };
  expect(await asked(floats)).toBe(availableThreads() > 1);
  expect(await asked(bytes)).toBe(availableThreads() > 1);
  expect(await asked(inPlace(floats))).toBe(false);
  expect(await asked(floats.slice(0, 4000 * INPUTS))).toBe(false);
  expect(await asked(bytes.slice(0, 16_000 * INPUTS))).toBe(false);
  trainer.dispose();
  const narrow = await createTrainer({
    ...{ inputs: 8, layers: [dense({ units: 1 })], loss: 'meanSquaredError', backend: nativeIds[0] },
    optimizer: sgd({ learningRate: 0.01 }),
  });
  await narrow.fit(floats, new Float32Array(floats.length / 8), { batchSize: 10_000 });
  expect(gains.mock.results.at(-1)?.value).toBe(false);
  narrow.dispose();
});

describe.each(nativeIds)('training that begins while rows are copied on %s', (backend) => {
  // On one core it gains nothing, but is as right.
  beforeEach(() => {
    vi.spyOn(NativeExecutor.prototype, 'gainsWhileCopying').mockImplementation(({ shared }) => !shared);
  });

  it.each(Object.entries(ways))('gives the bits of rows in place %s', async (_, [x, t, options]) => {
    const [copied, placed] = [await create(backend), await create(backend, 2)];
    const start = vi.spyOn(NativeExecutor.prototype, 'start');
    const running = fitted(copied, x, t, options);
    expect(start).toHaveBeenCalledTimes(1);
    expect(await running).toEqual(await fittedInPlace(placed, x, t, options));
    copied.dispose();
    placed.dispose();
  });

  it('goes on from the middle of an epoch', async () => {
    const options = { epochs: 3, batchSize: 64 };
    const files: Uint8Array[] = [];
    const trainer = await create(backend);
    const callbacks = { everySteps: 200, onSteps: () => void files.push(trainer.toBytes()) };
    const straight = await fitted(trainer, floats, labels, { ...options, callbacks });
    trainer.dispose();
    expect(files.length).toBe(4);
    for (const file of files) {
      const resumed = await loadTrainer(file, { backend });
      const start = vi.spyOn(NativeExecutor.prototype, 'start');
      const running = fitted(resumed, floats, labels, { ...options, callbacks: {}, resume: true });
      expect(start).toHaveBeenCalledTimes(1);
      start.mockRestore();
      const { history, weights } = await running;
      expect(weights).toEqual(straight.weights);
      expect(history.history).toEqual(straight.history.history);
      resumed.dispose();
    }
  });

  it('may be aborted, stopped, paused and looked at in the first epoch', async () => {
    const trainer = await create(backend);
    const abort = new AbortController();
    const running = fitted(trainer, floats, labels, { batchSize: 8, signal: abort.signal });
    abort.abort();
    const { history, weights } = await running;
    const { steps } = trainer;
    if (history.reason === 'aborted') expect(steps).toBeLessThan(ROWS / 8);
    const straight = await create(backend);
    // Rows of as many steps, in the same order.
    if (steps > 0)
      await straight.fit(inPlace(floats), inPlace(labels), { batchSize: 8, stepsPerEpoch: steps });
    expect(weights).toEqual(flatWeights(straight.getWeights()));
    trainer.dispose();
    straight.dispose();

    const [paused, placed] = [await create(backend), await create(backend)];
    const pausing = fitted(paused, floats, labels, { batchSize: 8 });
    expect(paused.predict(floats.subarray(0, INPUTS)).rows).toBe(1);
    await paused.pause();
    paused.resume();
    expect(await pausing).toEqual(await fittedInPlace(placed, floats, labels, { batchSize: 8 }));
    const stopping = fitted(paused, floats, labels, { batchSize: 8 });
    paused.stop();
    await stopping;
    paused.dispose();
    placed.dispose();
  });

  it('may belong to a trainer that is disposed of meanwhile, or that evaluates', async () => {
    const trainer = await create(backend);
    const placed = await create(backend);
    const evaluated = trainer.evaluate(floats, labels);
    const fitting = fitted(trainer, floats, labels, { batchSize: 64 });
    expect(await evaluated).toEqual(await placed.evaluate(inPlace(floats), inPlace(labels)));
    expect(await fitting).toEqual(await fittedInPlace(placed, floats, labels, { batchSize: 64 }));
    const running = fitted(trainer, floats, labels, { batchSize: 8 });
    trainer.dispose();
    await expect(running).rejects.toThrow('the trainer must not be disposed');
    placed.dispose();
  });

  it('does not begin where a number is not finite', async () => {
    const trainer = await create(backend);
    const before = flatWeights(trainer.getWeights());
    const spoilt = floats.slice();
    spoilt[spoilt.length - 1] = Number.NaN;
    await expect(trainer.fit(spoilt, labels)).rejects.toThrow(
      `received NaN in row ${ROWS - 1}, column ${INPUTS - 1}`,
    );
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    expect(trainer.steps).toBe(0);
    trainer.dispose();
  });

  it('begins after the call where a callback or a rate of one’s own comes first', async () => {
    const placed = await create(backend);
    const expected = await fittedInPlace(placed, floats, labels, { batchSize: 64 });
    const asked: FitOptions[] = [
      { callbacks: { onTrainBegin: () => {} } },
      { callbacks: { onEpochBegin: () => {} } },
      { learningRate: () => 0.02 },
    ];
    for (const options of asked) {
      const trainer = await create(backend);
      const start = vi.spyOn(NativeExecutor.prototype, 'start');
      const running = fitted(trainer, floats, labels, { batchSize: 64, ...options });
      expect(start).not.toHaveBeenCalled();
      expect((await running).weights).toEqual(expected.weights);
      start.mockRestore();
      trainer.dispose();
    }
    placed.dispose();
  });
});
