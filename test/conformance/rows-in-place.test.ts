import { describe, expect, it } from 'vitest';
import {
  adam,
  type BackendId,
  batchNorm,
  createTrainer,
  dense,
  dropout,
  type TrainerConfig,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { reports } from '../support/backends.js';

const backends = reports.filter(({ usable }) => usable).map(({ id }) => id);

const networks: Record<string, (inputs: number) => Pick<TrainerConfig, 'layers' | 'inputTransform'>> = {
  'a dense layer first': () => ({
    layers: [dense({ units: 37, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
  }),
  'few units': () => ({ layers: [dense({ units: 3, activation: 'softmax' })] }),
  'dropout first': () => ({
    layers: [
      dropout({ rate: 0.5 }),
      dense({ units: 65, activation: 'relu' }),
      dense({ units: 3, activation: 'softmax' }),
    ],
  }),
  'a norm first': () => ({ layers: [batchNorm(), dense({ units: 3, activation: 'softmax' })] }),
  'a transform': (inputs) => ({
    inputTransform: { scale: Float64Array.from({ length: inputs }, (_, column) => 0.5 + column) },
    layers: [dense({ units: 5, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
  }),
};

/** Rows of floats, which may be read where they lie, and rows of float64, which are always gathered. */
function rowsOf(count: number, columns: number, filled: number) {
  const random = new Random(count);
  // Off every boundary but that of a float.
  const floats = new Float32Array(count * columns + 1).subarray(1);
  for (let index = 0; index < floats.length; index++) {
    const value = random.uniform() * 2 - 1;
    floats[index] = random.uniform() < filled ? value : 0;
  }
  return { floats, doubles: Float64Array.from(floats) };
}

describe.each(backends)('%s', (backend: BackendId) => {
  describe.each(Object.entries(networks))('with %s', (_, network) => {
    it.each([
      [1, 7, 1, 1],
      [65, 129, 1, 1],
      [300, 40, 1, 2],
      [520, 200, 0.15, 2],
    ])(
      '%i rows of %i columns (share filled %d, %i threads) give the bits that gathered rows give',
      async (count, inputs, filled, threads) => {
        const trainer = await createTrainer({
          ...network(inputs),
          ...{ inputs, loss: 'crossEntropy', optimizer: adam(), seed: 7, backend, threads },
        });
        const { floats, doubles } = rowsOf(count, inputs, filled);
        const labels = Int32Array.from({ length: count }, (__, row) => row % 3);
        const outputs = trainer.predict(doubles);
        // Gathers whatever the backend has made of its rows.
        expect(trainer.inspect(floats).layers.at(-1)?.output.toArrays()).toEqual(outputs.toArrays());
        expect(trainer.predict(floats)).toEqual(outputs);
        expect(await trainer.predictAsync(floats)).toEqual(outputs);
        const metrics = await trainer.evaluate(doubles, labels);
        expect(await trainer.evaluate(floats, labels)).toEqual(metrics);
        expect(trainer.predict(floats.subarray(0, inputs)).data).toEqual(outputs.data.subarray(0, 3));
        trainer.dispose();
      },
    );
  });
});
