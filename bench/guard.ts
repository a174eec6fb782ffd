/**
 * What the divergence guard costs: epochs by `fit` with it and without it, in turn from the same weights, in processor
 * time of all threads, which a host that takes processors away disturbs less than the clock.
 */

import { adam, type BackendId, createTrainer, type DivergencePolicy, dense } from 'fastmlp';
import { measurePairs, missingLines, type Pairing, type Refusal, type Timing } from './harness.js';
import type { BenchOptions } from './options.js';
import { createData } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatTable, formatTenths, relativeError } from './tables.js';

interface GuardCase {
  sizes: number[];
  batch: number;
  rows: number;
}

const cases: GuardCase[] = [
  { sizes: [784, 512, 512, 10], batch: 128, rows: 2048 },
  { sizes: [784, 128, 10], batch: 64, rows: 4096 },
  { sizes: [30, 64, 64, 10], batch: 32, rows: 2048 },
  { sizes: [4, 8, 3], batch: 16, rows: 150 },
];

const nameOf = ({ sizes, batch, rows }: GuardCase) => `${sizes.join('-')}, batch ${batch}, ${rows} rows`;

const policies: DivergencePolicy[] = ['ignore', 'stop'];

/** Calls of `fit` so long that what the guard does once a call does not count. */
const longCalls: Pairing = { fill: 0.5, perRound: 6 };

/** Epochs after which weights are compared. */
const CHECKED_EPOCHS = 2;

interface GuardResult {
  case: string;
  backend: BackendId;
  /** Seconds an epoch without the guard and with it. */
  without: Timing;
  guarded: Timing;
  /** What it adds, as a share, and the interval of 19 in 20. */
  added: number;
  low: number;
  high: number;
  /** Seconds that it adds to a call of one epoch. */
  call: number;
}

interface GuardReport {
  missing: Refusal[];
  results: GuardResult[];
  wrong: Refusal[];
}

async function prepare({ sizes, batch, rows }: GuardCase, backend: BackendId, divergence: DivergencePolicy) {
  const { layers, x, t } = createData({ sizes, loss: 'crossEntropy', rows });
  const labels = Int32Array.from(t);
  const units = sizes.slice(1);
  const trainer = await createTrainer({
    inputs: sizes[0],
    layers: units.map((count, index) =>
      dense({ units: count, activation: index === units.length - 1 ? 'softmax' : 'relu' }),
    ),
    loss: 'crossEntropy',
    optimizer: adam(),
    seed: 1,
    backend,
    threads: 1,
  });
  const run = async (epochs: number) => {
    trainer.setWeights(layers);
    const start = process.cpuUsage();
    await trainer.fit(x, labels, { epochs, batchSize: batch, divergence });
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  await run(CHECKED_EPOCHS);
  const weights = trainer.getWeights().flatMap(({ weights: { data } }) => Array.from(data));
  return { name: divergence, run, weights, dispose: () => trainer.dispose() };
}

export async function benchGuard(
  { rounds, backends, match }: BenchOptions,
  print: (text: string) => void,
): Promise<GuardReport> {
  const { ids, missing } = await entrantBackends(backends);
  const report: GuardReport = { missing, results: [], wrong: [] };
  for (const one of cases.filter((each) => match.test(nameOf(each)))) {
    for (const backend of ids) {
      const contenders: Awaited<ReturnType<typeof prepare>>[] = [];
      for (const policy of policies) contenders.push(await prepare(one, backend, policy));
      if (relativeError(contenders[1].weights, contenders[0].weights) === 0) {
        const { ratio, low, high, timings } = await measurePairs(
          contenders[0],
          contenders[1],
          rounds,
          longCalls,
        );
        const [without, guarded] = timings;
        const [call, guardedCall] = contenders.map(({ name, run }) => ({ name, run: () => run(1) }));
        const { difference } = await measurePairs(call, guardedCall, rounds, { fill: 0, perRound: 20 });
        report.results.push({
          ...{ case: nameOf(one), backend, without, guarded, call: difference },
          ...{ added: ratio - 1, low: low - 1, high: high - 1 },
        });
      } else {
        const reason = 'weights with the guard differ from those without it';
        report.wrong.push({ name: `${nameOf(one)}, ${backend}`, reason });
      }
      for (const { dispose } of contenders) dispose();
    }
  }
  print(formatGuard(report));
  return report;
}

function formatGuard({ missing, results, wrong }: GuardReport): string {
  const header = ['', 'without, median µs', 'guarded', 'added', '19 in 20 from', 'to', 'µs a call'];
  const rows = results.map(({ case: name, backend, without, guarded, added, low, high, call }) => [
    `${name}: ${backend}`,
    ...[without.median * 1e6, guarded.median * 1e6].map(formatNumber),
    ...[added, low, high].map(formatTenths),
    formatNumber(call * 1e6),
  ]);
  const refusals = wrong.map(({ name, reason }) => `\n  ${name}: WRONG ANSWER, not timed: ${reason}`);
  const heading = `Divergence guard, processor time of epochs by fit, one thread, pair by pair${missingLines(missing)}`;
  return `${heading}\n${formatTable(header, rows)}${refusals.join('')}`;
}
