import { describe, expect, it } from 'vitest';
import {
  type ActivationName,
  type BackendId,
  createTrainer,
  dense,
  type Inspection,
  type LossName,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { usableIds } from '../support/backends.js';
import { expectAgree } from '../support/compare.js';
import { tolerance } from '../support/tolerances.js';

const activations: ActivationName[] = ['linear', 'sigmoid', 'tanh', 'relu', 'exp', 'softmax'];

/** Output activations whose values lie in the domain of a loss. */
const outputsOf: Readonly<Record<LossName, readonly ActivationName[]>> = {
  halfSquaredError: activations,
  squaredError: activations,
  meanSquaredError: activations,
  crossEntropy: ['sigmoid', 'exp', 'softmax'],
  binaryCrossEntropy: ['sigmoid', 'softmax'],
  crossEntropyWithLogits: ['linear'],
  binaryCrossEntropyWithLogits: ['linear'],
};

const pairs = Object.entries(outputsOf).flatMap(([loss, outputs]) =>
  outputs.flatMap((output) => activations.map((hidden) => ({ loss: loss as LossName, output, hidden }))),
);

const SIZES = { inputs: 3, hidden: 5, outputs: 4, rows: 6 };

async function networkOf(pair: (typeof pairs)[number], backend: BackendId, seed: number): Promise<Trainer> {
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

function dataOf(seed: number): { x: number[][]; t: number[][] } {
  const random = new Random(1000 + seed);
  const draw = (columns: number, map: (u: number) => number): number[][] =>
    Array.from({ length: SIZES.rows }, () =>
      Array.from({ length: columns }, () => Math.fround(map(random.uniform()))),
    );
  return { x: draw(SIZES.inputs, (u) => 2 * u - 1), t: draw(SIZES.outputs, (u) => u) };
}

const lossAt = (trainer: Trainer, x: number[][], t: number[][]): number =>
  trainer.inspect(x, t).loss as number;

describe('gradients of the reference agree with finite differences', () => {
  it.each(pairs)('$loss after $output after $hidden', async (pair) => {
    const seed = pairs.indexOf(pair);
    const trainer = await networkOf(pair, 'reference', seed);
    const { x, t } = dataOf(seed);
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
    const { x, t } = dataOf(1);
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
    it.each(pairs)('$loss after $output after $hidden', async (pair) => {
      const seed = pairs.indexOf(pair);
      const [subject, reference] = [
        await networkOf(pair, backend, seed),
        await networkOf(pair, 'reference', seed),
      ];
      reference.setWeights(subject.getWeights());
      const { x, t } = dataOf(seed);
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
