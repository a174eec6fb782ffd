/**
 * What goes over memory once: optimizer steps and elementwise functions, next to a copy.
 *
 * A copy of n bytes reads n and writes n. An optimizer step is held against the copy that moves as many bytes: sgd reads
 * parameters and gradients and writes parameters, 12 bytes a parameter; with momentum, which reads and writes the
 * velocity as well, 20; Adam with its two moments 28. A function is held against the copy of its operand into its
 * result, which moves the same 8 bytes an element. The copy is TypedArray.set, the C library's memmove.
 */

import type { Backend } from '../src/backends/backend.js';
import { ExtentCode, UnaryCode } from '../src/opcodes.js';
import { Emitter } from '../src/plan/emitter.js';
import { Layout } from '../src/plan/layout.js';
import { copyOf, measure, missingLines, openBackends, type Refusal } from './harness.js';
import { fill, type Place, planOf, prepareOperation } from './operation-plan.js';
import type { BenchOptions } from './options.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';

/** Bytes that an operation's arrays take together: past a second-level cache, and past a third-level one. */
const sizes = [
  { name: 'beyond L2', bytes: 4 * 2 ** 20 },
  { name: 'beyond L3', bytes: 128 * 2 ** 20 },
];

/** How far a result may be from Math's, as a share of it or of 1. */
const TOLERANCE = 1e-5;
const LEARNING_RATE = 1e-6;
const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

interface Pass {
  name: string;
  /** Float32 arrays of the same length that it goes over, and those of them it reads and writes. */
  arrays: number;
  moved: number;
  /** Columns of a row where it matters. */
  columns?: number;
  emit(emitter: Emitter, layout: Layout, places: Place[], columns: number): void;
  /** The first row of the result from the first rows of the arrays, all random but the last `zero` ones. */
  expected(rows: number[][]): number[];
  /** Arrays at the end that begin with zeros: state and results. */
  zero: number;
  /** The array of the result. */
  result: number;
}

const unary = (name: 'copy' | 'exp' | 'sigmoid' | 'tanh', compute: (z: number) => number): Pass => ({
  name,
  arrays: 2,
  moved: 2,
  zero: 1,
  result: 1,
  emit(emitter, _layout, [a, output], columns) {
    const extent = { a: a.offset, aExtent: ExtentCode.full };
    emitter.emit('map_unary', { ...extent, output: output.offset, columns, function: UnaryCode[name] });
  },
  expected: ([z]) => z.map(compute),
});

const softmax = (columns: number): Pass => ({
  name: `softmax of ${columns}`,
  arrays: 2,
  moved: 2,
  columns,
  zero: 1,
  result: 1,
  emit(emitter, _layout, [netInput, output], units) {
    emitter.emit('softmax_forward', { netInput: netInput.offset, output: output.offset, units });
  },
  expected([z]) {
    const powers = z.map(Math.exp);
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  },
});

const sgdStep = (momentum: boolean): Pass => ({
  name: momentum ? 'sgd step with momentum' : 'sgd step',
  arrays: momentum ? 3 : 2,
  moved: momentum ? 5 : 3,
  zero: momentum ? 1 : 0,
  result: 0,
  emit(emitter, layout, places) {
    emitter.emit('sgd_step', {
      parameters: places[0].offset,
      gradient: places[1].offset,
      velocity: momentum ? places[2].offset : -1,
      count: places[0].length,
      learningRate: layout.addScalar('learningRate', LEARNING_RATE),
      momentum: momentum ? layout.addScalar('momentum', 0.9) : -1,
      weightDecay: -1,
      nesterov: 0,
    });
  },
  expected: ([w, g]) => w.map((value, index) => value - LEARNING_RATE * g[index]),
});

const adamStep: Pass = {
  name: 'adam step',
  arrays: 4,
  moved: 7,
  zero: 2,
  result: 0,
  emit(emitter, layout, places) {
    const moments = layout.addScalar('beta1', adam.beta1);
    layout.addScalar('beta2', adam.beta2);
    layout.addScalar('epsilon', adam.epsilon);
    layout.addScalar('power1', adam.beta1);
    layout.addScalar('power2', adam.beta2);
    emitter.emit('adam_step', {
      parameters: places[0].offset,
      gradient: places[1].offset,
      firstMoment: places[2].offset,
      secondMoment: places[3].offset,
      count: places[0].length,
      learningRate: layout.addScalar('learningRate', LEARNING_RATE),
      moments,
      weightDecay: -1,
      decoupled: 0,
    });
  },
  // In the first step the corrected moments are g and g².
  expected: ([w, g]) =>
    w.map((value, index) => value - (LEARNING_RATE * g[index]) / (Math.abs(g[index]) + adam.epsilon)),
};

const passes: Pass[] = [
  sgdStep(false),
  sgdStep(true),
  adamStep,
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
  const rows = Math.floor(bytes / 4 / pass.arrays / columns);
  const layout = new Layout(rows);
  const emitter = new Emitter();
  const length = rows * columns;
  const places = Array.from({ length: pass.arrays }, (_, index) => ({
    offset: layout.add(`array${index}`, 'scratch', rows, columns),
    length,
  }));
  pass.emit(emitter, layout, places, columns);
  const plan = planOf(emitter, layout);
  const { executor, run } = await prepareOperation(backend, plan);
  layout.scalars.forEach(({ initial }, index) => {
    executor.scalars[index] = initial;
  });
  fill(executor, places.slice(0, pass.arrays - pass.zero));
  const first = places.map(({ offset }) => Array.from(executor.read(offset, columns)));
  run(1);
  const computed = executor.read(places[pass.result].offset, columns);
  pass.expected(first).forEach((value, index) => {
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
  const moved = 4 * pass.moved * prepared[0].length;
  const [copy, ...timings] = await measure(
    [copyOf(moved / 2), ...prepared.map(({ contender }) => contender)],
    rounds,
  );
  for (const { dispose } of prepared) dispose();
  return [copy, ...timings].map(({ name, min, median }) => ({
    pass: pass.name,
    size,
    backend: name,
    min,
    median,
    gigabytesPerSecond: moved / median / 1e9,
    timesCopy: median / copy.median,
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
