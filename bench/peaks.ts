/**
 * The yardstick: GFLOP/s of each instruction set on one core, measured by independent multiply-adds on registers. A
 * program in C++ does it for the native targets (peak/peak.cc), a WebAssembly module for the others.
 */

import { readFileSync } from 'node:fs';
import type { BackendId } from '../src/backends/backend.js';
import { type Contender, measure, openBackends, type Refusal, time } from './harness.js';
import { Peer } from './peer.js';
import { buildPeakModule, buildProgram } from './peers/programs.mjs';
import { formatNumber, formatTable } from './tables.js';

/** GFLOP/s per backend, from the fastest round. */
export type Peaks = Partial<Record<BackendId, number>>;

export interface PeaksReport {
  peaks: Peaks;
  missing: Refusal[];
}

interface Runner extends Contender {
  flop: number;
  close(): void;
}

async function nativePeak(id: BackendId): Promise<Runner> {
  const program = buildProgram(id.replace('native', 'peak') as Parameters<typeof buildProgram>[0]);
  const peer = await Peer.startCommand(id, [program]);
  return {
    name: id,
    flop: (await peer.ask('run 1')).flop!,
    run: (n) => peer.run(n),
    close: () => peer.close(),
  };
}

async function wasmPeak(id: BackendId): Promise<Runner> {
  const module = readFileSync(buildPeakModule(id === 'wasm-relaxed-simd'));
  const { instance } = await WebAssembly.instantiate(module);
  const { run, FLOP } = instance.exports as unknown as {
    run(repeats: number, factor: number, term: number): number;
    FLOP: WebAssembly.Global;
  };
  return { name: id, flop: FLOP.value, run: (n) => time(() => run(n, 0.5, 0.25)), close() {} };
}

/** Measures the peaks of the backends that are wanted and usable. */
export async function measurePeaks(wanted: BackendId[] | undefined, rounds: number): Promise<PeaksReport> {
  const { backends, missing } = await openBackends(wanted);
  const runners: Runner[] = [];
  for (const { id, kind } of backends) {
    try {
      runners.push(await (kind === 'native' ? nativePeak(id) : wasmPeak(id)));
    } catch (error) {
      missing.push({ name: id, reason: (error as Error).message });
    }
  }
  const timings = await measure(runners, rounds);
  const peaks: Peaks = {};
  timings.forEach(({ name, min }, index) => {
    peaks[name as BackendId] = runners[index].flop / min / 1e9;
  });
  for (const runner of runners) runner.close();
  return { peaks, missing };
}

export function formatPeaks({ peaks }: PeaksReport): string {
  const rows = Object.entries(peaks).map(([id, gflops]) => [id, formatNumber(gflops)]);
  return formatTable(['', 'GFLOP/s'], rows);
}
