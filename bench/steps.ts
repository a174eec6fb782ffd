/**
 * Time of a training step: fastmlp's backends, and peers on request, in turn on the same weights and rows.
 *
 * Every contender first trains a few steps; one whose losses are not those of the reference backend
 * is reported as wrong and not timed.
 *
 * A peer that is a script answers `{ cmd: 'prepare', case }` with `{ check: { before, after } }` and
 * `{ cmd: 'run', repeats }`, which is a number of steps, with `{ seconds }`. `before` and `after` are the mean loss over
 * the rows of the check, before any step and after `checkSteps`. Step i trains on batch i mod (batches of an epoch).
 * Each run starts from the weights of the case, set before the clock starts, so that contenders train alike however
 * many steps they take.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { availableBackends, type BackendId } from 'fastmlp';
import { withDigits } from './digits.js';
import {
  measure,
  missingLines,
  type PeerRatio,
  type Refusal,
  ratiosToPeers,
  startPeers,
  type Timing,
} from './harness.js';
import type { BenchOptions } from './options.js';
import type { Peer, PeerName } from './peer.js';
import {
  type Check,
  checkSteps,
  createData,
  encodeData,
  rowFlops,
  type StepCase,
  type StepData,
  stepCases,
  stepsPerEpoch,
} from './step-cases.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';
import { planFor, prepareTrainer } from './trainer-entrant.js';

/** Something that trains: a backend of fastmlp, or a peer. */
interface Entrant {
  name: string;
  /** What computes: a backend's id, or a library with its version. */
  version: string;
  takesPart(stepCase: StepCase): boolean;
  prepare(stepCase: StepCase, data: StepData, file: string): Promise<Prepared>;
  close(): void;
}

interface Prepared {
  check: Check;
  run(epochs: number): Promise<number>;
  dispose(): void;
}

/** Seconds per step, and what follows from the median. */
interface StepResult extends Timing {
  isPeer: boolean;
  peers: PeerRatio[];
  samplesPerSecond: number;
  gflops: number;
}

interface CaseReport {
  case: StepCase;
  /** Of the plan: everything that outlives a batch, per parameter, and the rest, per row. */
  memory: { bytesPerParameter: number; bytesPerRow: number };
  results: StepResult[];
  wrong: Refusal[];
}

export interface StepsReport {
  entrants: { name: string; version: string }[];
  missing: Refusal[];
  cases: CaseReport[];
  wrong: Refusal[];
}

/** Relative: float32 sums in another order, over a few steps. */
const lossTolerance = 1e-3;

/** The backends asked for, or the best of each kind. */
export async function entrantBackends(
  wanted: readonly BackendId[] | undefined,
): Promise<{ ids: BackendId[]; missing: Refusal[] }> {
  const backends = await availableBackends();
  const ids: BackendId[] = [];
  const missing: Refusal[] = [];
  const groups = wanted
    ? wanted.map((id) => ({ name: id, members: backends.filter((backend) => backend.id === id) }))
    : ['native', 'wasm'].map((kind) => ({
        name: kind,
        members: backends.filter((backend) => backend.kind === kind),
      }));
  for (const { name, members } of groups) {
    const usable = members.find((backend) => backend.usable);
    if (usable) ids.push(usable.id);
    else missing.push({ name, reason: members.map(({ id, reason }) => `${id}: ${reason}`).join('; ') });
  }
  return { ids, missing };
}

function peerEntrant(peer: Peer): Entrant {
  const name = peer.name as PeerName;
  return {
    name,
    version: peer.version,
    takesPart: ({ peers }) => peers.includes(name),
    async prepare(stepCase, _data, file) {
      const { sizes, rows, optimizer } = stepCase;
      const steps = checkSteps(stepCase);
      const words = `prepare ${file} ${rows} ${steps} ${optimizer.learningRate} ${sizes.length} ${sizes.join(' ')}`;
      const json = { cmd: 'prepare', case: { ...stepCase, file, checkSteps: steps } };
      return {
        check: (await peer.ask(name === 'fann' ? words : json)).check!,
        run: (epochs) => peer.run(epochs * stepsPerEpoch(stepCase)),
        dispose() {},
      };
    },
    close: () => peer.close(),
  };
}

async function openEntrants({ peers: withPeers, backends }: BenchOptions) {
  const { ids, missing } = await entrantBackends(backends);
  const own = ids.map(
    (id): Entrant => ({
      name: id,
      version: 'fastmlp',
      takesPart: () => true,
      prepare: (stepCase, data) => prepareTrainer(id, stepCase, data),
      close() {},
    }),
  );
  const { peers, missing: missingPeers } = await startPeers(withPeers ? ['torch', 'tfjs', 'fann'] : []);
  return { entrants: [...own, ...peers.map(peerEntrant)], missing: [...missing, ...missingPeers] };
}

