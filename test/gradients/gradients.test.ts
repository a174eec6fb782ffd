import { describe, expect, it } from 'vitest';
import {
  type ActivationLike,
  type ActivationName,
  type BackendId,
  createTrainer,
  defineActivation,
  defineLoss,
  dense,
  type Inspection,
  type LossLike,
  type LossName,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { usableIds } from '../support/backends.js';
import { expectAgree } from '../support/compare.js';
import { tolerance } from '../support/tolerances.js';

interface Pair {
  readonly loss: LossLike;
  readonly output: ActivationLike;
  readonly hidden: ActivationLike;
}

const fused: ActivationName[] = ['linear', 'sigmoid', 'tanh', 'relu', 'exp', 'softmax'];
const traced: ActivationName[] = [
  ...(['leakyRelu', 'elu', 'selu', 'gelu', 'geluTanh', 'silu', 'mish', 'softplus', 'softsign'] as const),
  ...(['hardSigmoid', 'hardTanh', 'gaussian', 'sine', 'logSoftmax'] as const),
];

/** Output activations whose values lie in the domain of a loss. */
const outputsOf: Readonly<Record<Exclude<LossName, 'perceptron'>, readonly ActivationName[]>> = {
  halfSquaredError: fused,
  squaredError: fused,
  meanSquaredError: fused,
  crossEntropy: ['sigmoid', 'exp', 'softmax'],
  binaryCrossEntropy: ['sigmoid', 'softmax'],
  crossEntropyWithLogits: ['linear'],
  binaryCrossEntropyWithLogits: ['linear'],
  meanAbsoluteError: ['linear', 'softmax'],
  huber: ['linear', 'tanh'],
  logCosh: ['linear', 'sigmoid'],
  hinge: ['linear', 'tanh'],
  categoricalHinge: ['linear', 'softmax'],
  poisson: ['exp', 'softplus'],
  kullbackLeibler: ['softmax', 'sigmoid'],
};

const rowMixing = defineActivation('rowMixing', (z, e) => {
  const weighted = e.mul(0.3, z);
  return e.exp(e.add(e.rowSum(e.mul(weighted, weighted)), e.mul(0.1, z)));
});
const quartic = defineLoss('quartic', (x, t, e) => {
  const squared = e.mul(e.sub(x, t), e.sub(x, t));
  return e.rowMean(e.mul(squared, squared));
});

const pairs: Pair[] = [
  ...Object.entries(outputsOf).flatMap(([loss, outputs]) =>
    outputs.flatMap((output) => fused.map((hidden): Pair => ({ loss: loss as LossName, output, hidden }))),
  ),
  ...traced.flatMap((one): Pair[] => [
    { loss: 'halfSquaredError', output: 'linear', hidden: one },
    { loss: 'squaredError', output: one, hidden: 'tanh' },
  ]),
  { loss: 'halfSquaredError', output: rowMixing, hidden: rowMixing },
  { loss: quartic, output: 'sigmoid', hidden: 'silu' },
];

const nameOf = (one: string | { name: string }): string => (typeof one === 'string' ? one : one.name);
const titled = pairs.map((pair) => {
  return [`${nameOf(pair.loss)} after ${nameOf(pair.output)} after ${nameOf(pair.hidden)}`, pair] as const;
});

const SIZES = { inputs: 3, hidden: 5, outputs: 4, rows: 6 };

async function networkOf(pair: Pair, backend: BackendId, seed: number): Promise<Trainer> {
  return createTrainer({
    inputs: SIZES.inputs,
    layers: [
      dense({
        units: SIZES.hidden,
        activation: pair.hidden,
        biasInitializer: { type: 'normal', standardDeviation: 0.3 },
      }),
      dense({ units: SIZES.outputs, activation: pair.output, bias: seed % 2 === 0 }),
    ],
    loss: pair.loss,
    optimizer: sgd(),
    reduction: seed % 3 === 0 ? 'sum' : 'mean',
    seed,
    backend,
    threads: 1,
  });
}

function dataOf(seed: number, loss: LossLike): { x: number[][]; t: number[][] } {
  const random = new Random(1000 + seed);
  const draw = (columns: number, map: (u: number) => number): number[][] =>
    Array.from({ length: SIZES.rows }, () =>
      Array.from({ length: columns }, () => Math.fround(map(random.uniform()))),
    );
  return {
    x: draw(SIZES.inputs, (u) => 2 * u - 1),
    t: draw(SIZES.outputs, loss === 'hinge' ? (u) => (u < 0.5 ? -1 : 1) : (u) => u),
  };
}

const lossAt = (trainer: Trainer, x: number[][], t: number[][]): number =>
  trainer.inspect(x, t).loss as number;

describe('gradients of the reference agree with finite differences', () => {
  it.each(titled)('%s', async (_, pair) => {
    const seed = pairs.indexOf(pair);
    const trainer = await networkOf(pair, 'reference', seed);
    const { x, t } = dataOf(seed, pair.loss);
    const { layers } = trainer.inspect(x, t);
    const initial = trainer.getWeights();
    const step = 1e-5;
    initial.forEach(({ weights, biases }, layer) => {
      const gradients = [layers[layer].weightGradient?.data, layers[layer].biasGradient];
      [weights.data, biases].forEach((parameters, kind) => {
        parameters?.forEach((value, index) => {
          const lossWith = (parameter: number): number => {
            parameters[index] = parameter;
            trainer.setWeights(initial);
            return lossAt(trainer, x, t);
          };
          const numeric = (lossWith(value + step) - lossWith(value - step)) / (2 * step);
          lossWith(value);
          const analytic = gradients[kind]?.[index] ?? Number.NaN;
          const where = `layer ${layer + 1} ${kind === 0 ? 'weight' : 'bias'} ${index}, seed ${seed}`;
          expect(Math.abs(analytic - numeric), where).toBeLessThan(1e-7 * Math.max(1, Math.abs(numeric)));
        });
      });
    });
    trainer.dispose();
  });

  it('including those of the inputs', async () => {
    const trainer = await networkOf(pairs[0], 'reference', 1);
    const { x, t } = dataOf(1, 'halfSquaredError');
    const gradient = trainer.inspect(x, t).inputGradient;
    const step = 1e-5;
    x.forEach((row, r) => {
      row.forEach((value, column) => {
        const lossWith = (input: number): number => {
          row[column] = input;
          return lossAt(trainer, x, t);
        };
        const numeric = (lossWith(value + step) - lossWith(value - step)) / (2 * step);
        lossWith(value);
        expect(gradient?.row(r)[column]).toBeCloseTo(numeric, 7);
      });
    });
    trainer.dispose();
  });
});

/** Every tensor of an inspection by name. */
function tensorsOf({ layers, inputGradient, sampleLosses, loss }: Inspection): [string, ArrayLike<number>][] {
  const named = layers.flatMap((layer, index) =>
    Object.entries(layer).map(([name, value]): [string, ArrayLike<number>] => {
      return [`${name}${index + 1}`, value === null ? [] : 'data' in value ? value.data : value];
    }),
  );
  return [
    ...named,
    ['inputGradient', inputGradient?.data ?? []],
    ['sampleLosses', sampleLosses ?? []],
    ['loss', [loss ?? 0]],
  ];
}

describe.each(usableIds.filter((id) => id !== 'reference'))(
  'gradients on %s agree with the reference',
  (backend) => {
    it.each(titled)('%s', async (_, pair) => {
      const seed = pairs.indexOf(pair);
      const [subject, reference] = [
        await networkOf(pair, backend, seed),
        await networkOf(pair, 'reference', seed),
      ];
      reference.setWeights(subject.getWeights());
      const { x, t } = dataOf(seed, pair.loss);
      const wanted = tensorsOf(reference.inspect(x, t));
      const got = tensorsOf(subject.inspect(x, t));
      wanted.forEach(([name, values], index) => {
        const scale = Math.max(1, ...Array.from(values, Math.abs));
        expectAgree(
          `${name}, seed ${seed}`,
          got[index][1],
          values,
          4 * tolerance.transcendentalReduction(30),
          scale,
        );
      });
      subject.dispose();
      reference.dispose();
    });
  },
);
