/**
 * What a training step costs more with clipping, penalties, smoothing, averaging, dropout, noise and normalisation:
 * 784-512-512-10 under adam with batches of 128 rows, by trainBatch, in turn with the plain step.
 */

import {
  adam,
  type BackendId,
  batchNorm,
  createTrainer,
  dense,
  dropout,
  gaussianNoise,
  type LayerConfig,
  layerNorm,
  type Trainer,
  type TrainerConfig,
} from 'fastmlp';
import {
  type Contender,
  measure,
  missingLines,
  type Refusal,
  ratioOf,
  type Timing,
  time,
  timingOf,
} from './harness.js';
import type { BenchOptions } from './options.js';
import { createData, type StepData } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';

const sizes = [784, 512, 512, 10];
const BATCH = 128;
/** Rows and steps that losses are compared on. */
const CHECKED = { rows: 8, steps: 3 };
/** Relative: float32 sums in another order, over a few steps. */
const TOLERANCE = 1e-3;

interface Extra extends Partial<TrainerConfig> {
  name: string;
  /** A hidden layer with what belongs to it. */
  hidden(units: number): LayerConfig[];
}

const relu = (units: number): LayerConfig => dense({ units, activation: 'relu' });
const gradientClipping = { globalNorm: 1e-3 };

/** Limits are low enough to take effect in every step. */
const extras: Extra[] = [
  { name: 'plain', hidden: (units) => [relu(units)] },
  { name: 'clipping by value', gradientClipping: { value: 1e-4 }, hidden: (units) => [relu(units)] },
  { name: 'clipping by layer', gradientClipping: { norm: 1e-3 }, hidden: (units) => [relu(units)] },
  { name: 'clipping by global norm', gradientClipping, hidden: (units) => [relu(units)] },
  { name: 'l1 and l2', hidden: (units) => [dense({ units, activation: 'relu', l1: 1e-5, l2: 1e-4 })] },
  { name: 'max-norm', hidden: (units) => [dense({ units, activation: 'relu', maxNorm: 0.5 })] },
  { name: 'label smoothing', labelSmoothing: 0.1, hidden: (units) => [relu(units)] },
  { name: 'averaging', averaging: { decay: 0.999 }, hidden: (units) => [relu(units)] },
  { name: 'dropout', hidden: (units) => [relu(units), dropout({ rate: 0.5 })] },
  { name: 'gaussianNoise', hidden: (units) => [relu(units), gaussianNoise({ stddev: 0.1 })] },
  { name: 'batchNorm', hidden: (units) => [dense({ units }), batchNorm({ activation: 'relu' })] },
  { name: 'layerNorm', hidden: (units) => [dense({ units }), layerNorm({ activation: 'relu' })] },
  {
    name: 'batchNorm, dropout, clipping',
    gradientClipping,
    hidden: (units) => [dense({ units }), batchNorm({ activation: 'relu' }), dropout({ rate: 0.5 })],
  },
];

async function create({ name: _, hidden, ...config }: Extra, backend: BackendId): Promise<Trainer> {
  return createTrainer({
    inputs: sizes[0],
    layers: [
      ...sizes.slice(1, -1).flatMap(hidden),
      dense({ units: sizes[sizes.length - 1], activation: 'softmax' }),
    ],
    loss: 'crossEntropy',
    optimizer: adam(),
    seed: 1,
    backend,
    threads: 1,
    ...config,
  });
}

async function lossesOf(extra: Extra, backend: BackendId, data: StepData): Promise<number[]> {
  const trainer = await create(extra, backend);
  const x = data.x.subarray(0, CHECKED.rows * sizes[0]);
  const t = Int32Array.from(data.t.subarray(0, CHECKED.rows));
  const losses = Array.from({ length: CHECKED.steps }, () => trainer.trainBatch(x, t).loss);
  trainer.dispose();
  return losses;
}

interface ExtraResult extends Timing {
  backend: BackendId;
  /** Times the plain step. */
  ratio: number;
}

interface ExtrasReport {
  missing: Refusal[];
  results: ExtraResult[];
  wrong: Refusal[];
}

export async function benchExtras(
  { rounds, backends, match }: BenchOptions,
  print: (text: string) => void,
): Promise<ExtrasReport> {
  const { ids, missing } = await entrantBackends(backends);
  print(`Steps with extras, one thread, ${rounds} rounds${missingLines(missing)}`);
  const data = createData({ sizes, loss: 'crossEntropy', rows: BATCH });
  const t = Int32Array.from(data.t);
  const report: ExtrasReport = { missing, results: [], wrong: [] };
  const taking = extras.filter(({ name }, index) => index === 0 || match.test(name));
  const expected: number[][] = [];
  for (const extra of taking) expected.push(await lossesOf(extra, 'reference', data));
  for (const backend of ids) {
    const trainers: Trainer[] = [];
    const contenders: Contender[] = [];
    for (const [index, extra] of taking.entries()) {
      const losses = await lossesOf(extra, backend, data);
      const wanted = expected[index];
      // Written so that NaN is wrong.
      if (!losses.every((loss, step) => Math.abs(loss - wanted[step]) <= TOLERANCE * wanted[step])) {
        const reason = `losses are ${losses.join(', ')}, the reference says ${wanted.join(', ')}`;
        report.wrong.push({ name: `${backend}, ${extra.name}`, reason });
        print(`${backend}, ${extra.name}: WRONG ANSWER, not timed: ${reason}`);
        continue;
      }
      const trainer = await create(extra, backend);
      const before = trainer.snapshot();
      trainers.push(trainer);
      contenders.push({
        name: extra.name,
        run(repeats) {
          trainer.restore(before);
          return time(() => {
            for (let step = 0; step < repeats; step++) trainer.trainBatch(data.x, t);
          });
        },
      });
    }
    const timings = await measure(contenders, rounds);
    for (const trainer of trainers) trainer.dispose();
    const [plain] = timings;
    const results = timings.map((timing) => ({
      ...timingOf(timing),
      backend,
      ratio: ratioOf(timing, plain),
    }));
    print(formatExtras(backend, results));
    report.results.push(...results);
  }
  return report;
}

function formatExtras(backend: BackendId, results: ExtraResult[]): string {
  const rows = results.map(({ name, min, median, ratio }) => [
    name,
    ...[min * 1e6, median * 1e6].map(formatNumber),
    formatRatio(ratio),
  ]);
  const heading = `${sizes.join('-')} adam, batch ${BATCH}, ${backend}`;
  return `${heading}\n${formatTable(['', 'min µs', 'median µs', '× plain'], rows)}`;
}
