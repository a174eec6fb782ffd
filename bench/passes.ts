/**
 * Elementwise functions and softmax, which go over memory once, next to a copy of the operand into the result, which
 * moves the same 8 bytes an element. The copy is TypedArray.set, the C library's memmove.
 */

import type { Backend } from '../src/backends/backend.js';
import { ExtentCode, UnaryCode } from '../src/opcodes.js';
import { Emitter } from '../src/plan/emitter.js';
import { Layout } from '../src/plan/layout.js';
import { copyOf, measure, missingLines, openBackends, type Refusal, ratioOf } from './harness.js';
import { fill, type Place, planOf, prepareOperation } from './operation-plan.js';
import type { BenchOptions } from './options.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';

/** Bytes that operand and result take together: past a second-level cache, and past a third-level one. */
const sizes = [
  { name: 'beyond L2', bytes: 4 * 2 ** 20 },
  { name: 'beyond L3', bytes: 128 * 2 ** 20 },
];

/** How far a result may be from Math's, as a share of it or of 1. */
const TOLERANCE = 1e-5;

interface Pass {
  name: string;
  /** Columns of a row where it matters. */
  columns?: number;
  emit(emitter: Emitter, operand: Place, result: Place, columns: number): void;
  /** The first row of the result from that of the operand. */
  expected(row: number[]): number[];
}

const unary = (name: 'copy' | 'exp' | 'sigmoid' | 'tanh', compute: (z: number) => number): Pass => ({
  name,
  emit(emitter, a, output, columns) {
    const extent = { a: a.offset, aExtent: ExtentCode.full };
    emitter.emit('map_unary', { ...extent, output: output.offset, columns, function: UnaryCode[name] });
  },
  expected: (row) => row.map(compute),
});

const softmax = (columns: number): Pass => ({
  name: `softmax of ${columns}`,
  columns,
  emit(emitter, netInput, output, units) {
    emitter.emit('softmax_forward', { netInput: netInput.offset, output: output.offset, units });
  },
  expected(row) {
    const powers = row.map(Math.exp);
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  },
});

const passes: Pass[] = [
  unary('copy', (z) => z),
  unary('exp', Math.exp),
  unary('sigmoid', (z) => 1 / (1 + Math.exp(-z))),
  unary('tanh', Math.tanh),
  softmax(10),
  softmax(1024),
];

interface PassResult {
  pass: string;
  size: string;
  backend: string;
  min: number;
  median: number;
  /** Bytes read and written a second, and times the copy of as many. */
  gigabytesPerSecond: number;
  timesCopy: number;
}

interface PassesReport {
  missing: Refusal[];
  results: PassResult[];
}

async function preparePass(backend: Backend, pass: Pass, bytes: number) {
  const columns = pass.columns ?? 1024;
  const rows = Math.floor(bytes / 8 / columns);
  const layout = new Layout(rows);
  const emitter = new Emitter();
  const length = rows * columns;
  const place = (name: string): Place => ({ offset: layout.add(name, 'scratch', rows, columns), length });
  const [operand, result] = [place('operand'), place('result')];
  pass.emit(emitter, operand, result, columns);
  const { executor, run } = await prepareOperation(backend, planOf(emitter, layout));
  fill(executor, [operand]);
  run(1);
  const computed = executor.read(result.offset, columns);
  pass.expected(Array.from(executor.read(operand.offset, columns))).forEach((value, index) => {
    // Written so that NaN fails.
    if (Math.abs(computed[index] - value) <= TOLERANCE * Math.max(1, Math.abs(value))) return;
    throw new Error(`${backend.id}: ${pass.name}: element ${index} is ${computed[index]}, not ${value}`);
  });
  return { contender: { name: backend.id, run }, length, dispose: () => executor.dispose() };
}

async function measurePass(
  pass: Pass,
  { name: size, bytes }: (typeof sizes)[number],
  backends: Backend[],
  rounds: number,
): Promise<PassResult[]> {
  const prepared = [];
  for (const backend of backends) prepared.push(await preparePass(backend, pass, bytes));
  const moved = 8 * prepared[0].length;
  const [copy, ...timings] = await measure(
    [copyOf(moved / 2), ...prepared.map(({ contender }) => contender)],
    rounds,
  );
  for (const { dispose } of prepared) dispose();
  return [copy, ...timings].map((timing) => ({
    pass: pass.name,
    size,
    backend: timing.name,
    min: timing.min,
    median: timing.median,
    gigabytesPerSecond: moved / timing.median / 1e9,
    timesCopy: ratioOf(timing, copy),
  }));
}

export async function benchPasses(
  { rounds, backends: wanted, match }: BenchOptions,
  print: (text: string) => void,
): Promise<PassesReport> {
  const { ids, missing } = await entrantBackends(wanted);
  const { backends } = await openBackends(ids);
  print(`Passes over memory, one thread, ${rounds} rounds${missingLines(missing)}`);
  const results: PassResult[] = [];
  for (const size of sizes) {
    const ofSize: PassResult[] = [];
    for (const pass of passes.filter(({ name }) => match.test(name))) {
      ofSize.push(...(await measurePass(pass, size, backends, rounds)));
    }
    if (ofSize.length > 0) print(formatPasses(size, ofSize));
    results.push(...ofSize);
  }
  return { missing, results };
}

function formatPasses({ name, bytes }: (typeof sizes)[number], results: PassResult[]): string {
  const header = ['', 'min µs', 'median µs', 'GB/s', 'times copy'];
  const rows = results.map(({ pass, backend, min, median, gigabytesPerSecond, timesCopy }) => [
    `${pass}: ${backend}`,
    ...[min * 1e6, median * 1e6, gigabytesPerSecond].map(formatNumber),
    formatRatio(timesCopy),
  ]);
  return `${name}: arrays of ${bytes / 2 ** 20} MB together\n${formatTable(header, rows)}`;
}
