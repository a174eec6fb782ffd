import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  argmax,
  type BackendId,
  compareTrainers,
  createTrainer,
  type DenseLayer,
  dense,
  type LossName,
  oneHot,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { type GoldenCase, goldenCases, trainerOf } from '../support/golden.js';

interface GoldenComparison {
  readonly id: string;
  readonly cases: [string, string];
  readonly inputs: number[][];
  readonly targets: number[][];
  readonly expected: {
    readonly loss: number[];
    readonly output: number[][];
    readonly label_1based: number[];
    readonly accuracy: number[];
    readonly lower_loss: 'a' | 'b';
    readonly better_accuracy: 'a' | 'b';
  };
  readonly tolerance: { readonly float64: number; readonly float32: number };
}

const { cases } = JSON.parse(readFileSync(new URL('../golden/golden.json', import.meta.url), 'utf8')) as {
  cases: GoldenComparison[];
};
const golden = cases.find(({ id }) => id === 'compare-models-2c') as GoldenComparison;

async function trainedBy(id: string, backend: BackendId): Promise<Trainer> {
  const step = goldenCases('train-step').find((one) => one.id === id) as GoldenCase;
  const trainer = await trainerOf(step, backend);
  trainer.trainBatch(step.inputs, step.targets);
  return trainer;
}

const create = (backend: BackendId, layer: DenseLayer, loss: LossName, seed = 1): Promise<Trainer> =>
  createTrainer({
    ...{ inputs: 2, layers: [layer], loss, optimizer: sgd({ learningRate: 0.1 }) },
    ...{ seed, backend, threads: 1 },
  });

describe.each(usableIds)('compareTrainers on %s', (backend) => {
  test('the worked comparison', async () => {
    const [a, b] = await Promise.all(golden.cases.map((id) => trainedBy(id, backend)));
    const tolerance = golden.tolerance[backend === 'reference' ? 'float64' : 'float32'];
    const { trainers, lowerLoss, betterAccuracy } = await compareTrainers(
      { a, b },
      golden.inputs,
      golden.targets,
    );
    const { expected } = golden;
    [trainers.a, trainers.b].forEach((one, index) => {
      expect(Math.abs(one.loss - expected.loss[index])).toBeLessThanOrEqual(tolerance);
      expect(one.accuracy).toBe(expected.accuracy[index]);
      one.outputs.data.forEach((value, column) => {
        expect(Math.abs(value - expected.output[index][column])).toBeLessThanOrEqual(tolerance);
      });
      expect(argmax(one.outputs, { base: 1 })[0]).toBe(expected.label_1based[index]);
      expect(one.labels[0] + 1).toBe(expected.label_1based[index]);
    });
    expect({ lowerLoss, betterAccuracy }).toEqual({
      lowerLoss: expected.lower_loss,
      betterAccuracy: expected.better_accuracy,
    });
    for (const trainer of [a, b]) trainer.dispose();
  });

  test('labels and one-hot rows give the same accuracy', async () => {
    const trainer = await create(backend, dense({ units: 3, activation: 'softmax' }), 'crossEntropy');
    const x = [
      [0, 1],
      [1, 0],
      [-1, 1],
    ];
    const byLabels = await compareTrainers({ trainer }, x, [0, 2, 1]);
    const byRows = await compareTrainers({ trainer }, x, oneHot([0, 2, 1], 3));
    expect(byLabels.trainers.trainer.accuracy).toBe(byRows.trainers.trainer.accuracy);
    expect(byLabels.trainers.trainer.accuracy).toBe((await trainer.evaluate(x, [0, 2, 1])).accuracy);
    trainer.dispose();
  });

  test('ties and losses of different kinds have no winner', async () => {
    const layer = dense({ units: 1, activation: 'sigmoid' });
    const first = await create(backend, layer, 'binaryCrossEntropy');
    const same = await create(backend, layer, 'binaryCrossEntropy');
    const other = await create(backend, layer, 'halfSquaredError');
    const [x, t] = [[[0, 1]], [[1]]];
    expect(await compareTrainers({ first, same }, x, t)).toMatchObject({
      lowerLoss: null,
      betterAccuracy: null,
    });
    expect((await compareTrainers({ first, other }, x, t)).lowerLoss).toBeNull();
    for (const trainer of [first, same, other]) trainer.dispose();
  });
});

describe('compareTrainers', () => {
  test('has no accuracy for a linear output whose targets are no classes', async () => {
    const line = await create('reference', dense({ units: 1 }), 'halfSquaredError');
    expect((await compareTrainers({ line }, [[0, 1]], [[2.5]])).trainers.line.accuracy).toBeNull();
    expect((await compareTrainers({ line }, [[0, 0]], [[0]])).trainers.line.accuracy).toBe(1);
  });

  test('counts every output with binary cross-entropy', async () => {
    const layer = dense({ units: 2, activation: 'sigmoid' });
    const tags = await create('reference', layer, 'binaryCrossEntropy');
    tags.setWeights([{ weights: [5, 0, 0, 5], biases: [0, 0] }]);
    const { trainers } = await compareTrainers({ tags }, [[1, 1]], [[1, 0]]);
    expect(trainers.tags.accuracy).toBe(0.5);
  });

  test('a diverged trainer loses', async () => {
    const layer = dense({ units: 1 });
    const good = await create('reference', layer, 'halfSquaredError');
    const diverged = await create('reference', layer, 'halfSquaredError');
    diverged.setWeights([{ weights: [1e308, -1e308], biases: [0] }]);
    const { trainers, lowerLoss } = await compareTrainers({ diverged, good }, [[10, 10]], [[1]]);
    expect(trainers.diverged.loss).toBeNaN();
    expect(lowerLoss).toBe('good');
  });

  test('rejects what is no trainer, by name', async () => {
    const compare = compareTrainers({ model: {} as Trainer }, [[1]], [[1]]);
    await expect(compare).rejects.toThrow('Cannot compare trainers: model must be a trainer');
    await expect(compareTrainers({}, [[1]], [[1]])).rejects.toThrow(RangeError);
  });
});
