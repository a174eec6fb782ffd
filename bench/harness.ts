/** What every bench shares: interleaved timing, machine facts, tables. */

import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';

/** One of several that do the same work, timed in turn. */
export interface Contender {
  name: string;
  /** Does the work `repeats` times; returns the seconds it took. */
  run(repeats: number): Promise<number> | number;
}

/** Seconds per repeat, over the rounds. */
export interface Timing {
  name: string;
  min: number;
  median: number;
}

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  commit: string;
  date: string;
}

/** Long enough that a clock tick and a context switch do not show. */
const roundSeconds = 0.2;

/** Times `work`, in seconds. */
export function time(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** Times contenders round by round, each starting a round in turn, so that drift hits all of them alike. */
export async function measure(contenders: Contender[], rounds: number): Promise<Timing[]> {
  const repeats: number[] = [];
  for (const contender of contenders) repeats.push(await calibrate(contender));

  const seconds: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (round + turn) % contenders.length;
      const total = await contenders[index].run(repeats[index]);
      seconds[index].push(total / repeats[index]);
    }
  }
  return contenders.map(({ name }, index) => ({
    name,
    min: Math.min(...seconds[index]),
    median: median(seconds[index]),
  }));
}

/** Repeats that fill a round; finding them warms the contender up. */
async function calibrate(contender: Contender): Promise<number> {
  for (let repeats = 1; ; repeats *= 2) {
    const seconds = await contender.run(repeats);
    if (seconds >= roundSeconds / 4) return Math.max(1, Math.round((repeats * roundSeconds) / seconds));
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
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

const significant = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });

/** Four significant digits, without an exponent. */
export function formatNumber(value: number): string {
  return significant.format(value);
}

/** Columns as wide as their widest cell: the first to the left, the others to the right. */
export function formatTable(header: string[], rows: string[][]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return lines.map((cells) => `  ${cells.map(pad).join('  ')}`).join('\n');
}
