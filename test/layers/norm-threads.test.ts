import { describe, expect, it } from 'vitest';
import { adam, type BackendId, batchNorm, createTrainer, dense, layerNorm } from '../../src/index.js';
import { Random } from '../../src/random.js';
import { usableIds } from '../support/backends.js';

const INPUTS = 64;
const ROWS = 500;
const random = new Random(9);
const x = Float32Array.from({ length: ROWS * INPUTS }, () => 3 + random.uniform());
const labels = Int32Array.from({ length: ROWS }, () => random.integer(10));

/** Every number that training makes. */
async function train(backend: BackendId, threads: number): Promise<number[]> {
  const trainer = await createTrainer({
    inputs: INPUTS,
    layers: [
      batchNorm(),
      dense({ units: 515 }),
      batchNorm({ activation: 'relu' }),
      dense({ units: 387 }),
      layerNorm({ activation: 'tanh' }),
      dense({ units: 10, activation: 'softmax' }),
    ],
    loss: 'crossEntropy',
    optimizer: adam(),
    ...{ seed: 3, backend, threads },
  });
  const { history } = await trainer.fit(x, labels, { epochs: 4, batchSize: 230 });
  const layers = trainer
    .getWeights()
    .flatMap(({ weights, biases, runningMean, runningVariance }) => [
      ...weights.data,
      ...[biases, runningMean, runningVariance].flatMap((numbers) => [...(numbers ?? [])]),
    ]);
  const numbers = [...history.loss, ...layers, ...trainer.predict(x).data];
  trainer.dispose();
  return numbers;
}

describe.each(usableIds.filter((id) => id !== 'reference'))('normalised networks on %s', (backend) => {
  it('train to the same bits on any number of threads', async () => {
    const alone = await train(backend, 1);
    expect(alone.every(Number.isFinite)).toBe(true);
    for (const threads of [2, 3]) {
      const shared = await train(backend, threads);
      expect(shared.findIndex((value, index) => !Object.is(value, alone[index]))).toBe(-1);
    }
  });
});
