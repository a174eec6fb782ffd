/** How long a program waits for fastmlp: fresh processes, the median of several. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { missingLines, type Refusal } from './harness.js';
import type { BenchOptions } from './options.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatTable, median } from './tables.js';

/** `first` is 784-128-10 after the backends are loaded, `second` the same once more in the same process. */
const parts = ['import', 'load', 'first', 'second'] as const;
type Part = (typeof parts)[number];

interface StartupReport {
  missing: Refusal[];
  /** Milliseconds. */
  results: { backend: string; median: Record<Part, number>; min: Record<Part, number> }[];
}

function start(backend: string): Record<Part, number> {
  const script = fileURLToPath(new URL('./startup-child.mjs', import.meta.url));
  const flags = backend === 'wasm-relaxed-simd' && Number.parseInt(process.versions.node, 10) < 22;
  const args = [...(flags ? ['--experimental-wasm-relaxed-simd'] : []), script, backend];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a start with ${backend} failed: ${stderr}`);
  return JSON.parse(stdout);
}

export async function benchStartup(
  { rounds, backends }: BenchOptions,
  print: (text: string) => void,
): Promise<StartupReport> {
  const { ids, missing } = await entrantBackends(backends);
  const results = ids.map((backend) => {
    start(backend);
    const starts = Array.from({ length: rounds }, () => start(backend));
    const over = (pick: (values: number[]) => number) =>
      Object.fromEntries(
        parts.map((part) => [part, pick(starts.map((milliseconds) => milliseconds[part]))]),
      ) as Record<Part, number>;
    return { backend, median: over(median), min: over((values) => Math.min(...values)) };
  });
  const header = ['median ms', 'import', 'load backends', 'first createTrainer', 'second createTrainer'];
  const rows = results.map(({ backend, median: middle }) => [
    backend,
    ...parts.map((part) => formatNumber(middle[part])),
  ]);
  print(`Start-up, ${rounds} processes, 784-128-10${missingLines(missing)}\n${formatTable(header, rows)}`);
  return { missing, results };
}
