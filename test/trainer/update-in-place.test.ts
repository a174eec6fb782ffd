import { describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  type DenseLayer,
  type DenseOptions,
  dense,
  type Matrix,
  type Optimizer,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const INPUTS = 37;
const ROWS = 21;
const x = Float32Array.from({ length: ROWS * INPUTS }, (_, index) => Math.sin(3 * index));
const labels = Int32Array.from({ length: ROWS }, (_, row) => (row * 2) % 5);
const rate = { learningRate: 0.5 };

function optionsOf({ type: _, ...options }: DenseLayer): DenseOptions {
  return options;
}

/** Large, small, large without biases, small: only the large ones are updated in place. */
const layers: readonly DenseLayer[] = [
  dense({ units: 33, activation: 'tanh' }),
  dense({ units: 24, activation: 'mish' }),
  dense({ units: 47, activation: 'sigmoid', bias: false }),
  dense({ units: 5, activation: 'softmax' }),
];

const classifier = (
  backend: BackendId,
  optimizer: Optimizer = sgd(rate),
  others: Partial<TrainerConfig> = {},
): Promise<Trainer> =>
  createTrainer({ inputs: INPUTS, layers, loss: 'crossEntropy', optimizer, seed: 8, backend, ...others });

/** What needs the gradients of large layers, and layers whose update goes on in what follows it. */
const extras: readonly [string, Partial<TrainerConfig>, isInPlace: boolean][] = [
  ['clipping by value', { gradientClipping: { value: 1e-3 } }, false],
  ['clipping by norm', { gradientClipping: { norm: 0.01 } }, false],
  ['clipping by global norm', { gradientClipping: { globalNorm: 0.01 } }, false],
  ['l1', { layers: layers.map((layer) => dense({ ...optionsOf(layer), l1: 0.01 })) }, false],
  ['l2', { layers: layers.map((layer) => dense({ ...optionsOf(layer), l2: 0.1 })) }, false],
  ['max-norm', { layers: layers.map((layer) => dense({ ...optionsOf(layer), maxNorm: 0.5 })) }, true],
  ['averaging', { averaging: { decay: 0.5 } }, true],
];

/** The operations of a program, as they are printed. */
function programOf(trainer: Trainer, name: string): string[] {
  const lines = trainer.describePlan().split('\n');
  const begin = lines.indexOf(`program ${name}`);
  if (begin < 0) return [];
  const end = lines.indexOf('', begin);
  return lines.slice(begin + 1, end < 0 ? undefined : end).map((line) => line.trim());
}

describe('a step of plain sgd', () => {
  it('updates large layers in place and small ones from their gradient', async () => {
    const trainer = await classifier('reference');
    const train = programOf(trainer, 'trainLabels');
    const inPlace = train.filter((line) => line.endsWith('accumulate=1'));
    expect(inPlace.map((line) => /weightGradient=(\S+)/.exec(line)?.[1])).toEqual(['W3', 'W1']);
    const steps = train.filter((line) => line.startsWith('sgd_step'));
    expect(steps.map((line) => /parameters=(\S+)/.exec(line)?.[1])).toEqual(['W2', 'W4']);
    const kept = programOf(trainer, 'trainKeepingGradientsLabels');
    expect(kept).toEqual([...programOf(trainer, 'gradientsLabels'), ...programOf(trainer, 'update')]);
    trainer.dispose();
  });

  it.each(extras)('with %s', async (_, others, isInPlace) => {
    const trainer = await classifier('reference', sgd(rate), others);
    expect(trainer.describePlan().includes('accumulate=1')).toBe(isInPlace);
    trainer.dispose();
  });

  it('keeps the gradient with momentum or weight decay', async () => {
    for (const options of [{ momentum: 0.9 }, { weightDecay: 0.01 }]) {
      const trainer = await classifier('reference', sgd({ ...rate, ...options }));
      expect(trainer.describePlan()).not.toContain('accumulate=1');
      trainer.dispose();
    }
  });
});

describe.each(usableIds)('layers updated in place on %s', (backend) => {
  it.each([
    ['all trainable', []],
    ['the first frozen', [0]],
    ['a small one between large ones frozen', [1]],
    ['the last two frozen', [2, 3]],
  ])('end where gradients and update apart lead, %s', async (_, frozen) => {
    const [together, apart] = [await classifier(backend), await classifier(backend)];
    for (const layer of frozen) for (const trainer of [together, apart]) trainer.setTrainable(layer, false);
    const initial = together.getWeights();
    for (let step = 0; step < 5; step++) {
      const { loss } = apart.computeGradients(x, labels);
      apart.applyGradients();
      expect(together.trainBatch(x, labels).loss).toBeCloseTo(loss, 5);
    }
    expectAgree('weights', flatWeights(together.getWeights()), flatWeights(apart.getWeights()), 3e-6);
    const weightsOf = (trained: typeof initial, layer: number): Matrix => trained[layer].weights;
    initial.forEach((_, layer) => {
      const after = weightsOf(together.getWeights(), layer);
      if (frozen.includes(layer)) expect(after).toEqual(weightsOf(initial, layer));
      else expect(after).not.toEqual(weightsOf(initial, layer));
    });
    together.dispose();
    apart.dispose();
  });

  it.each(extras)('end there with %s', async (_, others) => {
    const create = (): Promise<Trainer> => classifier(backend, sgd(rate), others);
    const [plain, together, apart] = [await classifier(backend), await create(), await create()];
    for (let step = 0; step < 3; step++) {
      plain.trainBatch(x, labels);
      together.trainBatch(x, labels);
      apart.computeGradients(x, labels);
      apart.applyGradients();
    }
    const weights = flatWeights(together.getWeights());
    expectAgree('weights', weights, flatWeights(apart.getWeights()), 3e-6);
    if (!others.averaging) expect(weights).not.toEqual(flatWeights(plain.getWeights()));
    for (const trainer of [plain, together, apart]) trainer.dispose();
  });

  it('use the learning rate of the moment', async () => {
    const [together, apart] = [await classifier(backend), await classifier(backend)];
    together.trainBatch(x, labels, { learningRate: 0.125 });
    apart.setLearningRate(0.125);
    apart.computeGradients(x, labels);
    apart.applyGradients();
    expectAgree('weights', flatWeights(together.getWeights()), flatWeights(apart.getWeights()), 1e-6);
    together.dispose();
    apart.dispose();
  });

  it('have a gradient where a fit is to end by its norm', async () => {
    const trainer = await classifier(backend);
    let squares = 0;
    for (const gradient of flatWeights(trainer.computeGradients(x, labels).layers)) squares += gradient ** 2;
    const ends = async (gradientNormBelow: number): Promise<string> => {
      const copy = await classifier(backend);
      const options = { batchSize: ROWS, shuffle: false, stopWhen: { gradientNormBelow } };
      const { reason } = await copy.fit(x, labels, options);
      copy.dispose();
      return reason;
    };
    expect(await ends(1.0001 * Math.sqrt(squares))).toBe('gradientNormBelow');
    expect(await ends(0.9999 * Math.sqrt(squares))).toBe('completed');
    trainer.dispose();
  });
});
