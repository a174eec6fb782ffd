import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTrainer, dense, fitLbfgs, type LbfgsOptions, sgd } from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

interface Golden {
  readonly layers: readonly { readonly weights: number[][]; readonly biases: number[] }[];
  readonly x: number[][];
  readonly t: number[][];
  readonly cases: readonly {
    readonly options: LbfgsOptions;
    readonly after: readonly {
      readonly iterations: number;
      readonly evaluations: number;
      readonly loss: number;
      readonly parameters: number[];
    }[];
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('lbfgs.json', import.meta.url), 'utf8'));
const cases = golden.cases.map((one) => [JSON.stringify(one.options), one] as const);

describe.each(usableIds)('L-BFGS on %s goes the way of PyTorch', (backend) => {
  const isExact = backend === 'reference';

  it.each(cases)('%s', async (_, { options, after }) => {
    const trainer = await createTrainer({
      inputs: 3,
      layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 2 })],
      loss: 'halfSquaredError',
      optimizer: sgd(),
      backend,
    });
    for (const { iterations, evaluations, loss, parameters } of after) {
      // A rounding of float32 may decide a search otherwise, from which on the ways part.
      if (!isExact && iterations > 2) continue;
      trainer.setWeights(golden.layers);
      const tolerances = { gradientTolerance: 0, lossTolerance: 0 };
      const run = await fitLbfgs(trainer, golden.x, golden.t, { ...options, ...tolerances, iterations });
      expectAgree(
        `after ${iterations}`,
        flatWeights(trainer.getWeights()),
        parameters,
        isExact ? 1e-9 : 1e-3,
      );
      expect(run.loss.at(-1)).toBeCloseTo(loss, isExact ? 8 : 3);
      // Without a search PyTorch leaves out the last evaluation.
      if (isExact) expect(run.evaluations).toBe(evaluations + Number(options.lineSearch === 'none'));
    }
    trainer.dispose();
  });
});
