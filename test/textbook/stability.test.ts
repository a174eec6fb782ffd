import { describe, expect, it } from 'vitest';
import { activationNames } from '../../src/activation-choice.js';
import { createTrainer, dense, type Matrix, sgd } from '../../src/index.js';
import { usableIds } from '../support/backends.js';

const extremes = [-1000, -100, -20, -1e-6, -0, 0, 1e-6, 20, 100, 1000];

describe.each(usableIds)('net inputs up to 1000 on %s', (backend) => {
  it.each(activationNames)('%s stays a number, and so does its delta', async (activation) => {
    const trainer = await createTrainer({
      inputs: 2,
      layers: [dense({ units: 2, activation, bias: false })],
      loss: activation === 'heaviside' ? 'perceptron' : 'halfSquaredError',
      optimizer: sgd(),
      backend,
    });
    trainer.setWeights([
      {
        weights: [
          [1, 0],
          [0, 1],
        ],
      },
    ]);
    const rows = extremes.filter((z) => activation !== 'exp' || z < 50).map((z) => [z, 0.5]);
    const { layers, sampleLosses } = trainer.inspect(
      rows,
      rows.map(() => [0, 1]),
    );
    const [{ output, delta }] = layers;
    for (const numbers of [output.data, (delta as Matrix).data, sampleLosses as Float32Array]) {
      expect(Array.from(numbers).every(Number.isFinite), String(numbers)).toBe(true);
    }
    trainer.dispose();
  });
});
