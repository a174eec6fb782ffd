import { describe, expect, it } from 'vitest';
import {
  adam,
  adamw,
  type BackendId,
  createTrainer,
  dense,
  type Optimizer,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const INPUTS = 7;
const CLASSES = 3;

/** Points around one centre per class, as bytes and as numbers. */
function clusters(rows: number, seed = 5): { bytes: Uint8Array; numbers: Float32Array; labels: Int32Array } {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: rows }, () => random.integer(CLASSES));
  const bytes = Uint8Array.from({ length: rows * INPUTS }, (_, index) => {
    const label = labels[Math.floor(index / INPUTS)];
    return 80 + 60 * Number((index % INPUTS) % CLASSES === label) + 20 * random.normal();
  });
  return { bytes, numbers: Float32Array.from(bytes), labels };
}

const oneHot = (labels: Int32Array): number[][] =>
  Array.from(labels, (label) => Array.from({ length: CLASSES }, (_, column) => Number(column === label)));

const configOf = (backend: BackendId, changes: Partial<TrainerConfig> = {}): TrainerConfig => ({
  inputs: INPUTS,
  inputTransform: { scale: 1 / 128, offset: -0.5 },
  layers: [dense({ units: 19, activation: 'tanh' }), dense({ units: CLASSES, activation: 'softmax' })],
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: 0.01 }),
  seed: 3,
  backend,
  threads: 1,
  ...changes,
});

const weightsAfter = async (trainer: Trainer, train: (trainer: Trainer) => unknown): Promise<number[]> => {
  await train(trainer);
  const weights = flatWeights(trainer.getWeights());
  trainer.dispose();
  return weights;
};

const optimizers: Record<string, Optimizer> = {
  sgd: sgd({ learningRate: 0.1 }),
  'sgd with momentum': sgd({ learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 }),
  'sgd with nesterov': sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
  adam: adam({ learningRate: 0.01, weightDecay: 0.01 }),
  adamw: adamw({ learningRate: 0.01, weightDecay: 0.1 }),
};

