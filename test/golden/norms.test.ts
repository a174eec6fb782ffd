import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Numbers } from '../../src/backends/backend.js';
import {
  adam,
  batchNorm,
  createTrainer,
  dense,
  type LayerConfig,
  type LayerWeights,
  type LayerWeightsLike,
  layerNorm,
  sgd,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree } from '../support/compare.js';

/** What a layer holds; null for what it has not. */
interface GoldenLayer {
  readonly weights: number[][] | null;
  readonly biases: number[] | null;
  readonly runningMean: number[] | null;
  readonly runningVariance: number[] | null;
}

interface Golden {
  readonly batchSize: number;
  readonly x: number[][];
  /** A network of fewer outputs takes the first. */
  readonly t: number[][];
  readonly cases: readonly {
    readonly name: string;
    readonly layers: readonly { readonly type: 'dense' | 'batchNorm' | 'layerNorm' }[];
    readonly optimizer: 'adam' | 'sgd';
    readonly learningRate: number;
    readonly before: readonly GoldenLayer[];
    /** Layers after some numbers of steps. */
    readonly after: Readonly<Record<string, readonly GoldenLayer[]>>;
    /** What is predicted for x then, with the running statistics. */
    readonly outputs: number[][];
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('norms.json', import.meta.url), 'utf8'));
const cases = golden.cases.map((one) => [`${one.name}, ${one.optimizer}`, one] as const);

const creators = { dense, batchNorm, layerNorm } as Record<string, (options: object) => LayerConfig>;
const layerOf = ({ type, ...options }: { readonly type: string }): LayerConfig => creators[type](options);

const given = ({ weights, biases, runningMean, runningVariance }: GoldenLayer): LayerWeightsLike => ({
  weights: weights ?? [],
  biases,
  ...(runningMean && runningVariance ? { runningMean, runningVariance } : {}),
});

const flat = (layer: GoldenLayer): number[] => [
  ...(layer.weights ?? []).flat(),
  ...(layer.biases ?? []),
  ...(layer.runningMean ?? []),
  ...(layer.runningVariance ?? []),
];
const flatReceived = ({ weights, biases, runningMean, runningVariance }: LayerWeights): number[] =>
  [weights.data, biases, runningMean, runningVariance].flatMap((numbers?: Numbers | null) => [
    ...(numbers ?? []),
  ]);

describe.each(usableIds)('ten steps of normalised networks on %s are those of PyTorch', (backend) => {
  // Inputs of a mean of a hundred times their deviation are rounded, and adam's first steps are the signs of gradients.
  const allowed = backend === 'reference' ? 1e-11 : 2e-4;

  it.each(cases)('%s', async (_, { layers, optimizer, learningRate, before, after, outputs }) => {
    const [{ length: units }] = outputs;
    const t = golden.t.map((row) => row.slice(0, units));
    const trainer = await createTrainer({
      inputs: golden.x[0].length,
      layers: layers.map(layerOf),
      loss: 'halfSquaredError',
      optimizer: optimizer === 'sgd' ? sgd({ learningRate }) : adam({ learningRate }),
      backend,
    });
    trainer.setWeights(before.map(given));
    const batches = Math.ceil(t.length / golden.batchSize);
    for (let step = 1; step <= 10; step++) {
      const begin = ((step - 1) % batches) * golden.batchSize;
      const rows = [begin, begin + golden.batchSize] as const;
      trainer.trainBatch(golden.x.slice(...rows), t.slice(...rows));
      const expected = after[step];
      if (!expected) continue;
      const received = trainer.getWeights();
      expected.forEach((layer, index) => {
        expectAgree(`layer ${index + 1} after ${step}`, flatReceived(received[index]), flat(layer), allowed);
      });
    }
    expectAgree('outputs', trainer.predict(golden.x).data, outputs.flat(), allowed);
    trainer.dispose();
  });
});

describe('golden normalisations', () => {
  it('end every epoch with a smaller batch', () => {
    expect(golden.x.length % golden.batchSize).toBeGreaterThan(1);
  });
});
