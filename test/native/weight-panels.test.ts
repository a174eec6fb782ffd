import { describe, expect, it } from 'vitest';
import {
  adam,
  type BackendId,
  createTrainer,
  dense,
  type LayerWeights,
  type LayerWeightsLike,
  type Trainer,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { nativeIds } from '../support/backends.js';

const INPUTS = 512;
const UNITS = 513;
const random = new Random(7);
const ROWS = 40;
const inputs = Float32Array.from({ length: ROWS * INPUTS }, () => random.normal());
const labels = Int32Array.from({ length: ROWS }, () => random.integer(3));

const create = (backend: BackendId, threads = 1): Promise<Trainer> =>
  createTrainer({
    inputs: INPUTS,
    layers: [
      dense({ units: UNITS, activation: 'relu' }),
      dense({ units: UNITS, activation: 'gelu' }),
      dense({ units: 3, activation: 'softmax' }),
    ],
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: 0.01 }),
    seed: 1,
    backend,
    threads,
  });

/** So often that the large weights are laid out in panels. */
const OFTEN = 20;

const outputs = (trainer: Trainer): Float32Array => trainer.predict(inputs).data as Float32Array;

/** By a trainer of the same weights that has never predicted. */
async function expected(trainer: Trainer): Promise<Float32Array> {
  const other = await create(trainer.backend.id as BackendId);
  other.setWeights(trainer.getWeights());
  const result = outputs(other);
  other.dispose();
  return result;
}

const halved = ({ weights: { data, rows, columns }, biases }: LayerWeights): LayerWeightsLike => ({
  weights: { data: data.map((weight) => weight / 2), rows, columns },
  biases,
});

function predictOften(trainer: Trainer): Float32Array {
  for (let turn = 0; turn < OFTEN; turn++) outputs(trainer);
  return outputs(trainer);
}

describe.each(nativeIds)('weights in panels on %s', (backend) => {
  it.each([1, 2])('make the same bits as the weights themselves, with %i threads', async (threads) => {
    const trainer = await create(backend, threads);
    expect(predictOften(trainer)).toEqual(await expected(trainer));
    for (const rows of [1, 3, 4, 5, 12, 13]) {
      const some = inputs.subarray(0, rows * INPUTS);
      expect(trainer.predict(some).data).toEqual(outputs(trainer).subarray(0, rows * 3));
    }
    trainer.dispose();
  });

  it('are those of now after a step, a fit, new weights and another plan', async () => {
    const trainer = await create(backend);
    const changes: [string, () => unknown][] = [
      ['step', () => trainer.trainBatch(inputs, labels)],
      ['fit', () => trainer.fit(inputs, labels, { epochs: 2, batchSize: 8, shuffle: false })],
      ['weights', () => trainer.setWeights(trainer.getWeights().map(halved))],
      ['larger batch', () => trainer.evaluate(new Float32Array(300 * INPUTS), new Int32Array(300))],
    ];
    for (const [name, change] of changes) {
      const before = predictOften(trainer);
      await change();
      const after = outputs(trainer);
      if (name !== 'larger batch') expect(after, name).not.toEqual(before);
      expect(after, name).toEqual(await expected(trainer));
    }
    trainer.dispose();
  });

  it('are those of now between the epochs of a fit', async () => {
    const trainer = await create(backend);
    let seen: Float32Array | undefined;
    await trainer.fit(inputs, labels, {
      epochs: 4,
      batchSize: 8,
      callbacks: [
        {
          async onEpochEnd() {
            const now = predictOften(trainer);
            expect(now).toEqual(await expected(trainer));
            if (seen) expect(now).not.toEqual(seen);
            seen = now;
          },
        },
      ],
    });
    expect(outputs(trainer)).toEqual(await expected(trainer));
    trainer.dispose();
  });
});
