import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  adam,
  type BackendId,
  createTrainer,
  dense,
  type LossName,
  type Matrix,
  metrics,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';

const ROWS = 600;
const x = Float32Array.from({ length: ROWS * 4 }, (_, index) => Math.sin(index * 1.7));
const labels = Int32Array.from({ length: ROWS }, (_, row) =>
  x[row * 4] > 0.3 ? 2 : x[row * 4 + 1] > 0 ? 1 : 0,
);

const create = (
  backend: BackendId,
  units: number,
  activation: 'softmax' | 'sigmoid' | 'linear' | 'tanh',
  loss: LossName,
): Promise<Trainer> =>
  createTrainer({
    inputs: 4,
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units, activation })],
    loss,
    optimizer: adam({ learningRate: 0.02 }),
    seed: 3,
    backend,
  });

describe.each(usableIds)('evaluate with metrics on %s', (backend) => {
  it('computes them from the outputs of all rows, beside the loss and accuracy of evaluate', async () => {
    const trainer = await create(backend, 3, 'softmax', 'crossEntropy');
    await trainer.fit(x, labels, { epochs: 3 });
    const plain = await trainer.evaluate(x, labels);
    const result = await trainer.evaluate(x, labels, {
      metrics: [
        'accuracy',
        'f1',
        'rocAuc',
        'logLoss',
        'confusionMatrix',
        { metric: 'recall', average: 'none', name: 'recalls' },
        { name: 'rows', compute: (outputs, targets) => [outputs.rows, targets] as const },
      ],
    });
    const outputs = trainer.predict(x);
    const decided = trainer.predictClasses(x);
    expect(Object.keys(plain).sort()).toEqual(['accuracy', 'loss']);
    expect({ loss: result.loss, accuracy: result.accuracy }).toEqual(plain);
    expect(result.metrics.accuracy).toBeCloseTo(plain.accuracy as number, 12);
    expect(result.metrics.f1).toBe(metrics.f1(decided, labels));
    expect(result.metrics.rocAuc).toBe(metrics.rocAuc(outputs, labels));
    expect(result.metrics.logLoss).toBeCloseTo(plain.loss, 5);
    expect(result.metrics.confusionMatrix).toEqual(metrics.confusionMatrix(decided, labels));
    expect(result.metrics.recalls).toEqual(metrics.recall(decided, labels, { average: 'none' }));
    expect(result.metrics.rows).toEqual([ROWS, labels]);
    expectTypeOf(result.metrics.f1).toEqualTypeOf<number>();
    expectTypeOf(result.metrics.confusionMatrix).toEqualTypeOf<Matrix>();
    expectTypeOf(result.metrics.recalls).toEqualTypeOf<Float64Array>();
    expectTypeOf(result.metrics).not.toHaveProperty('recall');
    trainer.dispose();
  });

  it.each([
    ['softmax', 'crossEntropy', 3],
    ['sigmoid', 'binaryCrossEntropy', 3],
    ['linear', 'crossEntropyWithLogits', 3],
    ['linear', 'binaryCrossEntropyWithLogits', 1],
    ['softmax', 'squaredError', 3],
    ['tanh', 'hinge', 1],
  ] as const)(
    'goes through the network once, to the bits of evaluate and predict: %s, %s',
    async (activation, loss, units) => {
      const trainer = await create(backend, units, activation, loss);
      const low = loss === 'hinge' ? -1 : 0;
      const t = Float32Array.from({ length: ROWS * units }, (_, at) => (Math.cos(at) > 0.2 ? 1 : low));
      await trainer.fit(x, t, { epochs: 1 });
      const sampleWeight = Float32Array.from({ length: ROWS }, (_, row) => 1 + (row % 3));
      const own = { name: 'outputs', compute: (outputs: Matrix) => outputs.data };
      for (const options of [{}, { sampleWeight }]) {
        const { metrics: found, ...rest } = await trainer.evaluate(x, t, { ...options, metrics: [own] });
        expect(found.outputs).toEqual(trainer.predict(x).data);
        expect(rest).toEqual(await trainer.evaluate(x, t, options));
      }
      trainer.dispose();
    },
  );

  it('takes net inputs to probabilities where the loss does', async () => {
    const trainer = await create(backend, 3, 'linear', 'crossEntropyWithLogits');
    const { loss, metrics: values } = await trainer.evaluate(x, labels, {
      metrics: ['logLoss', 'calibrationError', { metric: 'topK', k: 2 }],
    });
    expect(values.logLoss).toBeCloseTo(loss, 5);
    expect(values.calibrationError).toBeGreaterThan(0);
    expect(values.topK).toBe(metrics.topK(trainer.predict(x), labels, { k: 2 }));
    trainer.dispose();
  });

  it('measures numbers where the network has no classes, with weights', async () => {
    const trainer = await create(backend, 2, 'linear', 'meanSquaredError');
    const t = x.subarray(0, ROWS * 2);
    const sampleWeight = Array.from({ length: ROWS }, (_, row) => row % 3);
    const { metrics: values } = await trainer.evaluate(x, t, {
      metrics: ['mae', 'rmse', 'r2'],
      sampleWeight,
    });
    const outputs = trainer.predict(x);
    const expected = { data: t, rows: ROWS, columns: 2 };
    expect(values.mae).toBe(metrics.mae(outputs, expected, { sampleWeight }));
    expect(values.rmse).toBe(metrics.rmse(outputs, expected, { sampleWeight }));
    expect(values.r2).toBe(metrics.r2(outputs, expected, { sampleWeight }));
    trainer.dispose();
  });
});