/** What is wrong with a contender's losses, or undefined. */
export function disagreement(check: Check, expected: Check): string | undefined {
  for (const moment of ['before', 'after'] as const) {
    // Written so that NaN disagrees.
    if (!(Math.abs(check[moment] - expected[moment]) <= lossTolerance * Math.abs(expected[moment]))) {
      return `loss ${moment} training is ${check[moment]}, the reference says ${expected[moment]}`;
    }
  }
  return undefined;
}

/** Bytes of the float32 arena of a case's plan. */
function memoryOf(stepCase: StepCase): CaseReport['memory'] {
  const { sizes, batch } = stepCase;
  const plan = planFor(stepCase);
  const parameters = sizes.slice(1).reduce((sum, units, index) => sum + units * (sizes[index] + 1), 0);
  return {
    bytesPerParameter: (4 * plan.persistentLength) / parameters,
    bytesPerRow: (4 * (plan.arenaLength - plan.persistentLength)) / batch,
  };
}

async function measureCase(
  stepCase: StepCase,
  entrants: Entrant[],
  file: string,
  rounds: number,
): Promise<CaseReport> {
  const data = stepCase.digits ? await withDigits(stepCase) : createData(stepCase);
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

  const timings = await measure(
    right.map(({ name, prepared }) => ({ name, run: (epochs) => prepared.run(epochs) })),
    rounds,
  );
  for (const { prepared } of right) prepared.dispose();
  const steps = stepsPerEpoch(stepCase);
  const isPeer = ({ name }: Timing) => (stepCase.peers as readonly string[]).includes(name);
  const results = timings.map((timing) => ({
    name: timing.name,
    isPeer: isPeer(timing),
    peers: ratiosToPeers(timing, timings.filter(isPeer)),
    min: timing.min / steps,
    median: timing.median / steps,
    samplesPerSecond: stepCase.rows / timing.median,
    gflops: (rowFlops(stepCase) * stepCase.rows) / timing.median / 1e9,
  }));
  return { case: stepCase, memory: memoryOf(stepCase), results, wrong };
}

export async function benchSteps(options: BenchOptions, print: (text: string) => void): Promise<StepsReport> {
  const { rounds, match } = options;
  const folder = await mkdtemp(join(tmpdir(), 'fastmlp-bench-'));
  const { entrants, missing } = await openEntrants(options);
  const who = { entrants: entrants.map(({ name, version }) => ({ name, version })), missing };
  const lines = who.entrants.map(({ name, version }) => `\n  ${name}: ${version}`).join('');
  print(`Training steps, one thread, ${rounds} rounds${lines}${missingLines(missing)}`);
  try {
    const cases: CaseReport[] = [];
    for (const stepCase of stepCases.filter(({ name }) => match.test(name))) {
      const taking = entrants.filter((entrant) => entrant.takesPart(stepCase));
      const report = await measureCase(stepCase, taking, join(folder, 'case'), rounds);
      print(formatCase(report));
      cases.push(report);
    }
    return { ...who, cases, wrong: cases.flatMap(({ wrong }) => wrong) };
  } finally {
    for (const entrant of entrants) entrant.close();
    await rm(folder, { recursive: true });
  }
}

/** A table per case, each contender's speed as a multiple of every peer's, turn by turn and by the fastest turns. */
function formatCase({ case: { name }, memory, results, wrong }: CaseReport): string {
  const others = results.filter(({ isPeer }) => isPeer);
  const header = [
    '',
    'min µs',
    'median µs',
    'samples/s',
    'GFLOP/s',
    ...others.flatMap((other) => [`× ${other.name}`, 'by min']),
  ];
  const rows = results.map((result) => [
    result.name,
    formatNumber(result.min * 1e6),
    formatNumber(result.median * 1e6),
    formatNumber(result.samplesPerSecond),
    formatNumber(result.gflops),
    ...result.peers.flatMap(({ ratio, byMin }) => [ratio, byMin]).map(formatRatio),
  ]);
  const refusals = wrong.map((refusal) => `\n  ${refusal.name}: WRONG ANSWER, not timed: ${refusal.reason}`);
  const [perParameter, perRow] = [memory.bytesPerParameter, memory.bytesPerRow].map(formatNumber);
  const bytes = `${perParameter} bytes a parameter, ${perRow} bytes a row of the batch`;
  return `${name} (${bytes})\n${formatTable(header, rows)}${refusals.join('')}`;
}
