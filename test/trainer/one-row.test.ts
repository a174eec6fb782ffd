import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  type DenseLayer,
  dense,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const x = Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1, 0.5, 0.25);
const t = Float32Array.of(0, 1, 1, 0, 1);

const networks: Readonly<Record<string, Pick<TrainerConfig, 'layers' | 'loss'>>> = {
  'sigmoid and half squared error': {
    layers: [dense({ units: 2, activation: 'sigmoid' }), dense({ units: 1, activation: 'sigmoid' })],
    loss: 'halfSquaredError',
  },
  'tanh and binary cross-entropy': {
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })],
    loss: 'binaryCrossEntropy',
  },
  'three layers and linear outputs': {
    layers: [
      dense({ units: 3, activation: 'relu' }),
      dense({ units: 4, activation: 'tanh' }),
      dense({ units: 1 }),
    ],
    loss: 'squaredError',
  },
};

const trainerOf = (backend: BackendId, config: Partial<TrainerConfig>): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    ...networks['sigmoid and half squared error'],
    optimizer: sgd({ learningRate: 0.3 }),
    seed: 4,
    backend,
    ...config,
  });

const hasRowProgram = async (config: Partial<TrainerConfig>): Promise<boolean> => {
  const trainer = await trainerOf('reference', config);
  const text = trainer.describePlan();
  trainer.dispose();
  return text.includes('program trainRow\n');
};

describe('a step on one row', () => {
  it.each(Object.keys(networks))('is one operation for %s', async (name) => {
    expect(await hasRowProgram(networks[name])).toBe(true);
  });

  const sigmoid = (options: Partial<DenseLayer>): DenseLayer =>
    dense({ units: 1, activation: 'sigmoid', ...options });
  it.each<[string, Partial<TrainerConfig>]>([
    ['momentum', { optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) }],
    ['weight decay', { optimizer: sgd({ learningRate: 0.1, weightDecay: 0.1 }) }],
    ['a transformed input', { inputTransform: { scale: 2 } }],
    ['a layer of five units', { layers: [dense({ units: 5, activation: 'tanh' }), sigmoid({})] }],
    ['17 weights', { inputs: 17, layers: [sigmoid({})] }],
    ['no bias', { layers: [sigmoid({ bias: false })] }],
    ['a frozen layer', { layers: [sigmoid({ units: 2, trainable: false }), sigmoid({})] }],
    ['a traced activation', { layers: [dense({ units: 2, activation: 'mish' }), sigmoid({})] }],
    ['four layers', { layers: [sigmoid({}), sigmoid({}), sigmoid({}), sigmoid({})] }],
    ['softmax', { layers: [dense({ units: 2, activation: 'softmax' })], loss: 'crossEntropy' }],
  ])('is several with %s', async (_, config) => {
    expect(await hasRowProgram(config)).toBe(false);
  });
});

