import { describe, expect, it } from 'vitest';
import {
  adam,
  type BackendId,
  createTrainer,
  dense,
  type FitOptions,
  gradientCheck,
  jacobian,
  type LossName,
  type Matrix,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const corners = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const and = [0, 0, 0, 1];
const xor = [0, 1, 1, 0];

const perceptronOn = (backend: BackendId): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    layers: [dense({ units: 1, activation: 'heaviside', initializer: 'zeros' })],
    loss: 'perceptron',
    reduction: 'sum',
    optimizer: sgd({ learningRate: 1 }),
    backend,
    seed: 1,
  });

const regression = (backend: BackendId, changes: Partial<TrainerConfig> = {}): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [dense({ units: 5, activation: 'mish' }), dense({ units: 2, activation: 'softsign' })],
    loss: 'huber',
    optimizer: adam({ learningRate: 0.05 }),
    seed: 4,
    backend,
    ...changes,
  });

const x = Float32Array.from({ length: 24 }, (_, index) => Math.sin(3 * index));
const t = Float32Array.from({ length: 16 }, (_, index) => Math.cos(index) / 2);

describe.each(usableIds)('the perceptron on %s', (backend) => {
  it('separates what can be separated, and stops when nothing is misclassified', async () => {
    const trainer = await perceptronOn(backend);
    const options: FitOptions = { epochs: 100, batchSize: 1, shuffle: false, stopWhen: { misclassified: 0 } };
    const { reason, converged, epoch, history } = await trainer.fit(corners, and, options);
    expect({ reason, converged }).toEqual({ reason: 'misclassified', converged: true });
    expect(epoch.length).toBeLessThan(20);
    expect(history.accuracy?.at(-1)).toBe(1);
    expect(Array.from(trainer.predictClasses(corners))).toEqual(and);
    trainer.dispose();
  });

  it('says that it did not converge on XOR', async () => {
    const trainer = await perceptronOn(backend);
    const options: FitOptions = { epochs: 50, batchSize: 1, shuffle: false, stopWhen: { misclassified: 0 } };
    const { reason, converged } = await trainer.fit(corners, xor, options);
    expect({ reason, converged }).toEqual({ reason: 'completed', converged: false });
    trainer.dispose();
  });

  it('takes delta = x - t straight through the threshold, and |z| of what is wrong as its loss', async () => {
    const trainer = await perceptronOn(backend);
    trainer.setWeights([{ weights: [[1, -2]], biases: [0.5] }]);
    const { layers, sampleLosses } = trainer.inspect(corners, and);
    expect(Array.from(layers[0].netInput.data)).toEqual([0.5, -1.5, 1.5, -0.5]);
    expect(Array.from((layers[0].delta as Matrix).data)).toEqual([1, 0, 1, -1]);
    expect(Array.from((layers[0].outputGradient as Matrix).data)).toEqual([1, 0, 1, -1]);
    expect(Array.from(sampleLosses as Float32Array)).toEqual([0.5, 0, 1.5, 0.5]);
    trainer.dispose();
  });
});

describe.each(usableIds)('stopWhen on %s', (backend) => {
  const fit = async (stopWhen: FitOptions['stopWhen'], epochs = 400) => {
    const trainer = await regression(backend);
    const history = await trainer.fit(x, t, { epochs, batchSize: 8, shuffle: false, stopWhen });
    trainer.dispose();
    return history;
  };

  it('ends when the loss is low, and says so', async () => {
    const { reason, converged, history } = await fit({ lossBelow: 0.02 });
    expect({ reason, converged }).toEqual({ reason: 'lossBelow', converged: true });
    expect(history.loss.at(-1)).toBeLessThan(0.02);
    expect(history.loss.at(-2)).toBeGreaterThanOrEqual(0.02);
  });

  it('ends when the loss no longer falls', async () => {
    const { reason, epoch } = await fit({ minDelta: 10, patience: 3 });
    expect([reason, epoch.length]).toEqual(['minDelta', 4]);
  });

  it('ends when the gradient is small', async () => {
    const { reason } = await fit({ gradientNormBelow: 0.01 });
    expect(reason).toBe('gradientNormBelow');
  });

  it('ends when a predicate says so', async () => {
    const { reason, epoch } = await fit(({ epoch: done, loss }) => loss > 0 && done === 6);
    expect([reason, epoch.length]).toEqual(['predicate', 7]);
  });

  it('is null in the history where it was not asked for', async () => {
    expect((await fit(undefined, 2)).converged).toBeNull();
  });
});