describe.each(usableIds)('training on %s', (backend) => {
  it('learns to tell clusters apart', async () => {
    const trainer = await createTrainer(configOf(backend));
    const { bytes, labels } = clusters(200);
    const { history, epoch, reason, seed } = await trainer.fit(bytes, labels, { epochs: 15, batchSize: 16 });
    expect(epoch.length).toBe(15);
    expect({ reason, seed }).toEqual({ reason: 'completed', seed: 3 });
    expect(history.loss[14]).toBeLessThan(history.loss[0] / 3);
    const { accuracy, loss } = await trainer.evaluate(bytes, labels);
    expect(accuracy).toBeGreaterThan(0.95);
    const predicted = trainer.predictClasses(bytes);
    const right = predicted.filter((label, row) => label === labels[row]).length;
    expect(right / labels.length).toBeCloseTo(accuracy as number, 10);
    expect(loss).toBeLessThan(0.3);
    trainer.dispose();
  });

  it.each(Object.entries(optimizers))('takes ten steps of %s as the reference does', async (_, optimizer) => {
    const { numbers, labels } = clusters(40);
    const run = (id: BackendId): Promise<number[]> =>
      createTrainer(configOf(id, { optimizer })).then((trainer) =>
        weightsAfter(trainer, () => trainer.fit(numbers, labels, { epochs: 2, batchSize: 9 })),
      );
    expectAgree('weights', await run(backend), await run('reference'), 2e-5);
  });

  it('gives bitwise the same run for the same seed, and another for another', async () => {
    const { bytes, labels } = clusters(50);
    const run = async (seed: number): Promise<number[]> =>
      weightsAfter(await createTrainer(configOf(backend, { seed })), (trainer) =>
        trainer.fit(bytes, labels, { epochs: 3, batchSize: 8 }),
      );
    const first = await run(11);
    expect(await run(11)).toEqual(first);
    expect(await run(12)).not.toEqual(first);
  });

  it('fits an epoch without shuffling as the same batches one by one', async () => {
    const { numbers, labels } = clusters(23);
    const fitted = await weightsAfter(await createTrainer(configOf(backend)), (trainer) =>
      trainer.fit(numbers, labels, { batchSize: 5, shuffle: false }),
    );
    const stepped = await weightsAfter(await createTrainer(configOf(backend)), (trainer) => {
      for (let row = 0; row < 23; row += 5) {
        const end = Math.min(row + 5, 23);
        trainer.trainBatch(numbers.subarray(row * INPUTS, end * INPUTS), labels.subarray(row, end));
      }
    });
    expect(fitted).toEqual(stepped);
  });

  it('reports the loss before the update, weighted over a last smaller batch', async () => {
    const { numbers, labels } = clusters(11);
    const trainer = await createTrainer(configOf(backend, { optimizer: sgd({ learningRate: 0 }) }));
    const whole = await trainer.evaluate(numbers, labels);
    const { history } = await trainer.fit(numbers, labels, { batchSize: 4 });
    expect(history.loss[0]).toBeCloseTo(whole.loss, 5);
    expect(history.accuracy?.[0]).toBeCloseTo(whole.accuracy as number, 10);
    expect(trainer.trainBatch(numbers, labels).loss).toBeCloseTo(whole.loss, 5);
    trainer.dispose();
  });

  it('sums the loss over rows with the reduction sum', async () => {
    const { numbers, labels } = clusters(10);
    const [sum, mean] = await Promise.all(
      (['sum', 'mean'] as const).map(async (reduction) => {
        const trainer = await createTrainer(configOf(backend, { reduction }));
        const { loss } = await trainer.evaluate(numbers, labels);
        trainer.dispose();
        return loss;
      }),
    );
    expect(sum / mean).toBeCloseTo(10, 4);
  });

  it('takes bytes and numbers, labels and one-hot rows alike', async () => {
    const { bytes, numbers, labels } = clusters(30);
    const fit = async (
      x: Uint8Array | Float32Array | number[],
      t: Int32Array | number[] | number[][] | Uint8Array,
    ) =>
      weightsAfter(await createTrainer(configOf(backend)), (trainer) => trainer.fit(x, t, { batchSize: 7 }));
    const wanted = await fit(bytes, labels);
    expect(await fit(numbers, labels)).toEqual(wanted);
    expect(await fit(Array.from(numbers), Array.from(labels))).toEqual(wanted);
    expect(await fit(bytes, Uint8Array.from(labels))).toEqual(wanted);
    expectAgree('one-hot', await fit(bytes, oneHot(labels)), wanted, 1e-6);
  });

  it('applies a transform per column as if the data had been transformed', async () => {
    const { numbers, labels } = clusters(12);
    const scale = Array.from({ length: INPUTS }, (_, column) => 2 ** -(column % 3) / 64);
    const offset = Float32Array.from({ length: INPUTS }, (_, column) => column / 8);
    const transformed = numbers.map((value, index) => value * scale[index % INPUTS] + offset[index % INPUTS]);
    const inside = await createTrainer(configOf(backend, { inputTransform: { scale, offset } }));
    const outside = await createTrainer(configOf(backend, { inputTransform: undefined }));
    expectAgree('outputs', inside.predict(numbers).data, outside.predict(transformed).data, 1e-5);
    expect((await inside.evaluate(numbers, labels)).loss).toBeCloseTo(
      (await outside.evaluate(transformed, labels)).loss,
      5,
    );
    inside.dispose();
    outside.dispose();
  });

  it('predicts many rows as it predicts them one by one', async () => {
    const { bytes } = clusters(600);
    const trainer = await createTrainer(configOf(backend));
    const all = trainer.predict(bytes);
    expect([all.rows, all.columns]).toEqual([600, CLASSES]);
    const out = backend === 'reference' ? new Float64Array(CLASSES) : new Float32Array(CLASSES);
    for (const row of [0, 1, 255, 256, 599]) {
      trainer.predictInto(bytes.subarray(row * INPUTS, (row + 1) * INPUTS), out);
      expectAgree(`row ${row}`, out, all.row(row), 1e-6);
    }
    trainer.dispose();
  });

  it('leaves a frozen layer bit for bit and trains the rest', async () => {
    const { numbers, labels } = clusters(20);
    const trainer = await createTrainer(configOf(backend));
    const before = trainer.getWeights();
    trainer.setTrainable(0, false);
    expect(trainer.layers[0].trainable).toBe(false);
    await trainer.fit(numbers, labels, { epochs: 2 });
    const frozen = trainer.getWeights();
    expect(flatWeights([frozen[0]])).toEqual(flatWeights([before[0]]));
    expect(flatWeights([frozen[1]])).not.toEqual(flatWeights([before[1]]));
    trainer.setTrainable(0, true);
    trainer.setTrainable(1, false);
    trainer.trainBatch(numbers, labels);
    const released = trainer.getWeights();
    expect(flatWeights([released[0]])).not.toEqual(flatWeights([frozen[0]]));
    expect(flatWeights([released[1]])).toEqual(flatWeights([frozen[1]]));
    trainer.dispose();
  });

  it('takes a new learning rate at the next step', async () => {
    const { numbers, labels } = clusters(20);
    const trainer = await createTrainer(configOf(backend, { optimizer: sgd({ learningRate: 0.5 }) }));
    trainer.setLearningRate(0);
    const before = flatWeights(trainer.getWeights());
    trainer.trainBatch(numbers, labels);
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    trainer.trainBatch(numbers, labels, { learningRate: 0.5 });
    const after = flatWeights(trainer.getWeights());
    expect(after).not.toEqual(before);
    await trainer.fit(numbers, labels, { learningRate: 0 });
    expect(flatWeights(trainer.getWeights())).toEqual(after);
    trainer.dispose();
  });

  it('keeps parameters and optimizer state when a larger batch makes it grow', async () => {
    const { numbers, labels } = clusters(300);
    const train = async (first: number): Promise<number[]> =>
      weightsAfter(await createTrainer(configOf(backend)), (trainer) => {
        trainer.predict(numbers.subarray(0, first * INPUTS));
        trainer.trainBatch(numbers.subarray(0, 5 * INPUTS), labels.subarray(0, 5));
        trainer.predict(numbers);
        trainer.trainBatch(numbers, labels);
      });
    expect(await train(1)).toEqual(await train(300));
  });

  it('takes back the weights it gives', async () => {
    const [one, other] = [
      await createTrainer(configOf(backend)),
      await createTrainer(configOf(backend, { seed: 9 })),
    ];
    other.setWeights(one.getWeights());
    expect(flatWeights(other.getWeights())).toEqual(flatWeights(one.getWeights()));
    const nested = one.getWeights().map(({ weights, biases }) => ({ weights: weights.toArrays(), biases }));
    other.setWeights(nested);
    const { bytes } = clusters(3);
    expect(other.predict(bytes).data).toEqual(one.predict(bytes).data);
    one.dispose();
    other.dispose();
  });

  it('starts from the same weights as every backend', async () => {
    const [one, reference] = [
      await createTrainer(configOf(backend)),
      await createTrainer(configOf('reference')),
    ];
    const rounded = flatWeights(reference.getWeights()).map(
      backend === 'reference' ? (value) => value : Math.fround,
    );
    expect(flatWeights(one.getWeights())).toEqual(rounded);
    one.dispose();
    reference.dispose();
  });
});
