import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  type BackendId,
  createTrainer,
  dense,
  lion,
  nadam,
  type Optimizer,
  radam,
  rmsprop,
  rprop,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

interface Golden {
  readonly layers: readonly { readonly weights: number[][]; readonly biases: number[] }[];
  readonly x: number[][];
  readonly t: number[][];
  readonly cases: readonly {
    readonly type: Optimizer['type'];
    readonly options: Readonly<Record<string, number | boolean>>;
    /** All parameters after some numbers of steps. */
    readonly after: Readonly<Record<string, number[]>>;
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('optimizers.json', import.meta.url), 'utf8'));
const optimizers = { adadelta, adagrad, adam, adamax, adamw, lion, nadam, radam, rmsprop, rprop, sgd };

const trainerOf = (optimizer: Optimizer, backend: BackendId): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 2 })],
    loss: 'halfSquaredError',
    optimizer,
    backend,
  });

const cases = golden.cases.map((one) => [`${one.type} ${JSON.stringify(one.options)}`, one] as const);

describe.each(usableIds)('ten steps of every optimizer on %s are those of PyTorch', (backend) => {
  const allowed = backend === 'reference' ? 1e-13 : 1e-5;

  it.each(cases)('%s', async (_, { type, options, after }) => {
    const trainer = await trainerOf((optimizers[type] as (options: object) => Optimizer)(options), backend);
    trainer.setWeights(golden.layers);
    for (let step = 1; step <= 10; step++) {
      trainer.trainBatch(golden.x, golden.t);
      const expected = after[step];
      if (expected) expectAgree(`after ${step}`, flatWeights(trainer.getWeights()), expected, allowed);
    }
    trainer.dispose();
  });
});

describe('golden optimizers', () => {
  it('are all there are', () => {
    const types = new Set(golden.cases.map(({ type }) => type));
    expect([...types].sort()).toEqual(Object.keys(optimizers));
  });
});
