/** Training steps by one thread and by more: speed, and that the weights stay the same bit for bit. */

import { availableParallelism } from 'node:os';
import type { BackendId, LayerWeights } from 'fastmlp';
import { longTurns, measure, missingLines, type Refusal, ratioOf } from './harness.js';
import type { BenchOptions } from './options.js';
import { createData, largeCase, type StepCase, stepCases, stepsPerEpoch } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';
import { prepareTrainer } from './trainer-entrant.js';

interface ThreadsResult {
  backend: BackendId;
  /** What was asked for, and what the trainer says it uses. */
  asked: number | 'auto';
  threads: number;
  /** Seconds per step, and the speed as a multiple of one thread's. */
  min: number;
  median: number;
  ratio: number;
}

interface ThreadsReport {
  missing: Refusal[];
  cases: { case: StepCase; results: ThreadsResult[] }[];
  wrong: Refusal[];
}

/** A call of `fit` keeps a copy of a trainer's state, which takes as long as a part of a step. */
const FEWEST_EPOCHS = 8;

function sameBits(a: LayerWeights[], b: LayerWeights[]): boolean {
  const bytes = (layers: LayerWeights[]) =>
    Buffer.concat(
      layers
        .flatMap(({ weights, biases }) => [weights.data, biases ?? new Float32Array(0)])
        .map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
    );
  return bytes(a).equals(bytes(b));
}

async function measureCase(stepCase: StepCase, backend: BackendId, rounds: number) {
  // Calls for a step stay on the caller's thread in WebAssembly: all cases run by `fit`.
  const asRun: StepCase = { ...stepCase, mode: 'fit' };
  const data = createData(stepCase);
  const counts: (number | 'auto')[] = [1, availableParallelism(), 'auto'];
  const trainers: Awaited<ReturnType<typeof prepareTrainer>>[] = [];
  for (const asked of counts) trainers.push(await prepareTrainer(backend, asRun, data, asked));
  const wrong = counts
    .filter((_, index) => !sameBits(trainers[index].weights, trainers[0].weights))
    .map((asked) => ({
      name: `${stepCase.name}, ${backend}, threads ${asked}`,
      reason: 'weights differ from those of one thread',
    }));
  const timings = await measure(
    trainers.map(({ run }, index) => ({ name: `${counts[index]}`, run, fewest: FEWEST_EPOCHS })),
    rounds,
    longTurns,
  );
  for (const trainer of trainers) trainer.dispose();
  const steps = stepsPerEpoch(stepCase);
  const results = timings.map(
    (timing, index): ThreadsResult => ({
      backend,
      asked: counts[index],
      threads: trainers[index].threads,
      min: timing.min / steps,
      median: timing.median / steps,
      ratio: ratioOf(timings[0], timing),
    }),
  );
  return { results, wrong };
}

export async function benchThreads(
  { rounds, backends, match }: BenchOptions,
  print: (text: string) => void,
): Promise<ThreadsReport> {
  const { ids, missing } = await entrantBackends(backends);
  print(`Training steps by threads, ${rounds} rounds${missingLines(missing)}`);
  const report: ThreadsReport = { missing, cases: [], wrong: [] };
  // Digits take other ways than the random rows that are made here.
  const cases = [...stepCases, largeCase].filter(({ digits }) => !digits);
  for (const stepCase of cases.filter(({ name }) => match.test(name))) {
    const ofCase: ThreadsResult[] = [];
    for (const id of ids) {
      const { results, wrong } = await measureCase(stepCase, id, rounds);
      ofCase.push(...results);
      report.wrong.push(...wrong);
      for (const { name, reason } of wrong) print(`${name}: WRONG ANSWER: ${reason}`);
    }
    print(formatThreads(stepCase, ofCase));
    report.cases.push({ case: stepCase, results: ofCase });
  }
  return report;
}

function formatThreads({ name }: StepCase, results: ThreadsResult[]): string {
  const header = ['', 'threads', 'used', 'min µs', 'median µs', '× one'];
  const rows = results.map(({ backend, asked, threads, min, median, ratio }) => [
    backend,
    `${asked}`,
    `${threads}`,
    formatNumber(min * 1e6),
    formatNumber(median * 1e6),
    formatRatio(ratio),
  ]);
  return `${name}\n${formatTable(header, rows)}`;
}
