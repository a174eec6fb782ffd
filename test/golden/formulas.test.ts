import { describe, expect, it } from 'vitest';
import {
  type ActivationLike,
  activations,
  type BackendId,
  createTrainer,
  defineActivation,
  dense,
  type Inspection,
  jacobian,
  type LossName,
  type Matrix,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { goldenCase, goldenCases, goldenIds, trainerOf } from '../support/golden.js';

const identity = (size: number): number[][] =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_row, j) => Number(i === j)));

/** A layer that passes its inputs on as net inputs, so that a formula of z can be computed by itself. */
async function identityLayer(
  backend: BackendId,
  units: number,
  activation: ActivationLike,
  loss: LossName,
): Promise<Trainer> {
  const trainer = await createTrainer({
    inputs: units,
    layers: [dense({ units, activation, bias: false })],
    loss,
    reduction: 'sum',
    optimizer: sgd(),
    backend,
  });
  trainer.setWeights([{ weights: identity(units) }]);
  return trainer;
}

const precisionOf = (backend: BackendId): 'float64' | 'float32' =>
  backend === 'reference' ? 'float64' : 'float32';

function expectEach(
  what: string,
  received: ArrayLike<number>,
  expected: number[],
  allowed: (x: number) => number,
): void {
  expect(received.length).toBe(expected.length);
  expected.forEach((value, index) => {
    const message = `${what}[${index}]: received ${received[index]}, expected ${value}`;
    expect(Math.abs(received[index] - value), message).toBeLessThanOrEqual(allowed(value));
  });
}

describe.each(usableIds)('formulas of the textbooks on %s', (backend) => {
  const floats = backend === 'reference' ? 1e-13 : 1e-6;
  const close = (value: number): number => floats * Math.max(1, Math.abs(value));

  it.each(goldenIds('derivative'))('derivative: %s', async (id) => {
    const { inputs, expected, tolerance } = goldenCase(id);
    const { z, t, w } = inputs;
    const activation: ActivationLike = id.includes('exp-sum')
      ? defineActivation('shared', (net, e) => {
          const weighted = e.mul(e.perUnit(w), net);
          return e.exp(e.add(e.rowSum(e.mul(weighted, weighted)), 1));
        })
      : id.includes('exp-elementwise')
        ? defineActivation('elementwise', (net, e) => {
            const weighted = e.mul(e.perUnit(w), net);
            return e.exp(e.add(e.mul(weighted, weighted), 1));
          })
        : id.includes('sigmoid2z')
          ? defineActivation('sigmoid2z', (net, e) => e.sigmoid(e.mul(2, net)))
          : 'sigmoid';
    const loss = id.includes('halfsse') ? 'halfSquaredError' : 'crossEntropy';
    const trainer = await identityLayer(backend, z.length, activation, loss);
    const { layers, loss: total } = trainer.inspect([z], [t]);
    const allowed = (): number => tolerance[precisionOf(backend)];
    expectEach('z_hat', layers[0].output.data, expected.z_hat, allowed);
    expectEach('delta', (layers[0].delta as Matrix).data, expected.delta, allowed);
    expectEach('E', [total as number], [expected.E], allowed);
    trainer.dispose();
  });

  it('logistic loss and gradient at extreme logits', async () => {
    const { inputs, expected } = goldenCase('logistic-loss-stability');
    const trainer = await identityLayer(backend, 1, 'linear', 'binaryCrossEntropyWithLogits');
    inputs.y.forEach((y: number, column: number) => {
      const seen = trainer.inspect(
        inputs.z.map((z: number) => [z]),
        inputs.z.map(() => [y]),
      );
      const pick = (table: number[][]): number[] => table.map((row) => row[column]);
      expectEach('loss', seen.sampleLosses as Float64Array, pick(expected.loss), close);
      expectEach('gradient', (seen.layers[0].delta as Matrix).data, pick(expected.dloss_dz), close);
    });
    trainer.dispose();
  });

  it('softmax and cross-entropy at extreme logits', async () => {
    const { inputs, expected } = goldenCase('softmax-stability');
    const trainer = await identityLayer(backend, 3, 'softmax', 'crossEntropy');
    expectEach('softmax', trainer.predict(inputs.z).data, expected.softmax.flat(), close);
    [0, 1, 2].forEach((label) => {
      const labels = Int32Array.from(inputs.z, () => label);
      const wanted = expected.cross_entropy_for_each_true_class.map((row: number[]) => row[label]);
      expectEach(
        'cross-entropy',
        trainer.inspect(inputs.z, labels).sampleLosses as Float64Array,
        wanted,
        close,
      );
    });
    trainer.dispose();
  });

  const table = goldenCase('activation-table');
  const activationNames = Object.keys(table.expected) as string[];
  it.each(activationNames)('values and derivatives of %s', async (name) => {
    const { f, f_prime: derivative, z = table.inputs.z } = table.expected[name];
    const own = name.replace('custom:', '').replace('identity', 'linear') as 'tanh';
    const trainer = await identityLayer(backend, 1, own, 'halfSquaredError');
    const rows: number[][] = z.map((value: number) => [value]);
    // The sine of a float32 number near 1000 is that of another angle; exp beyond float32 is infinite.
    const inRange = (value: number, index: number): boolean =>
      backend === 'reference' || (Math.fround(z[index]) === z[index] && Math.abs(value) < 3e38);
    const received = trainer.inspect(rows).layers[0].output.data;
    f.forEach((value: number, index: number) => {
      if (inRange(value, index)) expectEach(`${name}(${z[index]})`, [received[index]], [value], close);
    });
    if (derivative === undefined) return;
    // With the target one below the output dE/dx is 1, and delta the derivative itself.
    const targets = Array.from(received, (x) => [Number.isFinite(x) ? x - 1 : 0]);
    const seen: Inspection = trainer.inspect(rows, targets);
    derivative.forEach((value: number, index: number) => {
      const gradient = (seen.layers[0].outputGradient as Matrix).data[index];
      if (!inRange(value, index) || gradient !== 1) return;
      expectEach(`${name}'(${z[index]})`, [(seen.layers[0].delta as Matrix).data[index]], [value], close);
    });
    trainer.dispose();
  });

  it('Jacobians of a sigmoid layer', async () => {
    const golden = goldenCase('sigmoid-layer-jacobians');
    const { expected, tolerance, inputs } = golden;
    const trainer = await trainerOf(golden, backend);
    const allowed = (): number => tolerance[precisionOf(backend)];
    const [row] = jacobian(trainer, inputs, { layer: 0 });
    expectEach('du/dx', jacobian(trainer, inputs)[0].data, expected.du_dx.flat(), allowed);
    expectEach('du/dz', row.netInput.data, expected.du_dz.flat(), allowed);
    expectEach('du/db', row.biases.data, expected.du_db.flat(), allowed);
    expectEach(
      'du/dW',
      row.weights.flatMap((one: Matrix) => Array.from(one.data)),
      expected.du_dW.flat(2),
      allowed,
    );
    trainer.dispose();
  });
});

