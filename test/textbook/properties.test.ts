import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/expression/evaluate.js';
import {
  type ActivationLike,
  createTrainer,
  defineActivation,
  dense,
  gradientCheck,
  type LossName,
  sgd,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { usableIds } from '../support/backends.js';
import { expectAgree } from '../support/compare.js';
import { smoothFunctions } from '../support/traceable.js';

const builtIn = fc.constantFrom<ActivationLike>(
  ...([
    'linear',
    'sigmoid',
    'tanh',
    'softmax',
    'gelu',
    'silu',
    'mish',
    'gaussian',
    'sine',
    'logSoftmax',
  ] as const),
);
const activation = fc.oneof(
  builtIn,
  smoothFunctions(true).map((fn): ActivationLike => defineActivation('random', fn)),
);
const layer = fc.record({ units: fc.integer({ min: 1, max: 6 }), activation, bias: fc.boolean() });

/** Networks of any depth, with losses that take any output. */
const network = fc.record({
  inputs: fc.integer({ min: 1, max: 6 }),
  layers: fc.array(layer, { minLength: 1, maxLength: 3 }),
  loss: fc.constantFrom<LossName>('halfSquaredError', 'squaredError', 'meanSquaredError', 'huber', 'logCosh'),
  reduction: fc.constantFrom('sum', 'mean'),
  rows: fc.integer({ min: 1, max: 5 }),
  seed: fc.nat(),
});

const drawn = (seed: number, length: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => 2 * random.uniform() - 1);
};

describe.each(usableIds)('random networks on %s', (backend) => {
  it('have the gradients of their finite differences', async () => {
    await fc.assert(
      fc.asyncProperty(network, async ({ inputs, layers, rows, seed, ...rest }) => {
        const trainer = await createTrainer({
          ...rest,
          inputs,
          layers: layers.map(dense),
          optimizer: sgd(),
          seed,
          backend,
        });
        const x = drawn(seed, rows * inputs);
        const t = drawn(seed + 1, rows * layers[layers.length - 1].units);
        const { layers: seen } = trainer.inspect(x);
        fc.pre(seen.every(({ output }) => output.data.every((value) => Math.abs(value) < 20)));
        const { passed, error, worst } = await gradientCheck(trainer, x, t, {
          tolerance: backend === 'reference' ? 1e-5 : 1e-2,
        });
        trainer.dispose();
        expect(passed, JSON.stringify({ error, worst })).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('compute traced functions as they are evaluated plainly', async () => {
    await fc.assert(
      fc.asyncProperty(smoothFunctions(true), fc.nat(), async (fn, seed) => {
        const traced = defineActivation('random', fn);
        const trainer = await createTrainer({
          inputs: 3,
          layers: [dense({ units: 3, activation: traced, bias: false })],
          loss: 'squaredError',
          optimizer: sgd(),
          backend,
        });
        trainer.setWeights([{ weights: [1, 0, 0, 0, 1, 0, 0, 0, 1] }]);
        const x = drawn(seed, 15);
        const rows = Array.from({ length: 5 }, (_, row) => Array.from(x.subarray(3 * row, 3 * row + 3)));
        const wanted = evaluate(traced.forward, { netInput: rows }).flat();
        const scale = Math.max(1, ...wanted.map(Math.abs));
        fc.pre(scale < 1e4);
        expectAgree('outputs', trainer.predict(x).data, wanted, 1e-4, scale);
        trainer.dispose();
      }),
      { numRuns: 100 },
    );
  });
});