describe('evaluate with metrics', () => {
  it('decides one output by its threshold, whether it is a probability, a net input or a sign', async () => {
    for (const [activation, loss, low] of [
      ['sigmoid', 'binaryCrossEntropy', 0],
      ['linear', 'binaryCrossEntropyWithLogits', 0],
      ['tanh', 'hinge', -1],
    ] as const) {
      const trainer = await create('reference', 1, activation, loss);
      const t = Float64Array.from(labels, (label) => (label === 2 ? 1 : low));
      const { accuracy, metrics: values } = await trainer.evaluate(x, t, {
        metrics: ['accuracy', 'precision', 'rocAuc', 'matthews', 'confusionMatrix'],
      });
      const [decided, expected] = [trainer.predictClasses(x), t.map((target) => Number(target > 0))];
      expect(values.accuracy).toBeCloseTo(accuracy as number, 12);
      expect(values.precision).toBe(metrics.precision(decided, expected, { average: 'binary' }));
      expect(values.rocAuc).toBe(metrics.rocAuc(trainer.predict(x), expected));
      expect(values.matthews).toBe(metrics.matthews(decided, expected));
      expect(values.confusionMatrix.rows).toBe(2);
      trainer.dispose();
    }
  });

  it('decides each output by itself with binary cross-entropy on several', async () => {
    const trainer = await create('reference', 3, 'sigmoid', 'binaryCrossEntropy');
    const t = Float64Array.from({ length: ROWS * 3 }, (_, index) => Number(Math.sin(index) > 0.2));
    const { accuracy, metrics: values } = await trainer.evaluate(x, t, {
      metrics: ['accuracy', { metric: 'f1', average: 'micro' }, 'rocAuc'],
    });
    const outputs = trainer.predict(x);
    const [decided, expected] = [outputs.toArrays(), { data: t, rows: ROWS, columns: 3 }];
    const indicators = decided.map((row) => row.map((p) => Number(p >= 0.5)));
    expect(values.accuracy).toBeCloseTo(accuracy as number, 12);
    expect(values.f1).toBe(metrics.f1(indicators, expected, { average: 'micro' }));
    expect(values.rocAuc).toBe(metrics.rocAuc(outputs, expected));
    await expect(trainer.evaluate(x, t, { metrics: ['matthews'] })).rejects.toThrow(
      'must be labels, one a row',
    );
    trainer.dispose();
  });

  it('belongs to one state of the network, also during fit', async () => {
    const trainer = await create('reference', 3, 'softmax', 'crossEntropy');
    const fitted = trainer.fit(x, labels, { epochs: 30, callbacks: { onEpochEnd: () => undefined } });
    const { loss, metrics: values } = await trainer.evaluate(x, labels, { metrics: ['logLoss'] });
    expect(values.logLoss).toBeCloseTo(loss, 12);
    await fitted;
    trainer.dispose();
  });

  it('says what is wrong before anything is computed', async () => {
    const trainer = await create('reference', 3, 'linear', 'meanSquaredError');
    const t = x.subarray(0, ROWS * 3);
    const evaluate = (options: unknown): Promise<unknown> =>
      trainer.evaluate(x, t, options as { metrics: [] });
    await expect(evaluate({ metrics: ['f2'] })).rejects.toThrow(
      'Cannot evaluate: a metric must be one of accuracy',
    );
    await expect(evaluate({ metrics: ['f1', 'f1'] })).rejects.toThrow(
      "must have different names: received 'f1'",
    );
    await expect(evaluate({ metric: ['f1'] })).rejects.toThrow("unknown option 'metric'");
    await expect(evaluate({ metrics: 'f1' })).rejects.toThrow('metrics must be an array');
    await expect(evaluate({ metrics: [{ name: 'own', compute: 3 }] })).rejects.toThrow('a function compute');
    await expect(evaluate({ metrics: ['f1'] })).rejects.toThrow(
      'metrics of classes need a loss or an output activation that decides for classes: received meanSquaredError on linear',
    );
    await expect(evaluate({ metrics: [{ metric: 'mae', averages: 'none' }] })).rejects.toThrow(
      "unknown option 'averages'",
    );
    trainer.dispose();
  });
});