describe.each(usableIds)('gradients apart from the update on %s', (backend) => {
  it('computed and applied are a training step', async () => {
    const [apart, together] = [await regression(backend), await regression(backend)];
    for (let step = 0; step < 3; step++) {
      const { loss } = apart.computeGradients(x, t);
      apart.applyGradients();
      expect(together.trainBatch(x, t).loss).toBe(loss);
    }
    expect(flatWeights(apart.getWeights())).toEqual(flatWeights(together.getWeights()));
    apart.dispose();
    together.dispose();
  });

  it('accumulated over halves are those of the whole batch', async () => {
    const config = { reduction: 'sum', optimizer: sgd({ learningRate: 0.1 }) } as const;
    const [halves, whole] = [await regression(backend, config), await regression(backend, config)];
    halves.computeGradients(x.subarray(0, 12), t.subarray(0, 8));
    halves.accumulateGradients(x.subarray(12), t.subarray(8));
    halves.applyGradients();
    whole.trainBatch(x, t);
    expectAgree('weights', flatWeights(halves.getWeights()), flatWeights(whole.getWeights()), 1e-6);
    expect(() => halves.applyGradients()).toThrow(
      'Cannot apply gradients: gradients must have been computed',
    );
    halves.dispose();
    whole.dispose();
  });

  it('per sample add up to those of the batch', async () => {
    const trainer = await regression(backend);
    const { layers, sampleGradients } = trainer.inspect(x, t, { sampleGradients: true });
    layers.forEach(({ weightGradient, biasGradient }, layer) => {
      const sum = (of: (row: number) => ArrayLike<number>, length: number): number[] =>
        Array.from({ length }, (_, index) =>
          (sampleGradients ?? []).reduce((total, _layers, row) => total + of(row)[index], 0),
        );
      const { data } = weightGradient as Matrix;
      const perRow = (row: number) => (sampleGradients ?? [])[row][layer];
      expectAgree(
        'dW',
        sum((row) => perRow(row).weights.data, data.length),
        data,
        1e-6,
      );
      const biases = biasGradient as Float32Array;
      expectAgree(
        'db',
        sum((row) => perRow(row).biases as Float32Array, biases.length),
        biases,
        1e-6,
      );
    });
    expect(trainer.inspect(x, t).sampleGradients).toBeNull();
    trainer.dispose();
  });

  it('agree with finite differences, by gradientCheck', async () => {
    const trainer = await regression(backend);
    const { passed, error, count, worst } = await gradientCheck(trainer, x, t);
    expect({ passed, count }, JSON.stringify({ error, worst })).toEqual({
      passed: true,
      count: trainer.parameterCount,
    });
    expect((await gradientCheck(trainer, x, t, { tolerance: 1e-30 })).passed).toBe(false);
    trainer.dispose();
  });

  it('agree with the Jacobian: dE/dx is (x - t) J', async () => {
    const trainer = await regression(backend, { loss: 'halfSquaredError', reduction: 'sum' });
    const { inputGradient, layers } = trainer.inspect(x, t);
    jacobian(trainer, x).forEach((rows, row) => {
      const difference = Array.from(layers[1].output.row(row), (value, k) => value - t[2 * row + k]);
      const expected = Array.from({ length: 3 }, (_, j) =>
        difference.reduce((sum, value, k) => sum + value * rows.row(k)[j], 0),
      );
      expectAgree('dE/dx', (inputGradient as Matrix).row(row), expected, 1e-5);
    });
    trainer.dispose();
  });
});

