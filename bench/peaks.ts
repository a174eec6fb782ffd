/**
 * The yardstick: GFLOP/s of each instruction set on one core, measured by independent multiply-adds on registers. A
 * program in C++ does it for the native targets (peak/peak.cc), a WebAssembly module for the others.
 */

import { readFileSync } from 'node:fs';
import type { Backend, BackendId } from '../src/backends/backend.js';
import { type Contender, measure, openBackends, type Refusal, time } from './harness.js';
import { Peer } from './peer.js';
import { buildPeakModule, buildProgram } from './peers/programs.mjs';
import { formatNumber, formatTable } from './tables.js';

/** GFLOP/s per backend, from the fastest turn. */
export type Peaks = Partial<Record<BackendId, number>>;

export interface PeaksReport {
  peaks: Peaks;
  missing: Refusal[];
}

/** The multiply-adds of a backend's instruction set, as a contender. */
export interface Yardstick extends Contender {
  name: BackendId;
  flop: number;
  close(): void;
}

async function nativePeak(id: BackendId): Promise<Yardstick> {
  const program = buildProgram(id.replace('native', 'peak') as Parameters<typeof buildProgram>[0]);
  const peer = await Peer.startCommand(id, [program]);
  return {
    name: id,
    flop: (await peer.ask('run 1')).flop!,
    run: (n) => peer.run(n),
    close: () => peer.close(),
  };
}

async function wasmPeak(id: BackendId): Promise<Yardstick> {
  const module = readFileSync(buildPeakModule(id === 'wasm-relaxed-simd'));
  const { instance } = await WebAssembly.instantiate(module);
  const { run, FLOP } = instance.exports as unknown as {
    run(repeats: number, factor: number, term: number): number;
    FLOP: WebAssembly.Global;
  };
  return { name: id, flop: FLOP.value, run: (n) => time(() => run(n, 0.5, 0.25)), close() {} };
}

/** The yardsticks of backends, and why one is missing. */
export async function openYardsticks(
  backends: readonly Backend[],
): Promise<{ yardsticks: Yardstick[]; missing: Refusal[] }> {
  const yardsticks: Yardstick[] = [];
  const missing: Refusal[] = [];
  for (const { id, kind } of backends) {
    try {
      yardsticks.push(await (kind === 'native' ? nativePeak(id) : wasmPeak(id)));
    } catch (error) {
      missing.push({ name: `peak of ${id}`, reason: (error as Error).message });
    }
  }
  return { yardsticks, missing };
}

/** Measures the peaks of the backends that are wanted and usable. */
export async function measurePeaks(wanted: BackendId[] | undefined, rounds: number): Promise<PeaksReport> {
  const { backends, missing } = await openBackends(wanted);
  const { yardsticks, missing: missingPeaks } = await openYardsticks(backends);
  const timings = await measure(yardsticks, rounds);
  const peaks: Peaks = {};
  timings.forEach(({ min }, index) => {
    peaks[yardsticks[index].name] = yardsticks[index].flop / min / 1e9;
  });
  for (const yardstick of yardsticks) yardstick.close();
  return { peaks, missing: [...missing, ...missingPeaks] };
}

export function formatPeaks({ peaks }: PeaksReport): string {
  const rows = Object.entries(peaks).map(([id, gflops]) => [id, formatNumber(gflops)]);
  return formatTable(['', 'GFLOP/s'], rows);
}
