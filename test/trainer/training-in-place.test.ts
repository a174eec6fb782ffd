import { describe, expect, it } from 'vitest';
import {
  adam,
  createTrainer,
  dense,
  dropout,
  type FitOptions,
  sgd,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

type Layers = TrainerConfig['layers'];

const INPUTS = 37;
const ROWS = 45;
const x = Float32Array.from({ length: ROWS * INPUTS }, (_, index) => Math.sin(1 + 7 * index));
const labels = Int32Array.from({ length: ROWS }, (_, row) => (5 * row) % 3);

const networks: Readonly<Record<string, Layers>> = {
  'two layers': [dense({ units: 24, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
  'dropout between layers': [
    dense({ units: 24, activation: 'tanh' }),
    dropout({ rate: 0.5 }),
    dense({ units: 3, activation: 'softmax' }),
  ],
  'dropout of the inputs': [dropout({ rate: 0.5 }), dense({ units: 3, activation: 'softmax' })],
};

const ways: Readonly<Record<string, FitOptions>> = {
  'as they stand': { epochs: 3, batchSize: 8, shuffle: false },
  'one by one in new orders': { epochs: 2, batchSize: 1 },
  'in new orders, now and then one after the other': { epochs: 20, batchSize: 2 },
  'with gradients added up': { epochs: 3, batchSize: 8, shuffle: false, accumulateBatches: 2 },
};

// A scale of one is applied while rows are gathered, which changes no number.
const gathered = { inputTransform: { scale: 1 } } as const;

describe.each(usableIds)('rows read where they lie on %s', (backend) => {
  describe.each(Object.keys(networks))('%s', (name) => {
    const trainerOf = (options: Partial<typeof gathered>) =>
      createTrainer({
        inputs: INPUTS,
        layers: networks[name],
        loss: 'crossEntropy',
        optimizer: adam({ learningRate: 0.01 }),
        seed: 3,
        backend,
        ...options,
      });

    it.each(Object.keys(ways))('are the same bits as gathered ones: %s', async (way) => {
      const results = [];
      for (const options of [{}, gathered]) {
        const trainer = await trainerOf(options);
        const { history } = await trainer.fit(x, labels, ways[way]);
        results.push([history, flatWeights(trainer.getWeights())]);
        trainer.dispose();
      }
      expect(results[0]).toEqual(results[1]);
    });

    it('are the same bits as gathered ones: single batches', async () => {
      const results = [];
      for (const options of [{}, gathered]) {
        const trainer = await trainerOf(options);
        const losses = [3, 1, 16, 25].map(
          (rows) =>
            trainer.trainBatch(x.subarray(INPUTS, (1 + rows) * INPUTS), labels.subarray(1, 1 + rows)).loss,
        );
        results.push([losses, flatWeights(trainer.getWeights())]);
        trainer.dispose();
      }
      expect(results[0]).toEqual(results[1]);
    });
  });
});

describe('a training program', () => {
  const planOf = async (layers: Layers): Promise<string> => {
    const config = {
      inputs: 2,
      layers,
      loss: 'squaredError',
      optimizer: sgd({ learningRate: 0.1 }),
    } as const;
    const trainer = await createTrainer({ ...config, backend: 'reference' });
    const program = trainer.describePlan().split('\nprogram ')[1];
    trainer.dispose();
    return program;
  };

  it('may read rows in place that only its first products read', async () => {
    expect(await planOf([dense({ units: 300 })])).toContain('inPlace=1');
    expect(await planOf([dropout({ rate: 0.5 }), dense({ units: 300 })])).toContain('inPlace=0');
  });
});
