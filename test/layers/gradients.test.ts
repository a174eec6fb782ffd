import { describe, expect, it } from 'vitest';
import {
  type ActivationLike,
  batchNorm,
  createTrainer,
  dense,
  dropout,
  gaussianNoise,
  gradientCheck,
  jacobian,
  type LayerConfig,
  type LossName,
  layerNorm,
  Matrix,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const ROWS = 7;
const x = Float32Array.from({ length: ROWS * 4 }, (_, index) => Math.sin(2.3 * index) + 0.3);
const t = Float32Array.from({ length: ROWS * 3 }, (_, index) => Math.abs(Math.cos(1.1 * index)));

const out = (activation: ActivationLike = 'linear'): LayerConfig => dense({ units: 3, activation });

/** Layers next to each other in every way that is lowered differently. */
const stacks: Readonly<Record<string, readonly LayerConfig[]>> = {
  'dropout on the inputs': [dropout({ rate: 0.3 }), dense({ units: 5, activation: 'tanh' }), out()],
  'noise on the inputs': [gaussianNoise({ stddev: 0.5 }), dense({ units: 5, activation: 'tanh' }), out()],
  'dropout after an activation': [dense({ units: 6, activation: 'tanh' }), dropout({ rate: 0.4 }), out()],
  'dropout after a traced activation': [
    dense({ units: 6, activation: 'gelu' }),
    dropout({ rate: 0.4 }),
    out('softmax'),
  ],
  'dropout after softmax': [dense({ units: 6, activation: 'softmax' }), dropout({ rate: 0.2 }), out('tanh')],
  'two masks': [
    dense({ units: 6, activation: 'sigmoid' }),
    gaussianNoise({ stddev: 0.1 }),
    dropout({ rate: 0.2 }),
    dense({ units: 4, activation: 'tanh' }),
    dropout({ rate: 0.3 }),
    out(),
  ],
  'batchNorm between dense layers': [dense({ units: 5 }), batchNorm({ activation: 'tanh' }), out('softmax')],
  'batchNorm on the inputs and of the outputs': [batchNorm(), out(), batchNorm({ activation: 'softmax' })],
  'batchNorm of activations': [dense({ units: 5, activation: 'tanh' }), batchNorm(), out()],
  'batchNorm of a traced activation, with one of its own': [
    dense({ units: 5, activation: 'gelu' }),
    batchNorm({ activation: 'mish', scale: false }),
    dropout({ rate: 0.2 }),
    batchNorm({ center: false, activation: 'softmax' }),
    out(),
  ],
  'batchNorm without parameters': [dense({ units: 5 }), batchNorm({ scale: false, center: false }), out()],
  'a frozen batchNorm': [dense({ units: 5 }), batchNorm({ trainable: false, activation: 'tanh' }), out()],
  'layerNorm between dense layers': [dense({ units: 5 }), layerNorm({ activation: 'tanh' }), out('sigmoid')],
  'layerNorm on the inputs and of the outputs': [layerNorm(), out(), layerNorm({ activation: 'softmax' })],
  'layerNorm with masks about it': [
    dense({ units: 6, activation: 'tanh' }),
    dropout({ rate: 0.2 }),
    layerNorm({ scale: false, activation: 'gelu' }),
    gaussianNoise({ stddev: 0.2 }),
    layerNorm({ center: false }),
    out(),
  ],
};

const create = (
  layers: readonly LayerConfig[],
  backend: string = 'reference',
  loss: LossName = 'meanSquaredError',
): Promise<Trainer> =>
  createTrainer({ inputs: 4, layers, loss, optimizer: sgd(), seed: 4, backend } as Parameters<
    typeof createTrainer
  >[0]);

/** Parameters of which none is 0 or 1. */
function perturb(trainer: Trainer): void {
  const weights = trainer.getWeights();
  weights.forEach(({ weights: { data }, biases, runningMean, runningVariance }, layer) => {
    for (const [turn, numbers] of [data, biases, runningMean, runningVariance].entries()) {
      numbers?.forEach((value, index) => {
        numbers[index] = value + 0.3 * Math.sin(5 * index + layer + turn);
      });
    }
  });
  trainer.setWeights(weights);
}

describe('gradients of a training step', () => {
  it.each(Object.keys(stacks))('%s: agree with differences of the loss of the same masks', async (name) => {
    const trainer = await create(stacks[name]);
    perturb(trainer);
    trainer.computeGradients(x, t);
    const before = trainer.snapshot();
    const { layers } = trainer.computeGradients(x, t);
    const lossWith = (layer: number, kind: 'weights' | 'biases', index: number, step: number): number => {
      trainer.restore(before);
      const weights = trainer.getWeights();
      const numbers = kind === 'weights' ? weights[layer].weights.data : weights[layer].biases;
      (numbers as Float64Array)[index] += step;
      trainer.setWeights(weights);
      return trainer.computeGradients(x, t).loss;
    };
    let checked = 0;
    layers.forEach(({ weights, biases }, layer) => {
      if (!trainer.layers[layer].trainable) return;
      for (const [kind, gradients] of [
        ['weights', weights.data],
        ['biases', biases ?? []],
      ] as const) {
        for (let index = 0; index < gradients.length; index++) {
          const rise = lossWith(layer, kind, index, 1e-5) - lossWith(layer, kind, index, -1e-5);
          expect(gradients[index], `${kind}[${index}] of layer ${layer + 1}`).toBeCloseTo(rise / 2e-5, 6);
          checked++;
        }
      }
    });
    expect(checked).toBeGreaterThan(15);
    trainer.dispose();
  });

  it.each(usableIds.filter((id) => id !== 'reference'))('are the same on %s', async (backend) => {
    for (const [name, layers] of Object.entries(stacks)) {
      const [trainer, reference] = [await create(layers, backend), await create(layers)];
      for (let step = 0; step < 3; step++) {
        const [own, wanted] = [trainer, reference].map((one) => one.computeGradients(x, t).layers);
        expectAgree(name, flatWeights(own), flatWeights(wanted), 2e-4);
        trainer.trainBatch(x, t);
        reference.trainBatch(x, t);
      }
      expectAgree(
        `${name}: weights`,
        flatWeights(trainer.getWeights()),
        flatWeights(reference.getWeights()),
        1e-4,
      );
      trainer.dispose();
      reference.dispose();
    }
  });
});

describe('gradients of an inspection', () => {
  it.each(Object.keys(stacks))('%s: agree with differences, for all rows and for each', async (name) => {
    const trainer = await create(stacks[name]);
    perturb(trainer);
    const { passed, error, count } = await gradientCheck(trainer, x, t);
    expect(error).toBeLessThan(1e-6);
    expect(passed && count > 15).toBe(true);
    const { layers, sampleGradients } = trainer.inspect(x, t, { sampleGradients: true });
    layers.forEach(({ weightGradient, biasGradient }, layer) => {
      const sums = new Float64Array(weightGradient?.data.length ?? 0);
      for (const one of sampleGradients ?? [])
        one[layer].weights.data.forEach((g, at) => {
          sums[at] += g;
        });
      expectAgree(`weights ${layer}`, sums, weightGradient?.data ?? [], 1e-9);
      expect(biasGradient === null).toBe(sampleGradients?.[0][layer].biases === null);
    });
    trainer.dispose();
  });

  it.each(Object.keys(stacks))('%s: the Jacobian agrees with differences of predictions', async (name) => {
    const trainer = await create(stacks[name]);
    perturb(trainer);
    const row = x.slice(0, 4);
    const [own] = jacobian(trainer, row);
    const outputsWith = (column: number, step: number): Matrix => {
      const moved = Float64Array.from(row);
      moved[column] += step;
      return trainer.predict(new Matrix(moved, 1, 4));
    };
    for (let column = 0; column < 4; column++) {
      const [up, down] = [outputsWith(column, 1e-5), outputsWith(column, -1e-5)];
      for (let k = 0; k < 3; k++)
        expect(own.row(k)[column]).toBeCloseTo((up.data[k] - down.data[k]) / 2e-5, 6);
    }
    const weights = trainer.getWeights();
    for (let layer = 0; layer < weights.length; layer++) {
      const [{ weights: byWeight }] = jacobian(trainer, row, { layer });
      const { data } = weights[layer].weights;
      for (let index = 0; index < data.length; index++) {
        const original = data[index];
        const predicted = [1e-5, -1e-5].map((step) => {
          data[index] = original + step;
          trainer.setWeights(weights);
          return trainer.predict(row).data;
        });
        data[index] = original;
        for (let k = 0; k < 3; k++)
          expect(byWeight[k].data[index]).toBeCloseTo((predicted[0][k] - predicted[1][k]) / 2e-5, 6);
      }
      trainer.setWeights(weights);
    }
    trainer.dispose();
  });
});
