/**
 * What the divergence guard costs: the time in its own code, as a share of a call of `fit`; and epochs by `fit` with it
 * and without it, in turn from the same weights, in processor time of all threads, which a host that takes processors
 * away disturbs less than the clock.
 */

import { performance } from 'node:perf_hooks';
import { adam, type BackendId, createTrainer, type DivergencePolicy, dense } from '../src/index.js';
import { meterGuard, takeGuardSeconds } from './guard-work.js';
import { measurePairs, missingLines, type Refusal, type Timing, type Turns } from './harness.js';
import type { BenchOptions } from './options.js';
import { createData } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatTable, formatTenths, median, relativeError } from './tables.js';

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
const longCalls: Turns = { fill: 0.5, perRound: 6 };

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
  /** Seconds in its own code in a call of one epoch, and as a share of a call of half a second. */
  call: number;
  share: number;
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
  const fit = (epochs: number) => trainer.fit(x, labels, { epochs, batchSize: batch, divergence });
  const run = async (epochs: number) => {
    trainer.setWeights(layers);
    const start = process.cpuUsage();
    await fit(epochs);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  await run(CHECKED_EPOCHS);
  const weights = trainer.getWeights().flatMap(({ weights: { data } }) => Array.from(data));
  /** Seconds of a call, and those in the guard's own code. */
  const meter = async (epochs: number) => {
    trainer.setWeights(layers);
    takeGuardSeconds();
    const start = performance.now();
    await fit(epochs);
    return { seconds: (performance.now() - start) / 1000, own: takeGuardSeconds() };
  };
  return { name: divergence, run, meter, weights, dispose: () => trainer.dispose() };
}

/** Medians of what the guard does in calls of one epoch, and of its share of calls of so many. */
async function ownWork({ meter }: Awaited<ReturnType<typeof prepare>>, epochs: number, rounds: number) {
  const calls: number[] = [];
  const shares: number[] = [];
  for (let round = 0; round < rounds; round++) {
    calls.push((await meter(1)).own);
    const { own, seconds } = await meter(epochs);
    shares.push(own / seconds);
  }
  return { call: median(calls), share: median(shares) };
}

export async function benchGuard(
  { rounds, backends, match }: BenchOptions,
  print: (text: string) => void,
): Promise<GuardReport> {
  meterGuard();
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
        const epochs = Math.max(1, Math.round(longCalls.fill / without.median));
        const own = await ownWork(contenders[1], epochs, rounds);
        report.results.push({
          ...{ case: nameOf(one), backend, without, guarded, ...own },
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
  const header = ['', 'own code, µs a call', 'of 0.5 s', 'epoch without, µs', 'added', '19 in 20 from', 'to'];
  const rows = results.map(({ case: name, backend, without, added, low, high, call, share }) => [
    `${name}: ${backend}`,
    ...[formatNumber(call * 1e6), formatTenths(share), formatNumber(without.median * 1e6)],
    ...[added, low, high].map(formatTenths),
  ]);
  const refusals = wrong.map(({ name, reason }) => `\n  ${name}: WRONG ANSWER, not timed: ${reason}`);
  const heading = `Divergence guard, one thread; epochs by fit in processor time, pair by pair${missingLines(missing)}`;
  return `${heading}\n${formatTable(header, rows)}${refusals.join('')}`;
}
