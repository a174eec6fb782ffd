/**
 * Time of a training step: fastmlp's backends, and peers on request, in turn on the same weights and rows.
 *
 * Every contender first trains a few steps; one whose losses are not those of the reference backend
 * is reported as wrong and not timed.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableBackends } from 'fastmlp';
import { formatNumber, formatTable, measure, type Timing } from './harness.js';
import { Peer, peerNames } from './peer.js';
import {
  type Check,
  createData,
  encodeData,
  type StepCase,
  type StepData,
  stepCases,
  stepFlops,
} from './step-cases.js';
import { prepareTrainer } from './trainer-entrant.js';

/** Something that trains: a backend of fastmlp, or a peer. */
interface Entrant {
  name: string;
  /** What computes: a backend's id, or a library with its version. */
  version: string;
  prepare(stepCase: StepCase, data: StepData, file: string): Promise<Prepared>;
  close(): void;
}

interface Prepared {
  check: Check;
  run(steps: number): Promise<number>;
  dispose(): void;
}

interface Refusal {
  name: string;
  reason: string;
}

/** Seconds per step, and what follows from the median. */
interface StepResult extends Timing {
  samplesPerSecond: number;
  gflops: number;
}

interface CaseReport {
  case: StepCase;
  results: StepResult[];
  wrong: Refusal[];
}

export interface StepsReport {
  entrants: { name: string; version: string }[];
  missing: Refusal[];
  cases: CaseReport[];
}

/** Relative: float32 sums in another order, over a few steps. */
const lossTolerance = 1e-3;

async function openEntrants(withPeers: boolean): Promise<{ entrants: Entrant[]; missing: Refusal[] }> {
  const entrants: Entrant[] = [];
  const missing: Refusal[] = [];
  const backends = await availableBackends();
  for (const kind of ['native', 'wasm'] as const) {
    const usable = backends.find((backend) => backend.kind === kind && backend.usable);
    if (usable) {
      entrants.push({
        name: kind,
        version: `fastmlp ${usable.id}`,
        prepare: (stepCase, data) => prepareTrainer(kind, stepCase, data),
        close() {},
      });
    } else {
      const reasons = backends
        .filter((backend) => backend.kind === kind)
        .map(({ id, reason }) => `${id}: ${reason}`);
      missing.push({ name: kind, reason: reasons.join('; ') });
    }
  }
  for (const name of withPeers ? peerNames : []) {
    try {
      const peer = await Peer.start(name);
      entrants.push({
        name,
        version: peer.version,
        prepare: async (stepCase, _data, file) => ({
          check: await peer.prepare(stepCase, file),
          run: (steps) => peer.run(steps),
          dispose() {},
        }),
        close: () => peer.close(),
      });
    } catch (error) {
      missing.push({ name, reason: (error as Error).message });
    }
  }
  return { entrants, missing };
}

/** What is wrong with a contender's losses, or undefined. */
function disagreement(check: Check, expected: Check): string | undefined {
  for (const moment of ['before', 'after'] as const) {
    // Written so that NaN disagrees.
    if (!(Math.abs(check[moment] - expected[moment]) <= lossTolerance * Math.abs(expected[moment]))) {
      return `loss ${moment} training is ${check[moment]}, the reference says ${expected[moment]}`;
    }
  }
  return undefined;
}

async function measureCase(
  stepCase: StepCase,
  entrants: Entrant[],
  file: string,
  rounds: number,
): Promise<CaseReport> {
  const data = createData(stepCase);
  await writeFile(file, encodeData(data));
  const reference = await prepareTrainer('reference', stepCase, data);
  reference.dispose();

  const wrong: Refusal[] = [];
  const right: { name: string; prepared: Prepared }[] = [];
  for (const { name, prepare } of entrants) {
    const prepared = await prepare(stepCase, data, file);
    const reason = disagreement(prepared.check, reference.check);
    if (reason === undefined) {
      right.push({ name, prepared });
    } else {
      wrong.push({ name, reason });
      prepared.dispose();
    }
  }

  const stepsPerEpoch = stepCase.rows / stepCase.batch;
  const timings = await measure(
    right.map(({ name, prepared }) => ({ name, run: (epochs) => prepared.run(epochs * stepsPerEpoch) })),
    rounds,
  );
  for (const { prepared } of right) prepared.dispose();
  const results = timings.map(({ name, min, median }) => ({
    name,
    min: min / stepsPerEpoch,
    median: median / stepsPerEpoch,
    samplesPerSecond: stepCase.rows / median,
    gflops: (stepFlops(stepCase) * stepsPerEpoch) / median / 1e9,
  }));
  return { case: stepCase, results, wrong };
}

export interface StepsOptions {
  rounds: number;
  /** Whether other libraries take part. */
  peers: boolean;
  /** Who takes part, before anything is timed. */
  onStart(who: Pick<StepsReport, 'entrants' | 'missing'>): void;
  /** Each case as it is done. */
  onCase(report: CaseReport): void;
}

export async function benchSteps({ rounds, peers, onStart, onCase }: StepsOptions): Promise<StepsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'fastmlp-bench-'));
  const { entrants, missing } = await openEntrants(peers);
  const who = { entrants: entrants.map(({ name, version }) => ({ name, version })), missing };
  onStart(who);
  try {
    const cases: CaseReport[] = [];
    for (const stepCase of stepCases) {
      const report = await measureCase(stepCase, entrants, join(folder, 'case'), rounds);
      onCase(report);
      cases.push(report);
    }
    return { ...who, cases };
  } finally {
    for (const entrant of entrants) entrant.close();
    await rm(folder, { recursive: true });
  }
}

/** A table per case, each contender's speed as a multiple of every peer's. */
export function formatCase({ case: { name }, results, wrong }: CaseReport): string {
  const others = results.filter((result) => (peerNames as readonly string[]).includes(result.name));
  const header = [
    '',
    'min µs',
    'median µs',
    'samples/s',
    'GFLOP/s',
    ...others.map((other) => `× ${other.name}`),
  ];
  const rows = results.map((result) => [
    result.name,
    formatNumber(result.min * 1e6),
    formatNumber(result.median * 1e6),
    formatNumber(result.samplesPerSecond),
    formatNumber(result.gflops),
    ...others.map((other) => formatNumber(other.median / result.median)),
  ]);
  const refusals = wrong.map((refusal) => `\n  ${refusal.name}: WRONG ANSWER, not timed: ${refusal.reason}`);
  return `${name}\n${formatTable(header, rows)}${refusals.join('')}`;
}
