/** How long a program waits for fastmlp: fresh processes, the median of several. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { missingLines, type Refusal } from './harness.js';
import type { BenchOptions } from './options.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatTable, median } from './tables.js';

/**
 * `first` is 784-128-10 after the backends are loaded, `second` the same once more in the same process; `atOnce` is the
 * first one of a process that loads nothing before, with what it loads itself.
 */
const parts = ['import', 'load', 'first', 'second', 'atOnce'] as const;
type Part = (typeof parts)[number];
type Milliseconds = Record<Part, number>;

interface StartupReport {
  missing: Refusal[];
  /** Milliseconds of importing an empty file. */
  nothing: { median: number; min: number };
  /** Milliseconds. */
  results: { backend: string; median: Milliseconds; min: Milliseconds }[];
}

function run(backend: string, ...rest: string[]): Record<string, number> {
  const script = fileURLToPath(new URL('./startup-child.mjs', import.meta.url));
  const flags = backend === 'wasm-relaxed-simd' && Number.parseInt(process.versions.node, 10) < 22;
  const args = [...(flags ? ['--experimental-wasm-relaxed-simd'] : []), script, backend, ...rest];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a start with ${backend} failed: ${stderr}`);
  return JSON.parse(stdout);
}

function start(backend: string): Milliseconds {
  const { atOnce } = run(backend, 'atOnce');
  return { ...run(backend), atOnce } as Milliseconds;
}

export async function benchStartup(
  { rounds, backends }: BenchOptions,
  print: (text: string) => void,
): Promise<StartupReport> {
  const { ids, missing } = await entrantBackends(backends);
  for (const backend of ids) start(backend);
  // By turns: what disturbs a machine for a while disturbs all alike.
  const starts = Array.from({ length: rounds }, () => ({
    nothing: run('nothing').nothing,
    of: ids.map(start),
  }));
  const nothings = starts.map(({ nothing }) => nothing);
  const nothing = { median: median(nothings), min: Math.min(...nothings) };
  const results = ids.map((backend, index) => {
    const over = (pick: (values: number[]) => number) =>
      Object.fromEntries(
        parts.map((part) => [part, pick(starts.map(({ of }) => of[index][part]))]),
      ) as Milliseconds;
    return { backend, median: over(median), min: over((values) => Math.min(...values)) };
  });
  const header = [
    'ms',
    '',
    ...['import', 'load backends', 'first createTrainer', 'second createTrainer', 'createTrainer at once'],
  ];
  const rows = results.flatMap(({ backend, ...figures }) =>
    (['median', 'min'] as const).map((kind) => [
      backend,
      kind,
      ...parts.map((part) => formatNumber(figures[kind][part])),
    ]),
  );
  const empty = `to import an empty file takes ${formatNumber(nothing.median)} ms, at least ${formatNumber(nothing.min)}`;
  print(
    `Start-up, ${rounds} processes, 784-128-10; ${empty}${missingLines(missing)}\n${formatTable(header, rows)}`,
  );
  return { missing, nothing, results };
}
