import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadFurther } from '../../src/further.js';
import {
  adam,
  createTrainer,
  type DenseOptions,
  dense,
  nadam,
  type Optimizer,
  type Preset,
  rmsprop,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { createModel } from '../../src/model.js';
import { checkOptimizer } from '../../src/optimizers.js';
import { expectAgree, flatWeights } from '../support/compare.js';

interface Golden {
  readonly layers: readonly { readonly weights: number[][]; readonly biases: number[] }[];
  readonly x: number[][];
  readonly labels: number[];
  readonly cases: readonly {
    readonly type: 'sgd' | 'adam';
    readonly options: object;
    readonly parameters: number[];
  }[];
}

interface Spread {
  readonly largest: number;
  readonly variance: number;
}

interface LibraryDefaults {
  readonly optimizers: Readonly<Record<string, Readonly<Record<string, number | boolean>>>>;
  /** Of layers by their activation. */
  readonly layers: Readonly<Record<string, { readonly weights: Spread; readonly biases: Spread }>>;
}

interface Defaults {
  readonly inputs: number;
  readonly units: number;
  readonly torch: LibraryDefaults;
  readonly sklearn: LibraryDefaults & { readonly l2: number };
}

const defaults: Defaults = JSON.parse(readFileSync(new URL('defaults.json', import.meta.url), 'utf8'));

await loadFurther();

const golden: Golden = JSON.parse(readFileSync(new URL('presets.json', import.meta.url), 'utf8'));

const create = (
  preset: Preset | undefined,
  optimizer: Optimizer,
  layer: Partial<DenseOptions> = {},
): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [
      dense({ units: 4, activation: 'tanh', ...layer }),
      dense({ units: 3, activation: 'softmax', ...layer }),
    ],
    loss: 'crossEntropy',
    optimizer,
    seed: 1,
    backend: 'reference',
    preset,
  });

describe("preset 'sklearn'", () => {
  it.each(golden.cases)(
    'trains like MLPClassifier with $type $options',
    async ({ type, options, parameters }) => {
      const trainer = await create('sklearn', { sgd, adam }[type](options));
      trainer.setWeights(golden.layers);
      await trainer.fit(golden.x, Int32Array.from(golden.labels), {
        epochs: 2,
        batchSize: 4,
        shuffle: false,
      });
      // Its adam divides by sqrt(v) + epsilon before the correction of v, which makes epsilon a larger share at first.
      const allowed = type === 'adam' ? 1e-6 : 1e-12;
      expectAgree('parameters', flatWeights(trainer.getWeights()), parameters, allowed);
    },
  );
});

describe.each(['torch', 'sklearn'] as const)("preset '%s' has the library's", (preset) => {
  const { inputs, units } = defaults;
  const { optimizers, layers } = defaults[preset];

  it.each(Object.keys(optimizers))('numbers of %s', (type) => {
    expect(checkOptimizer('Cannot check', { type }, preset)).toMatchObject(optimizers[type]);
  });

  it.each(Object.keys(layers))('initial parameters of a %s layer', async (activation) => {
    const trainer = await createTrainer({
      inputs,
      layers: [dense({ units, activation: activation as 'relu' })],
      loss: 'halfSquaredError',
      optimizer: sgd(),
      seed: 1,
      backend: 'reference',
      preset,
    });
    const [{ weights, biases }] = trainer.getWeights();
    for (const [drawn, { largest, variance }] of [
      [weights.data, layers[activation].weights],
      [biases!, layers[activation].biases],
    ] as const) {
      const numbers = Array.from(drawn);
      const most = numbers.reduce((so, value) => Math.max(so, Math.abs(value)), 0);
      const squares = numbers.reduce((sum, value) => sum + value * value, 0) / numbers.length;
      // Of 2048 numbers uniform in an interval the largest comes as near to its end as this, seldom nearer.
      expect(most / largest).toBeCloseTo(1, 2);
      expect(squares / variance).toBeCloseTo(1, 1);
    }
  });
});

it("preset 'sklearn' has the library's penalty, torch none", () => {
  const penalty = (preset: Preset): number =>
    createModel({
      inputs: 3,
      layers: [dense({ units: 2 })],
      loss: 'halfSquaredError',
      optimizer: sgd(),
      preset,
    }).layers[0].l2;
  expect([penalty('sklearn'), penalty('torch')]).toEqual([defaults.sklearn.l2, 0]);
});

describe('a preset', () => {
  const trained = async (preset: Preset | undefined, optimizer: Optimizer): Promise<number[]> => {
    const trainer = await create(preset, optimizer);
    trainer.setWeights(golden.layers);
    for (let step = 0; step < 3; step++) trainer.trainBatch(golden.x, Int32Array.from(golden.labels));
    return flatWeights(trainer.getWeights());
  };

  it.each<[string, Optimizer, Optimizer]>([
    ['adam', adam(), adam({ epsilon: 1e-7 })],
    ['rmsprop', rmsprop(), rmsprop({ learningRate: 1e-3, decay: 0.9, epsilon: 1e-7 })],
    [
      'nadam',
      nadam({ beta1: 0.8 }),
      nadam({ beta1: 0.8, learningRate: 1e-3, epsilon: 1e-7, momentumDecay: 1 }),
    ],
    ['sgd', sgd({ learningRate: 0.3 }), sgd({ learningRate: 0.3 })],
  ])('keras fills in what %s leaves out', async (_, short, long) => {
    expect(await trained('keras', short)).toEqual(await trained(undefined, long));
  });

  it('does not touch what was given, even if it is the usual default', async () => {
    const optimizer = adam({ epsilon: 1e-8 });
    expect(await trained('keras', optimizer)).toEqual(await trained(undefined, adam()));
    const [trainer, wanted] = await Promise.all([
      create('torch', adam(), { initializer: 'heNormal', biasInitializer: 'zeros' }),
      create(undefined, adam(), { initializer: 'heNormal' }),
    ]);
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(wanted.getWeights()));
  });

  it.each<[Preset, DenseOptions['initializer'], DenseOptions['biasInitializer']]>([
    ['torch', 'fanInUniform', 'fanInUniform'],
    ['keras', 'glorotUniform', 'zeros'],
  ])('%s sets how parameters begin', async (preset, initializer, biasInitializer) => {
    const [trainer, wanted] = await Promise.all([
      create(preset, adam()),
      create(undefined, adam(), { initializer, biasInitializer }),
    ]);
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(wanted.getWeights()));
  });

  it('must be known', async () => {
    await expect(create('jax' as Preset, adam())).rejects.toThrow(
      "Cannot create trainer: preset must be one of torch, keras, sklearn: received 'jax'",
    );
  });
});
