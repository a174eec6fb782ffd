/**
 * What an activation costs when it is traced (`defineActivation`) instead of built in: the whole call, predictInto or
 * trainBatch, with the one and with the other in the hidden layer, in turn on the same weights and rows.
 *
 * Built-in activations are computed within the product that they follow; a traced one is an operation of its own that
 * goes over the net inputs once more. How much that shows depends on the work around it: in 64-256-64 a net input is
 * 64 multiplications, in 1-4096-1 a single one, so that there the activation is most of the work.
 */

import {
  type ActivationLike,
  type BackendId,
  createTrainer,
  defineActivation,
  dense,
  sgd,
  type Trainer,
} from 'fastmlp';
import { type Contender, measure, missingLines, type Refusal, ratioOf, time } from './harness.js';
import type { BenchOptions } from './options.js';
import { createData, type StepData } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatTable } from './tables.js';

/** A traced activation may cost at most this many times the built-in one. */
const LIMIT = 2;

/** Relative to the largest of the numbers compared: float32 against float64. */
const TOLERANCE = 1e-4;

const BATCH = 64;

interface Formula {
  builtIn: 'sigmoid' | 'tanh' | 'relu' | 'exp';
  traced: ActivationLike;
}

const formulas: Formula[] = [
  { builtIn: 'sigmoid', traced: defineActivation('sigmoid', (z, e) => e.sigmoid(z)) },
  { builtIn: 'tanh', traced: defineActivation('tanh', (z, e) => e.tanh(z)) },
  { builtIn: 'relu', traced: defineActivation('relu', (z, e) => e.max(z, 0)) },
  { builtIn: 'exp', traced: defineActivation('exp', (z, e) => e.exp(z)) },
];

/** Inputs, hidden units, outputs; the outputs are linear. */
const networks = [
  [64, 256, 64],
  [1, 4096, 1],
];

const calls = ['predictInto', 'trainBatch'] as const;
type Call = (typeof calls)[number];

/** Seconds per call with either activation, and how many times the built-in one the traced one takes. */
interface TracedResult {
  backend: BackendId;
  activation: string;
  builtIn: { min: number; median: number };
  traced: { min: number; median: number };
  ratio: number;
}

interface TracedReport {
  network: number[];
  call: Call;
  results: TracedResult[];
  wrong: Refusal[];
}

async function createTrainerFor(
  network: number[],
  activation: ActivationLike,
  backend: BackendId,
  { layers }: StepData,
): Promise<Trainer> {
  const [inputs, hidden, outputs] = network;
  const trainer = await createTrainer({
    inputs,
    layers: [dense({ units: hidden, activation }), dense({ units: outputs })],
    loss: 'meanSquaredError',
    // Small enough that weights hardly move, however long a round is.
    optimizer: sgd({ learningRate: 1e-5 }),
    backend,
    threads: 1,
  });
  trainer.setWeights(layers);
  return trainer;
}

/** Outputs and gradients, and the losses of a few steps: what both calls compute. */
function answersOf(trainer: Trainer, { layers, x, t }: StepData): Record<string, number[]> {
  const { data } = trainer.predict(x);
  const gradients = trainer.computeGradients(x, t);
  const losses = [1, 2, 3].map(() => trainer.trainBatch(x, t).loss);
  trainer.setWeights(layers);
  return {
    outputs: Array.from(data),
    gradients: gradients.layers.flatMap(({ weights, biases }) => [...weights.data, ...(biases ?? [])]),
    losses,
  };
}

/** What is wrong with answers, or undefined. */
function disagreement(
  answers: Record<string, number[]>,
  expected: Record<string, number[]>,
): string | undefined {
  for (const [name, values] of Object.entries(expected)) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // Written so that NaN disagrees.
    const index = values.findIndex(
      (value, place) => !(Math.abs(answers[name][place] - value) <= TOLERANCE * largest),
    );
    if (index >= 0) {
      return `${name}[${index}] is ${answers[name][index]}, the reference says ${values[index]}`;
    }
  }
  return undefined;
}

function contenderOf(name: string, trainer: Trainer, call: Call, { layers, x, t }: StepData): Contender {
  const out = new Float32Array(t.length);
  const run = { predictInto: () => trainer.predictInto(x, out), trainBatch: () => trainer.trainBatch(x, t) };
  return {
    name,
    run(repeats) {
      trainer.setWeights(layers);
      return time(() => {
        for (let repeat = 0; repeat < repeats; repeat++) run[call]();
      });
    },
  };
}

/** Times one formula on one backend, or says why its answers are wrong. */
async function measureFormula(
  { builtIn, traced }: Formula,
  network: number[],
  call: Call,
  backend: BackendId,
  rounds: number,
): Promise<TracedResult | Refusal> {
  const data = createData({ sizes: network, loss: 'meanSquaredError', rows: BATCH });
  const reference = await createTrainerFor(network, builtIn, 'reference', data);
  const expected = answersOf(reference, data);
  reference.dispose();
  const trainers: Trainer[] = [];
  try {
    const contenders: Contender[] = [];
    for (const [name, activation] of [
      ['built-in', builtIn],
      ['traced', traced],
    ] as const) {
      const trainer = await createTrainerFor(network, activation, backend, data);
      trainers.push(trainer);
      const reason = disagreement(answersOf(trainer, data), expected);
      if (reason !== undefined) return { name: `${backend} ${name} ${builtIn}`, reason };
      contenders.push(contenderOf(name, trainer, call, data));
    }
    const [fast, slow] = await measure(contenders, rounds);
    return {
      backend,
      activation: builtIn,
      builtIn: { min: fast.min, median: fast.median },
      traced: { min: slow.min, median: slow.median },
      ratio: ratioOf(slow, fast),
    };
  } finally {
    for (const trainer of trainers) trainer.dispose();
  }
}

export async function benchTraced(
  { rounds, backends, match }: BenchOptions,
  print: (text: string) => void,
): Promise<{ missing: Refusal[]; reports: TracedReport[]; wrong: Refusal[] }> {
  const { ids, missing } = await entrantBackends(backends);
  print(`Traced activations against built-in ones, one thread, ${rounds} rounds${missingLines(missing)}`);
  const reports: TracedReport[] = [];
  for (const network of networks.filter((sizes) => match.test(sizes.join('-')))) {
    for (const call of calls) {
      const report: TracedReport = { network, call, results: [], wrong: [] };
      for (const backend of ids) {
        for (const formula of formulas) {
          const result = await measureFormula(formula, network, call, backend, rounds);
          if ('reason' in result) report.wrong.push(result);
          else report.results.push(result);
        }
      }
      print(formatTraced(report));
      reports.push(report);
    }
  }
  return { missing, reports, wrong: reports.flatMap(({ wrong }) => wrong) };
}

/** A table per network and call. */
function formatTraced({ network, call, results, wrong }: TracedReport): string {
  const header = [
    '',
    'built-in min µs',
    'median µs',
    'traced min µs',
    'median µs',
    'traced / built-in',
    `at most ${LIMIT}`,
  ];
  const rows = results.map(({ backend, activation, builtIn, traced, ratio }) => [
    `${backend} ${activation}`,
    ...[builtIn.min, builtIn.median, traced.min, traced.median].map((seconds) => formatNumber(seconds * 1e6)),
    formatNumber(ratio),
    ratio <= LIMIT ? 'yes' : 'NO',
  ]);
  const refusals = wrong.map(({ name, reason }) => `\n  ${name}: WRONG ANSWER, not timed: ${reason}`);
  return `${network.join('-')}, batch ${BATCH}, ${call}\n${formatTable(header, rows)}${refusals.join('')}`;
}
