import { describe, expect, it } from 'vitest';
import { createTrainer, dense, schedules, sgd, type Trainer } from '../../src/index.js';
import { Random } from '../../src/random.js';
import { Splitter } from '../../src/split.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

const x = Float32Array.from({ length: 2000 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: 1000 }, (_, row) => x[2 * row] * x[2 * row + 1]);

const create = (backend: Trainer['backend']['id'] = usableIds[0]): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate: 0.05 }),
    seed: 1,
    backend,
    threads: 1,
  });

describe.each(usableIds)('fit on %s', (backend) => {
  it('with stepsPerEpoch goes through the same batches as with whole passes', async () => {
    const [cut, whole] = [await create(backend), await create(backend)];
    // 50 steps of 20 rows a pass: 100 epochs of 7 steps are 14 passes.
    const one = await cut.fit(x, t, { epochs: 100, batchSize: 20, stepsPerEpoch: 7 });
    await whole.fit(x, t, { epochs: 14, batchSize: 20 });
    expect(one.epoch.length).toBe(100);
    expect(flatWeights(cut.getWeights())).toEqual(flatWeights(whole.getWeights()));
    await cut.fit(x, t, { epochs: 2, batchSize: 20, stepsPerEpoch: 25, shuffle: false });
    await whole.fit(x, t, { epochs: 1, batchSize: 20, shuffle: false });
    expect(flatWeights(cut.getWeights())).toEqual(flatWeights(whole.getWeights()));
    for (const trainer of [cut, whole]) trainer.dispose();
  });

  it('with initialEpoch counts from there, as Keras does', async () => {
    const trainer = await create(backend);
    const { epoch, history } = await trainer.fit(x, t, { epochs: 5, initialEpoch: 3 });
    expect(epoch).toEqual([3, 4]);
    expect(history.loss.length).toBe(2);
    await expect(trainer.fit(x, t, { epochs: 3, initialEpoch: 3 })).rejects.toThrow('initialEpoch');
    trainer.dispose();
  });

  it('with a schedule lists the rate after each epoch, told of each or not', async () => {
    const [one, other] = [await create(backend), await create(backend)];
    const learningRate = schedules.inverseTime({ learningRate: 0.1, factor: 0.5 });
    const options = { epochs: 20, batchSize: 100, accumulateBatches: 4, learningRate };
    const { learningRate: rates } = await one.fit(x, t, options);
    const told = await other.fit(x, t, { ...options, callbacks: { onEpochEnd: () => {} } });
    expect(rates).toEqual(told.learningRate);
    // 10 batches are 3 steps.
    expect(rates).toEqual(Array.from({ length: 20 }, (_, epoch) => 0.1 / (1 + 0.5 * 3 * (epoch + 1))));
    expect(one.steps).toBe(60);
    for (const trainer of [one, other]) trainer.dispose();
  });

  it('ends by time and by a loss', async () => {
    const trainer = await create(backend);
    const began = performance.now();
    const timed = await trainer.fit(x, t, { epochs: 1e7, batchSize: 1, maxTimeMs: 60 });
    expect(timed.reason).toBe('maxTime');
    expect(performance.now() - began).toBeGreaterThan(55);
    const reached = await trainer.fit(x, t, { epochs: 1000, targetLoss: 0.2, validationSplit: 0.1 });
    expect(reached.reason).toBe('targetLoss');
    expect(reached.history.val_loss?.at(-1)).toBeLessThanOrEqual(0.2);
    trainer.dispose();
  });

  it('tells learning rate, gradient norm, seconds and samples per second of each epoch', async () => {
    const trainer = await create(backend);
    const { history, learningRate, seconds, samplesPerSecond } = await trainer.fit(x, t, {
      epochs: 3,
      batchSize: 1000,
      gradientNorm: true,
      callbacks: { onEpochEnd: (epoch, _logs, context) => context.trainer.setLearningRate(0.01 * epoch) },
    });
    expect(learningRate).toEqual([0.05, 0, 0.01]);
    expect(samplesPerSecond[0] * seconds[0]).toBeCloseTo(1000, 6);
    // The second epoch had the rate 0: its weights, and so the gradient of all rows, are those of the third.
    const { layers } = trainer.computeGradients(x, t);
    expect(layers.length).toBe(2);
    expect(history.gradient_norm?.every((norm) => norm > 0)).toBe(true);
    expect(history.gradient_norm?.[1]).toBeCloseTo(history.gradient_norm?.[2] as number, 5);
    expect(await trainer.fit(x, t)).not.toHaveProperty('history.gradient_norm');
    trainer.dispose();
  });

  it('evaluates the rows it is given to hold back', async () => {
    const trainer = await create(backend);
    const rows = [3, 900, 17, 401];
    const { history } = await trainer.fit(x, t, { validationRows: rows });
    const held = rows.flatMap((row) => [x[2 * row], x[2 * row + 1]]);
    const { loss } = await trainer.evaluate(
      held,
      rows.map((row) => [t[row]]),
    );
    expect(history.val_loss?.[0]).toBeCloseTo(loss, 6);
    await expect(trainer.fit(x, t, { validationRows: [1, 1] })).rejects.toThrow('received 1 at 1');
    trainer.dispose();
  });
});

describe('a stratified split', () => {
  it('holds of each class its share, every row once, another choice with another seed', async () => {
    const sizes = [70, 20, 7, 3];
    const labels = Int32Array.from(sizes.flatMap((size, label) => new Array(size).fill(label)));
    const classifier = await createTrainer({
      inputs: 1,
      layers: [dense({ units: 4, activation: 'softmax' })],
      loss: 'crossEntropy',
      optimizer: sgd({ learningRate: 0.1 }),
      backend: 'reference',
    });
    const rows = { count: 100, inputs: new Float32Array(100), targets: null, labels, shared: true };
    const options = { validationSplit: 0.3, validationSplitMode: 'stratified' } as const;
    const splitOf = (seed: number) =>
      new Splitter('Cannot fit', rows, classifier.model, options).split(new Random(seed));
    const { train, held } = await splitOf(1);
    const counts = sizes.map((_, label) => held.filter((row) => labels[row] === label).length);
    expect(counts).toEqual([21, 6, 2, 1]);
    expect([...train, ...held].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, row) => row));
    expect((await splitOf(1)).held).toEqual(held);
    expect((await splitOf(2)).held).not.toEqual(held);
    classifier.dispose();
    const trainer = await create();
    await expect(
      trainer.fit(x, t, { validationSplit: 0.1, validationSplitMode: 'stratified' }),
    ).rejects.toThrow("'stratified' needs a loss or outputs that classify");
    trainer.dispose();
  });
});
