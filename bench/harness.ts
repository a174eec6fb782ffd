/** What every bench shares: interleaved timing, the backends and peers that take part, machine facts. */

import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Backend, BackendId } from '../src/backends/backend.js';
import { nativeProvider } from '../src/backends/native/index.js';
import { wasmProvider } from '../src/backends/wasm/node.js';
import { Peer, type PeerName } from './peer.js';
import { median } from './tables.js';

/** One of several that do the same work, timed in turn. */
export interface Contender {
  name: string;
  /** Does the work `repeats` times; returns the seconds it took. */
  run(repeats: number): Promise<number> | number;
  /** Repeats at least, where a run has a fixed cost of its own. */
  fewest?: number;
}

/** Seconds per repeat, over the turns. */
export interface Timing {
  name: string;
  min: number;
  median: number;
}

/** Also of each turn, which ratios are taken from. */
export interface Measured extends Timing {
  turns: number[];
}

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  commit: string;
  date: string;
}

/** How long a contender's turn is, in seconds, and how many turns there are for a round. */
export interface Turns {
  fill: number;
  perRound: number;
}

/**
 * Long enough that a clock tick and a context switch do not show, short enough that what disturbs one contender disturbs
 * the next as well.
 */
const shortTurns: Turns = { fill: 0.05, perRound: 4 };

/** For threads: a core that was idle while one of them trained takes a while to be as fast as the other. */
export const longTurns: Turns = { fill: 0.4, perRound: 1 };

/** Times `work`, in seconds. */
export function time(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/**
 * Times contenders turn by turn. Each is the first of a turn as often, so that drift hits all of them alike, and turns go
 * forward and back, so that none always follows the same.
 */
export async function measure(
  contenders: Contender[],
  rounds: number,
  { fill, perRound } = shortTurns,
): Promise<Measured[]> {
  const repeats: number[] = [];
  for (const contender of contenders) repeats.push(await calibrate(contender, fill));

  const seconds: number[][] = contenders.map(() => []);
  for (let turn = 0; turn < rounds * perRound; turn++) {
    for (let place = 0; place < contenders.length; place++) {
      const step = turn % 2 === 0 ? place : contenders.length - place;
      const index = (turn + step) % contenders.length;
      const total = await contenders[index].run(repeats[index]);
      seconds[index].push(total / repeats[index]);
    }
  }
  return contenders.map(({ name }, index) => measuredOf(name, seconds[index]));
}

function measuredOf(name: string, turns: number[]): Measured {
  return { name, min: Math.min(...turns), median: median(turns), turns };
}

/** What a report has of it. */
export const timingOf = ({ name, min, median }: Timing): Timing => ({ name, min, median });

/** How many times as long the first took as the second: the median over the turns. */
export function ratioOf(first: Measured, second: Measured): number {
  return median(first.turns.map((seconds, turn) => seconds / second.turns[turn]));
}

/** How many times as fast as a peer something is, by the median over the turns and by the fastest of each. */
export interface PeerRatio {
  peer: string;
  ratio: number;
  byMin: number;
}

export function ratiosToPeers(timing: Measured, peers: readonly Measured[]): PeerRatio[] {
  return peers.map((peer) => ({
    peer: peer.name,
    ratio: ratioOf(peer, timing),
    byMin: peer.min / timing.min,
  }));
}

/** Repeats that fill a turn; finding them warms the contender up. */
async function calibrate(contender: Contender, fill: number): Promise<number> {
  const { fewest = 1 } = contender;
  for (let repeats = fewest; ; repeats *= 2) {
    const seconds = await contender.run(repeats);
    if (seconds >= fill / 4) return Math.max(fewest, Math.round((repeats * fill) / seconds));
  }
}

/** Of a pair. */
const shortPairs: Turns = { fill: 0.02, perRound: 20 };

/** Times of one contender over those of another, pair by pair. */
export interface PairedTiming {
  /** Median ratio, and the interval that has the true one at 19 of 20. */
  ratio: number;
  low: number;
  high: number;
  /** Median of the differences, in seconds a repeat. */
  difference: number;
  timings: [Timing, Timing];
}

/**
 * Times two contenders in turn, each pair right after the other, in either order. The median of the ratios tells
 * differences of a per cent where each time varies by ten; its interval is that of the order statistics of a binomial
 * distribution.
 */
export async function measurePairs(
  first: Contender,
  second: Contender,
  rounds: number,
  { fill, perRound } = shortPairs,
): Promise<PairedTiming> {
  const repeats = Math.max(await calibrate(first, fill), await calibrate(second, fill));
  const pairs = rounds * perRound;
  const contenders = [first, second];
  const seconds: [number[], number[]] = [[], []];
  for (let pair = 0; pair < pairs; pair++) {
    for (const index of pair % 2 === 0 ? [0, 1] : [1, 0]) {
      seconds[index].push((await contenders[index].run(repeats)) / repeats);
    }
  }
  const ratios = seconds[1].map((time, pair) => time / seconds[0][pair]).sort((a, b) => a - b);
  const reach = Math.ceil(0.98 * Math.sqrt(pairs));
  const at = (index: number) => ratios[Math.min(pairs - 1, Math.max(0, index))];
  return {
    ratio: median(ratios),
    low: at(Math.floor(pairs / 2) - reach),
    high: at(Math.ceil(pairs / 2) + reach - 1),
    difference: median(seconds[1].map((time, pair) => time - seconds[0][pair])),
    timings: [timingOf(measuredOf(first.name, seconds[0])), timingOf(measuredOf(second.name, seconds[1]))],
  };
}

/** A copy of `bytes` bytes by TypedArray.set, the C library's memmove: it moves twice as many. */
export function copyOf(bytes: number): Contender {
  const from = new Float32Array(Math.ceil(bytes / 4)).fill(1);
  const to = new Float32Array(from.length).fill(2);
  return {
    name: 'copy',
    run: (repeats) =>
      time(() => {
        for (let repeat = 0; repeat < repeats; repeat++) to.set(from);
      }),
  };
}

/** Facts without which a figure means nothing. */
export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    node: process.version,
    commit: describeCommit(),
    date: new Date().toISOString(),
  };
}

function describeCommit(): string {
  const { status, stdout } = spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}

/** Who does not take part, or whose answer was wrong. */
export interface Refusal {
  name: string;
  reason: string;
}

/** A line below a heading for each that is missing. */
export function missingLines(missing: Refusal[]): string {
  return missing.map(({ name, reason }) => `\n  ${name}: missing: ${reason}`).join('');
}

/** The usable backends of both kinds, or of those asked for. */
export async function openBackends(
  wanted: readonly BackendId[] | undefined,
): Promise<{ backends: Backend[]; missing: Refusal[] }> {
  const backends: Backend[] = [];
  const missing: Refusal[] = [];
  for (const provider of [nativeProvider, wasmProvider]) {
    for await (const { id, usable, reason } of provider.report()) {
      if (wanted && !wanted.includes(id)) continue;
      if (usable) backends.push(await provider.open(id));
      else missing.push({ name: id, reason: reason ?? 'not usable' });
    }
  }
  return { backends, missing };
}

export async function startPeers(names: readonly PeerName[]): Promise<{ peers: Peer[]; missing: Refusal[] }> {
  const peers: Peer[] = [];
  const missing: Refusal[] = [];
  for (const name of names) {
    try {
      peers.push(await Peer.start(name));
    } catch (error) {
      missing.push({ name, reason: (error as Error).message });
    }
  }
  return { peers, missing };
}
