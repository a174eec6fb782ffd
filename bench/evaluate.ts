/**
 * `evaluate` next to `predictInto` on the same rows, and with metrics. Loss and accuracy are those of the outputs that
 * were predicted; the time of `evaluate` includes its copy of the rows.
 */

import { performance } from 'node:perf_hooks';
import { type BackendId, createTrainer, dense, type MetricName, sgd } from 'fastmlp';
import { measurePairs, missingLines, type Refusal, type Timing, type Turns, time } from './harness.js';
import type { BenchOptions } from './options.js';
import { createData } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';

const networks = [
  [784, 128, 10],
  [784, 512, 512, 10],
  [30, 64, 64, 2],
];
const ROWS = 10_000;
const pairing: Turns = { fill: 0.02, perRound: 6 };
/** Of the loss: float32 sums in another order. */
const TOLERANCE = 1e-4;

/** Alone, since each needs more than the one before: decisions, counts of decisions, sorted probabilities. */
const metricSets: MetricName[][] = [['accuracy'], ['f1', 'confusionMatrix'], ['logLoss', 'topK'], ['rocAuc']];

interface EvaluateResult extends Timing {
  network: string;
  backend: BackendId;
  rowsPerSecond: number;
  /** Times the time of predictInto, pair by pair. */
  ratio: number;
}

interface EvaluateReport {
  missing: Refusal[];
  results: EvaluateResult[];
  wrong: Refusal[];
}

/** Mean cross-entropy and share of right decisions. */
function measuresOf(outputs: Float32Array, labels: Int32Array, classes: number) {
  let loss = 0;
  let right = 0;
  labels.forEach((label, row) => {
    const probabilities = outputs.subarray(row * classes, (row + 1) * classes);
    loss -= Math.log(probabilities[label]);
    if (probabilities.every((one) => one <= probabilities[label])) right++;
  });
  return { loss: loss / labels.length, accuracy: right / labels.length };
}

async function prepare(sizes: number[], backend: BackendId) {
  const { layers, x, t } = createData({ sizes, loss: 'crossEntropy', rows: ROWS });
  const labels = Int32Array.from(t);
  const units = sizes.slice(1);
  const classes = units[units.length - 1];
  const trainer = await createTrainer({
    inputs: sizes[0],
    layers: units.map((count, index) =>
      dense({ units: count, activation: index === units.length - 1 ? 'softmax' : 'relu' }),
    ),
    loss: 'crossEntropy',
    optimizer: sgd(),
    backend,
    threads: 1,
  });
  trainer.setWeights(layers);
  const outputs = new Float32Array(ROWS * classes);
  trainer.predictInto(x, outputs);
  const expected = measuresOf(outputs, labels, classes);
  const evaluated = await trainer.evaluate(x, labels);
  const repeated = (evaluate: () => Promise<unknown>) => async (repeats: number) => {
    const start = performance.now();
    for (let repeat = 0; repeat < repeats; repeat++) await evaluate();
    return (performance.now() - start) / 1000;
  };
  return {
    wrong:
      Math.abs(evaluated.loss - expected.loss) <= TOLERANCE * expected.loss &&
      Math.abs(evaluated.accuracy! - expected.accuracy) <= 1 / ROWS
        ? undefined
        : `evaluate says ${JSON.stringify(evaluated)}, the outputs ${JSON.stringify(expected)}`,
    contenders: [
      {
        name: 'predictInto',
        run: (repeats: number) =>
          time(() => {
            for (let repeat = 0; repeat < repeats; repeat++) trainer.predictInto(x, outputs);
          }),
      },
      { name: 'evaluate', run: repeated(() => trainer.evaluate(x, labels)) },
      ...metricSets.map((metrics) => ({
        name: `evaluate with ${metrics.join(', ')}`,
        run: repeated(() => trainer.evaluate(x, labels, { metrics })),
      })),
    ],
    dispose: () => trainer.dispose(),
  };
}

export async function benchEvaluate(
  { rounds, backends, match }: BenchOptions,
  print: (text: string) => void,
): Promise<EvaluateReport> {
  const { ids, missing } = await entrantBackends(backends);
  print(`Evaluating ${ROWS} rows, one thread, pair by pair${missingLines(missing)}`);
  const report: EvaluateReport = { missing, results: [], wrong: [] };
  for (const sizes of networks.filter((each) => match.test(each.join('-')))) {
    const network = sizes.join('-');
    for (const backend of ids) {
      const { wrong, contenders, dispose } = await prepare(sizes, backend);
      if (wrong === undefined) {
        const results: EvaluateResult[] = [];
        const [predictInto, ...others] = contenders;
        const add = (timing: Timing, ratio: number) =>
          results.push({ ...timing, network, backend, rowsPerSecond: ROWS / timing.median, ratio });
        for (const other of others) {
          const { ratio, timings } = await measurePairs(predictInto, other, rounds, pairing);
          if (results.length === 0) add(timings[0], 1);
          add(timings[1], ratio);
        }
        print(formatEvaluate(results));
        report.results.push(...results);
      } else {
        print(`${network}, ${backend}: WRONG ANSWER, not timed: ${wrong}`);
        report.wrong.push({ name: `${network}, ${backend}`, reason: wrong });
      }
      dispose();
    }
  }
  return report;
}

function formatEvaluate(results: EvaluateResult[]): string {
  const [{ network, backend }] = results;
  const rows = results.map(({ name, min, median, rowsPerSecond, ratio }) => [
    name,
    ...[min * 1e6, median * 1e6, rowsPerSecond].map(formatNumber),
    formatRatio(ratio),
  ]);
  const header = ['', 'min µs', 'median µs', 'rows/s', '× predictInto'];
  return `${network}, ${backend}\n${formatTable(header, rows)}`;
}
