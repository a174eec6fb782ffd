import { describe, expect, it } from 'vitest';
import { sigmoid } from '../../src/activations.js';
import type { ActivationName } from '../../src/index.js';
import { createTrainer, dense, sgd } from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { sweptFloats, worstError } from '../support/ulp.js';

/** Stated bound of exp, sigmoid and tanh, in units in the last place of float32. */
const BOUND_ULP = 4;
/** Where exp, sigmoid and tanh change their behaviour. */
const edges = [
  0, -0, 88.72283, 88.72284, -87.33654, -87.33655, -103.97, -104, 9.01, 0.625, 1e-38, 1e-40, 1000, -1000,
];

const functions: [ActivationName, (z: number) => number][] = [
  ['exp', Math.exp],
  ['sigmoid', sigmoid],
  ['tanh', Math.tanh],
];

describe.each(usableIds.filter((id) => id !== 'reference'))('accuracy on %s', (backend) => {
  it.each(functions)('%s is within 4 ulp everywhere', async (activation, exact) => {
    const x = sweptFloats(edges);
    const trainer = await createTrainer({
      inputs: 1,
      layers: [dense({ units: 1, activation, bias: false })],
      loss: 'squaredError',
      optimizer: sgd(),
      backend,
    });
    trainer.setWeights([{ weights: [1] }]);
    const { data } = trainer.predict(x);
    const worst = worstError(x, data, exact);
    expect(worst.ulp, JSON.stringify(worst)).toBeLessThanOrEqual(BOUND_ULP);
    trainer.dispose();
  });

  it('carries NaN and takes the limits exactly', async () => {
    const outputOf = async (activation: ActivationName, weight: number): Promise<number> => {
      const trainer = await createTrainer({
        inputs: 1,
        layers: [dense({ units: 1, activation, bias: false })],
        loss: 'squaredError',
        optimizer: sgd(),
        backend,
      });
      trainer.setWeights([{ weights: [weight] }]);
      const [value] = trainer.predict([3e38]).data;
      trainer.dispose();
      return value;
    };
    expect(await outputOf('exp', 10)).toBe(Number.POSITIVE_INFINITY);
    expect(await outputOf('exp', -10)).toBe(0);
    expect([await outputOf('sigmoid', 10), await outputOf('sigmoid', -10)]).toEqual([1, 0]);
    expect([await outputOf('tanh', 10), await outputOf('tanh', -10)]).toEqual([1, -1]);
    expect([await outputOf('relu', 10), await outputOf('heaviside', -10)]).toEqual([
      Number.POSITIVE_INFINITY,
      0,
    ]);
    expect(await outputOf('heaviside', -0)).toBe(1);
  });

  it.each<ActivationName>(['linear', 'sigmoid', 'tanh', 'relu', 'exp', 'softmax'])(
    '%s carries NaN on',
    async (activation) => {
      const trainer = await createTrainer({
        inputs: 1,
        layers: [dense({ units: 19, bias: false }), dense({ units: 19, activation })],
        loss: 'squaredError',
        optimizer: sgd(),
        backend,
      });
      const ones = new Float32Array(19).fill(3e38);
      const alternating = Float32Array.from({ length: 19 * 19 }, (_, index) =>
        index % 19 < 9 ? 3e38 : -3e38,
      );
      trainer.setWeights([{ weights: ones }, { weights: alternating, biases: new Float32Array(19) }]);
      expect(trainer.predict([3e38]).data.every(Number.isNaN)).toBe(true);
      trainer.dispose();
    },
  );
});
