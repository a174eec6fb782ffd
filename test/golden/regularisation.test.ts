import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  type DenseOptions,
  dense,
  type FitOptions,
  oneHot,
  sgd,
  type TargetsLike,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

interface Golden {
  readonly layers: readonly { readonly weights: number[][]; readonly biases: number[] }[];
  readonly x: number[][];
  readonly labels: number[];
  readonly weights: number[];
  readonly cases: Readonly<Record<string, { readonly loss: number; readonly parameters: number[] }>>;
}

const golden: Golden = JSON.parse(readFileSync(new URL('regularisation.json', import.meta.url), 'utf8'));
const labels = Int32Array.from(golden.labels);
const rows = oneHot(golden.labels, 3);

interface Setting {
  readonly config?: Partial<TrainerConfig>;
  readonly layer?: Partial<DenseOptions>;
  readonly fit?: FitOptions;
}

const sampleWeight = golden.weights;
const settings: Readonly<Record<string, Setting>> = {
  plain: {},
  value: { config: { gradientClipping: { value: 0.02 } } },
  globalNorm: { config: { gradientClipping: { globalNorm: 0.1 } } },
  norm: { config: { gradientClipping: { norm: 0.1 } } },
  penalties: { layer: { l1: 0.01, l2: 0.1 } },
  penaltiesPerRow: { layer: { l1: 0.01, l2: 0.1, penaltyPerRow: true } },
  maxNorm: { layer: { maxNorm: 0.5 } },
  smoothing: { config: { labelSmoothing: 0.2 } },
  sampleWeight: { fit: { sampleWeight } },
  classWeight: { fit: { classWeight: { 0: 2, 1: 0.5 } } },
  balanced: { fit: { classWeight: 'balanced' } },
  both: { fit: { classWeight: 'balanced', sampleWeight } },
  accumulate: { fit: { accumulateBatches: 3, batchSize: 2 } },
  accumulateClipped: {
    config: { gradientClipping: { globalNorm: 0.1 } },
    fit: { accumulateBatches: 3, batchSize: 2 },
  },
  accumulateWeighted: { fit: { accumulateBatches: 3, batchSize: 2, sampleWeight } },
  average: { config: { averaging: { decay: 0.9 } } },
};

async function create(backend: BackendId, { config, layer }: Setting): Promise<Trainer> {
  const trainer = await createTrainer({
    inputs: 3,
    layers: [
      dense({ units: 4, activation: 'tanh', ...layer }),
      dense({ units: 3, activation: 'softmax', ...layer }),
    ],
    loss: 'crossEntropy',
    optimizer: sgd({ learningRate: 0.5, momentum: 0.9 }),
    backend,
    ...config,
  });
  trainer.setWeights(golden.layers);
  return trainer;
}

const parametersOf = (trainer: Trainer, name: string): number[] =>
  flatWeights(name === 'average' ? trainer.averageWeights() : trainer.getWeights());

const names = Object.keys(golden.cases);

describe.each(usableIds)('five steps on %s are those of PyTorch', (backend) => {
  const allowed = backend === 'reference' ? 1e-13 : 1e-5;

  it.each(names.flatMap((name) => [[name, 'labels', labels] as const, [name, 'rows', rows] as const]))(
    '%s by fit, targets as %s',
    async (name, _, t: TargetsLike) => {
      const setting = settings[name];
      const trainer = await create(backend, setting);
      const { loss, parameters } = golden.cases[name];
      const { sampleWeight, classWeight, accumulateBatches } = setting.fit ?? {};
      if (!accumulateBatches) {
        const evaluated = await trainer.evaluate(golden.x, t, { sampleWeight, classWeight });
        expectAgree('loss', [evaluated.loss], [loss], allowed);
      }
      const history = await trainer.fit(golden.x, t, {
        batchSize: 6,
        shuffle: false,
        epochs: 5,
        ...setting.fit,
      });
      if (!accumulateBatches) expectAgree('loss', [history.history.loss[0]], [loss], allowed);
      expectAgree('parameters', parametersOf(trainer, name), parameters, allowed);
      expect(trainer.steps).toBe(5);
      trainer.dispose();
    },
  );

  it.each(names.filter((name) => !settings[name].fit?.accumulateBatches))(
    '%s by trainBatch',
    async (name) => {
      const setting = settings[name];
      const trainer = await create(backend, setting);
      const { loss, parameters } = golden.cases[name];
      for (let step = 0; step < 5; step++) {
        const trained = trainer.trainBatch(golden.x, labels, setting.fit);
        if (step === 0) expectAgree('loss', [trained.loss], [loss], allowed);
      }
      expectAgree('parameters', parametersOf(trainer, name), parameters, allowed);
      trainer.dispose();
    },
  );
});

it('every golden case has its setting', () => {
  expect(Object.keys(settings)).toEqual(names);
});