describe.each(usableIds)('steps on one row on %s', (backend) => {
  it.each(Object.keys(networks))('lead where gradients and updates apart lead, with %s', async (name) => {
    const [together, apart] = await Promise.all([0, 1].map(() => trainerOf(backend, networks[name])));
    const { history } = await together.fit(x, t, { epochs: 20, batchSize: 1, shuffle: false });
    const losses: number[] = [];
    const accuracies: number[] = [];
    for (let epoch = 0; epoch < 20; epoch++) {
      let [loss, correct] = [0, 0];
      for (let row = 0; row < 5; row++) {
        const step = apart.computeGradients(x.subarray(2 * row, 2 * row + 2), t.subarray(row, row + 1));
        apart.applyGradients();
        loss += step.loss / 5;
        correct += (step.accuracy ?? 0) / 5;
      }
      losses.push(loss);
      accuracies.push(correct);
    }
    expectAgree('weights', flatWeights(together.getWeights()), flatWeights(apart.getWeights()), 1e-5);
    expectAgree('loss', Array.from(history.loss), losses, 1e-5);
    if (history.accuracy) expectAgree('accuracy', Array.from(history.accuracy), accuracies, 1e-12);
    for (const trainer of [together, apart]) trainer.dispose();
  });

  it('are the same bits and numbers of epochs where a run is paused in the middle of some', async () => {
    const epochs = backend === 'reference' ? 5000 : 100_000;
    const options = { epochs, batchSize: 1, shuffle: false } as const;
    const [whole, paused] = await Promise.all([0, 1].map(() => trainerOf(backend, {})));
    const { history } = await whole.fit(x, t, options);
    const fitted = paused.fit(x, t, options);
    for (let count = 0; count < 5; count++) {
      await paused.pause();
      await new Promise((resolve) => setTimeout(resolve, 1));
      paused.resume();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect((await fitted).history).toEqual(history);
    expect(history.loss).toHaveLength(epochs);
    expect(flatWeights(paused.getWeights())).toEqual(flatWeights(whole.getWeights()));
    for (const trainer of [whole, paused]) trainer.dispose();
  });

  it('read rows of bytes and of doubles', async () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 1, 0, 1, 1);
    const results = [];
    for (const rows of [bytes, Float64Array.from(bytes), Float32Array.from(bytes)]) {
      const trainer = await trainerOf(backend, {});
      await trainer.fit(rows, Float64Array.of(0, 1, 1, 0), { epochs: 9, batchSize: 1 });
      results.push(flatWeights(trainer.getWeights()));
      trainer.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it('go on with several operations when a layer is frozen between epochs', async () => {
    const trainer = await trainerOf(backend, {});
    let frozen: unknown;
    await trainer.fit(x, t, {
      epochs: 6,
      batchSize: 1,
      callbacks: {
        onEpochEnd: (epoch) => {
          if (epoch !== 2) return;
          trainer.setTrainable(0, false);
          frozen = trainer.getWeights()[0];
        },
      },
    });
    expect(trainer.getWeights()[0]).toEqual(frozen);
    trainer.dispose();
  });

  const hidden = ['sigmoid', 'tanh'] as const;
  const losses = ['halfSquaredError', 'meanSquaredError', 'binaryCrossEntropy'] as const;
  const shapes = [2, 3, 4].flatMap((units) =>
    hidden.flatMap((activation) => losses.map((loss) => [units, activation, loss] as const)),
  );
  it.each(shapes)(
    'are the same bits with an input of zeros beside, with %i units, %s and %s',
    async (...shape) => {
      const [units, activation, loss] = shape;
      const layers = [dense({ units, activation }), dense({ units: 1, activation: 'sigmoid' })];
      const [two, three] = await Promise.all(
        [2, 3].map((inputs) => trainerOf(backend, { inputs, layers, loss })),
      );
      const [first, last] = two.getWeights();
      const wider = Float64Array.from({ length: 3 * units }, (_, index) =>
        index % 3 === 2 ? 0.5 : first.weights.data[2 * Math.floor(index / 3) + (index % 3)],
      );
      three.setWeights([{ weights: wider, biases: first.biases }, last]);
      const withZeros = Float32Array.from({ length: 15 }, (_, index) =>
        index % 3 === 2 ? 0 : x[2 * Math.floor(index / 3) + (index % 3)],
      );
      const histories = [];
      for (const [trainer, rows] of [[two, x] as const, [three, withZeros] as const])
        histories.push((await trainer.fit(rows, t, { epochs: 30, batchSize: 1, shuffle: false })).history);
      expect(histories[1]).toEqual(histories[0]);
      const [[narrow, output], [wide, outputBeside]] = [two.getWeights(), three.getWeights()];
      expect(wide.weights.data.filter((_, index) => index % 3 < 2)).toEqual(narrow.weights.data);
      expect([wide.biases, outputBeside]).toEqual([narrow.biases, output]);
      for (const trainer of [two, three]) trainer.dispose();
    },
  );
});