describe('activations on their own', () => {
  const table = goldenCase('activation-table');
  it.each(Object.keys(table.expected))('%s', (name) => {
    const { f, f_prime: derivative, z = table.inputs.z } = table.expected[name];
    const own = activations[name.replace('custom:', '').replace('identity', 'linear') as 'tanh'];
    const allowed = (value: number): number => Math.max(1e-15, 1e-13 * Math.abs(value));
    expectEach('f', z.map(own.value), f, allowed);
    if (derivative) expectEach("f'", z.map(own.derivative), derivative, allowed);
    else expect(() => own.derivative(1)).toThrow('heaviside can only be used forward');
  });

  it('include the ones that mix rows', () => {
    const { inputs, expected } = goldenCase('softmax-stability');
    inputs.z.forEach((z: number[], row: number) => {
      expectEach('softmax', activations.softmax.value(z), expected.softmax[row], () => 1e-12);
      const log = activations.logSoftmax.value(z).map(Math.exp);
      expectEach('logSoftmax', log, expected.softmax[row], () => 1e-12);
    });
    expect(activations.softmax.derivative([0, 0])).toEqual([
      [0.25, -0.25],
      [-0.25, 0.25],
    ]);
  });
});

describe('architectures', () => {
  it('have the number of parameters of the textbooks', async () => {
    const counted = goldenCase('parameter-counts').expected as {
      layer_sizes: number[];
      n_parameters: number;
    }[];
    const drawn: typeof counted = goldenIds('architecture').flatMap((id) => {
      const { network, expected } = goldenCase(id);
      return network ? [{ layer_sizes: network.layer_sizes, n_parameters: expected.n_parameters }] : [];
    });
    for (const {
      layer_sizes: [inputs, ...units],
      n_parameters,
    } of [...counted, ...drawn]) {
      const layers = units.map((one) => dense({ units: one }));
      const trainer = await createTrainer({
        inputs,
        layers,
        loss: 'squaredError',
        optimizer: sgd(),
        backend: 'reference',
      });
      expect(trainer.parameterCount).toBe(n_parameters);
      trainer.dispose();
    }
  });
});

describe('the folder of golden cases', () => {
  it('is used whole: every kind has its test', () => {
    const kinds = ['train-step', 'gradient', 'forward', 'trajectory'];
    expect(goldenCases(...kinds).length).toBe(kinds.flatMap(goldenIds).length);
    const others = ['derivative', 'jacobian', 'scalar-table', 'decision', 'model-comparison', 'architecture'];
    expect([...kinds, ...others].flatMap(goldenIds).length).toBe(42);
  });
});