describe.each(usableIds)('snapshots and clones on %s', (backend) => {
  it('bring back parameters, optimizer state and learning rate', async () => {
    const trainer = await regression(backend);
    trainer.trainBatch(x, t);
    const before = trainer.snapshot();
    const train = (): number[] => {
      trainer.trainBatch(x, t);
      trainer.trainBatch(x, t);
      return flatWeights(trainer.getWeights());
    };
    const first = train();
    trainer.setLearningRate(0);
    trainer.restore(before);
    expect(train()).toEqual(first);
    trainer.dispose();
  });

  it('go on elsewhere as here', async () => {
    const trainer = await regression(backend);
    trainer.trainBatch(x, t);
    trainer.setTrainable(0, false);
    const [same, reference] = [await trainer.clone(), await trainer.clone({ backend: 'reference' })];
    expect(same.backend.id).toBe(backend);
    for (const one of [trainer, same, reference]) one.trainBatch(x, t);
    expect(flatWeights(same.getWeights())).toEqual(flatWeights(trainer.getWeights()));
    expectAgree('weights', flatWeights(trainer.getWeights()), flatWeights(reference.getWeights()), 1e-5);
    for (const one of [trainer, same, reference]) one.dispose();
  });

  it('of another network are refused', async () => {
    const [one, other] = [await regression(backend), await regression(backend, { optimizer: sgd() })];
    expect(() => one.restore(other.snapshot())).toThrow(
      'Cannot restore snapshot: the snapshot must be of 3-5-2-adam',
    );
    expect(() => one.restore({} as never)).toThrow('the snapshot must come from snapshot()');
    one.dispose();
    other.dispose();
  });
});

describe.each(usableIds)('targets and outputs outside the domain of a loss on %s', (backend) => {
  const create = (loss: LossName, activation: 'linear' | 'tanh' | 'softmax'): Promise<Trainer> =>
    createTrainer({
      inputs: 1,
      layers: [dense({ units: 2, activation })],
      loss,
      optimizer: sgd(),
      backend,
      seed: 1,
    });

  it.each<[LossName, number[], string]>([
    ['hinge', [1, 0], 'targets of hinge must be -1 or 1: received 0 in row 0, column 1'],
    ['poisson', [1, -1], 'targets of poisson must be >= 0: received -1 in row 0, column 1'],
    ['binaryCrossEntropyWithLogits', [2, 0], 'must be in [0, 1]: received 2 in row 0, column 0'],
    ['kullbackLeibler', [-0.5, 1.5], 'targets of kullbackLeibler must be >= 0'],
  ])('%s refuses targets %j', async (loss, targets, message) => {
    const trainer = await create(loss, 'linear');
    const before = flatWeights(trainer.getWeights());
    expect(() => trainer.trainBatch([1], targets)).toThrow(message);
    await expect(trainer.fit([1], targets)).rejects.toThrow(message);
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    trainer.dispose();
  });

  it('the logarithm of an output that is not positive is refused before anything changes', async () => {
    const trainer = await create('crossEntropy', 'linear');
    trainer.setWeights([{ weights: [[1], [-1]], biases: [0, 0] }]);
    const before = flatWeights(trainer.getWeights());
    const message = 'crossEntropy needs outputs > 0 where targets are: received output -1 in row 0, column 1';
    expect(() => trainer.trainBatch([1], [0, 1])).toThrow(`Cannot train batch: ${message}`);
    expect(() => trainer.inspect([1], [0, 1])).toThrow(message);
    await expect(trainer.fit([1], [0, 1])).rejects.toThrow(message);
    await expect(trainer.evaluate([1], [0, 1])).rejects.toThrow(message);
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    expect(trainer.trainBatch([1], [1, 0]).loss).toBe(0);
    trainer.dispose();
  });
});
