import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  dense,
  fitLbfgs,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const rows = 12;
const x = Float64Array.from({ length: rows * 3 }, (_, index) => Math.sin(index * index));
/** A linear function of the inputs, which one layer fits exactly. */
const wanted = [2, -1, 0.5, 3];
const t = Float64Array.from({ length: rows }, (_, row) => {
  return 2 * x[3 * row] - x[3 * row + 1] + 0.5 * x[3 * row + 2] + 3;
});

const create = (backend: BackendId, config: Partial<TrainerConfig> = {}): Promise<Trainer> =>
  createTrainer({
    inputs: 3,
    layers: [dense({ units: 1 })],
    loss: 'halfSquaredError',
    optimizer: sgd(),
    seed: 2,
    backend,
    ...config,
  });

describe.each(usableIds)('L-BFGS on %s', (backend) => {
  const exact = backend === 'reference';

  it('finds the least squares within a few iterations', async () => {
    const trainer = await create(backend);
    const { loss, iterations, evaluations } = await fitLbfgs(trainer, x, t);
    expectAgree('parameters', flatWeights(trainer.getWeights()), wanted, exact ? 1e-6 : 1e-3);
    expect(iterations).toBeLessThan(20);
    expect(evaluations).toBeGreaterThan(iterations);
    for (let index = 1; index < loss.length; index++)
      expect(loss[index]).toBeLessThanOrEqual(loss[index - 1]);
    expect(trainer.steps).toBe(0);
  });

  it('learns exclusive or, which plain descent takes thousands of steps for', async () => {
    const layers = [dense({ units: 4, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })];
    const trainer = await create(backend, { layers, loss: 'binaryCrossEntropy' });
    const inputs = [0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1];
    const { loss } = await fitLbfgs(trainer, inputs, [0, 1, 1, 0]);
    expect(loss.at(-1)).toBeLessThan(1e-2);
  });

  it('leaves frozen layers as they are', async () => {
    const layers = [dense({ units: 4, activation: 'tanh', trainable: false }), dense({ units: 1 })];
    const trainer = await create(backend, { layers });
    const before = trainer.getWeights();
    await fitLbfgs(trainer, x, t, { iterations: 3 });
    const after = trainer.getWeights();
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).not.toEqual(before[1]);
  });
});

describe('L-BFGS', () => {
  it('ends when it is aborted, at its best point', async () => {
    const trainer = await create('reference');
    const before = flatWeights(trainer.getWeights());
    const { reason, iterations } = await fitLbfgs(trainer, x, t, { signal: AbortSignal.abort() });
    expect([reason, iterations]).toEqual(['aborted', 0]);
    expect(flatWeights(trainer.getWeights())).toEqual(before);
  });

  it('without a search ends at the last point whose loss is a number', async () => {
    const trainer = await create('reference', { loss: 'squaredError' });
    const { loss, reason } = await fitLbfgs(trainer, x, t, { lineSearch: 'none', learningRate: 1e200 });
    expect(reason).toBe('lineSearch');
    expect(loss.every(Number.isFinite)).toBe(true);
    expect((await trainer.evaluate(x, t)).loss).toBeCloseTo(loss.at(-1) as number, 8);
    await expect(fitLbfgs(trainer, x, t, { lineSearch: 'armijo' as 'none' })).rejects.toThrow(
      "lineSearch must be one of weakWolfe, strongWolfe, none: received 'armijo'",
    );
  });

  it('refuses what belongs to steps', async () => {
    const trainer = await create('reference', { gradientClipping: { value: 1 } });
    await expect(fitLbfgs(trainer, x, t)).rejects.toThrow('clipping and averages must be off');
    await expect(fitLbfgs(trainer, x, t, { iterations: 0 })).rejects.toThrow(
      'iterations must be an integer >= 1',
    );
  });
});
