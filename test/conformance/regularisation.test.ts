import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  type DenseOptions,
  dense,
  loadTrainer,
  type Optimizer,
  rmsprop,
  schedules,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const rows = 40;
const inputs = 40;
const x = Float32Array.from({ length: rows * inputs }, (_, index) => Math.sin(index * index));
const labels = Int32Array.from({ length: rows }, (_, row) => (row * 7) % 3);
const sampleWeight = Float32Array.from({ length: rows }, (_, row) => 1 + (row % 4));

/** A network whose first layer is large enough to be updated in place by plain sgd, where nothing forbids it. */
const create = (
  backend: BackendId,
  config: Partial<TrainerConfig> = {},
  layer: Partial<DenseOptions> = {},
  optimizer: Optimizer = sgd({ learningRate: 0.2 }),
): Promise<Trainer> =>
  createTrainer({
    inputs,
    layers: [dense({ units: 33, activation: 'relu', ...layer }), dense({ units: 3, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer,
    seed: 5,
    backend,
    ...config,
  });

const settings: Readonly<
  Record<string, readonly [config: Partial<TrainerConfig>, layer?: Partial<DenseOptions>]>
> = {
  'clipping by value': [{ gradientClipping: { value: 0.001 } }],
  'clipping by norm': [{ gradientClipping: { norm: 0.05 } }],
  'clipping by global norm': [{ gradientClipping: { globalNorm: 0.05 } }],
  penalties: [{}, { l1: 0.001, l2: 0.1 }],
  'max-norm': [{}, { maxNorm: 1 }],
  averaging: [{ averaging: { decay: 0.5 } }],
};

describe.each(usableIds.filter((id) => id !== 'reference'))(
  'large layers on %s agree with the reference',
  (id) => {
    it.each(Object.keys(settings))('%s', async (name) => {
      const trained = await Promise.all(
        [id, 'reference' as const].map(async (backend) => {
          const trainer = await create(backend, ...settings[name]);
          await trainer.fit(x, labels, { epochs: 3, batchSize: 8, sampleWeight, accumulateBatches: 2 });
          await trainer.fit(x, labels, { epochs: 1, batchSize: 16 });
          return trainer;
        }),
      );
      const [received, expected] = trained.map((trainer) => flatWeights(trainer.getWeights()));
      expectAgree('parameters', received, expected, 1e-4);
      if (name !== 'averaging') return;
      const [average, wanted] = trained.map((trainer) => flatWeights(trainer.averageWeights()));
      expectAgree('average', average, wanted, 1e-4);
      expect(average).not.toEqual(received);
    });
  },
);

describe.each(usableIds)('regularisation on %s', (backend) => {
  it('validates with the averages where averaging says so, without a change of the run', async () => {
    const options = { epochs: 3, batchSize: 7, validationData: [x, labels] as const, sampleWeight };
    const [plain, averaged] = await Promise.all(
      [false, true].map((validate) => create(backend, { averaging: { decay: 0.9, validate } })),
    );
    const one = await plain.fit(x, labels, options);
    const other = await averaged.fit(x, labels, options);
    expect(flatWeights(averaged.getWeights())).toEqual(flatWeights(plain.getWeights()));
    expect(other.history.loss).toEqual(one.history.loss);
    expect(one.history.val_loss?.at(-1)).toBe((await plain.evaluate(x, labels)).loss);
    expect(other.history.val_loss?.at(-1)).not.toBe(one.history.val_loss?.at(-1));
    averaged.setWeights(averaged.averageWeights());
    const { loss, accuracy } = await averaged.evaluate(x, labels);
    expect([other.history.val_loss?.at(-1), other.history.val_accuracy?.at(-1)]).toEqual([loss, accuracy]);
    for (const trainer of [plain, averaged]) trainer.dispose();
  });

  it('changes a step and leaves what computeGradients returns', async () => {
    const [plain, ...others] = await Promise.all([
      create(backend),
      create(backend, { gradientClipping: { globalNorm: 0.05 } }),
      create(backend, {}, { l2: 0.1 }),
    ]);
    const gradients = flatWeights(plain.computeGradients(x, labels).layers);
    plain.applyGradients();
    for (const other of others) {
      expect(flatWeights(other.computeGradients(x, labels).layers)).toEqual(gradients);
      other.applyGradients();
      expect(flatWeights(other.getWeights())).not.toEqual(flatWeights(plain.getWeights()));
    }
  });

  it('stops by the norm of the gradient before clipping', async () => {
    const trainer = await create(backend, { gradientClipping: { globalNorm: 1e-6 } });
    const stopWhen = { gradientNormBelow: 1e-5 };
    expect((await trainer.fit(x, labels, { epochs: 2, stopWhen })).reason).toBe('completed');
  });

  it('keeps gradients that accumulate through pauses and inspections', async () => {
    const [whole, broken] = await Promise.all([create(backend), create(backend)]);
    const options = { epochs: 200, batchSize: 4, accumulateBatches: 3 };
    await whole.fit(x, labels, options);
    const run = broken.fit(x, labels, options);
    for (let pause = 0; pause < 5; pause++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      broken.inspect(x, labels);
      try {
        await broken.pause();
        broken.inspect(x.subarray(0, 3 * inputs), labels.subarray(0, 3));
        broken.resume();
      } catch {
        break;
      }
    }
    await run;
    expect(broken.steps).toBe(200 * 4);
    expect(flatWeights(broken.getWeights())).toEqual(flatWeights(whole.getWeights()));
  });

  it('follows a schedule by the steps, not the batches that are accumulated', async () => {
    const seen: number[] = [];
    const learningRate = (step: number): number => {
      seen.push(step);
      return 0.1;
    };
    const trainer = await create(backend, {}, {}, sgd({ learningRate }));
    seen.length = 0;
    await trainer.fit(x, labels, { epochs: 2, batchSize: 8, accumulateBatches: 2 });
    // The rates at fit and of the copy to go back to, those of the batches, those that the history lists.
    expect(seen).toEqual([0, 0, ...[0, 0, 1, 1, 2], ...[3, 3, 4, 4, 5], ...[3, 6, 6]]);
  });

  it('is in a model file', async () => {
    const config = { gradientClipping: { norm: 0.05 }, averaging: { decay: 0.5 }, labelSmoothing: 0.1 };
    const layer = { l1: 0.001, l2: 0.1, maxNorm: 2 };
    const learningRate = schedules.exponential({ learningRate: 0.01, factor: 0.9 });
    const optimizer = rmsprop({ learningRate, centered: true, momentum: 0.5 });
    const trainer = await create(backend, config, layer, optimizer);
    trainer.trainBatch(x, labels);
    let bytes = new Uint8Array();
    await trainer.save((written) => {
      bytes = Uint8Array.from(written);
    });
    const loaded = await loadTrainer(bytes, { backend });
    for (const one of [trainer, loaded]) for (let step = 0; step < 3; step++) one.trainBatch(x, labels);
    expect([loaded.steps, loaded.learningRate]).toEqual([4, trainer.learningRate]);
    expect(flatWeights(loaded.getWeights())).toEqual(flatWeights(trainer.getWeights()));
    expect(flatWeights(loaded.averageWeights())).toEqual(flatWeights(trainer.averageWeights()));
  });
});

describe('a wrong setting is an error', () => {
  const wrong = (value: unknown): never => value as never;

  it.each<[string, Partial<TrainerConfig>, string]>([
    [
      'two ways of clipping',
      { gradientClipping: { value: 1, norm: 1 } },
      'one of value, norm and globalNorm',
    ],
    ['clipping to 0', { gradientClipping: { norm: 0 } }, 'norm must be finite and > 0: received 0'],
    ['smoothing of 1', { labelSmoothing: 1 }, 'labelSmoothing must be in [0, 1): received 1'],
    [
      'smoothing of a squared error',
      { labelSmoothing: 0.1, loss: 'halfSquaredError' },
      "labelSmoothing needs a cross-entropy: received 'halfSquaredError'",
    ],
    ['averaging without a decay', { averaging: wrong({}) }, 'averaging.decay must be a number'],
  ])('%s', async (_, config, message) => {
    await expect(create('reference', config)).rejects.toThrow(message);
  });

  it.each<[string, object, string]>([
    ['weights of other rows', { sampleWeight: [1] }, `sampleWeight must have ${rows} numbers, one a row`],
    ['a negative weight', { sampleWeight: labels.map(() => -1) }, 'sampleWeight must be finite and >= 0'],
    [
      'a class that is none',
      { classWeight: { 3: 1 } },
      'classWeight must be of the classes 0 to 2: received class 3',
    ],
    ['a name', { classWeight: 'equal' }, "classWeight must be 'balanced' or one number a class"],
  ])('%s', async (_, options, message) => {
    const trainer = await create('reference');
    expect(() => trainer.trainBatch(x, labels, options)).toThrow(message);
    await expect(trainer.fit(x, labels, options)).rejects.toThrow(message);
    await expect(trainer.evaluate(x, labels, options)).rejects.toThrow(message);
  });

  it.each<[string, DenseOptions, string]>([
    ['a negative penalty', { units: 1, l1: -1 }, 'l1 must be finite and >= 0'],
    ['a bound of 0', { units: 1, maxNorm: 0 }, 'maxNorm must be finite and > 0'],
  ])('%s', (_, options, message) => {
    expect(() => dense(options)).toThrow(message);
  });
});
