/**
 * Batch and layer normalisation, forward and backward, next to a copy that moves as many bytes: forward reads its inputs
 * and writes its outputs, 8 bytes a number; backward reads inputs and deltas and writes gradients, 12. A copy reads half
 * of the bytes and writes the other half.
 */

import type { Backend } from '../src/backends/backend.js';
import { referenceProvider } from '../src/backends/reference/index.js';
import { Emitter } from '../src/plan/emitter.js';
import { Layout } from '../src/plan/layout.js';
import { copyOf, measure, missingLines, openBackends, type Refusal, ratioOf } from './harness.js';
import { fill, type Place, planOf, prepareOperation } from './operation-plan.js';
import type { BenchOptions } from './options.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable, relativeError } from './tables.js';

/** Rows of a batch and units: within the nearest cache, within the second one, and beyond it. */
const shapes = [
  { rows: 32, units: 64 },
  { rows: 128, units: 512 },
  { rows: 1024, units: 1024 },
];

/** How far a result may be from the reference's, as a share of its largest number. */
const TOLERANCE = 1e-5;

interface NormPass {
  name: string;
  /** Bytes that must be moved for each number of a batch. */
  bytes: number;
  /** Emits the operations; returns the place of what is checked. */
  emit(emitter: Emitter, places: Places): Place;
}

/** Buffers and scalars of a layer, and their offsets or indices as operands. */
type Places = ReturnType<typeof placesOf>;

function placesOf(layout: Layout, rows: number, units: number) {
  const place = (name: string, count: number, width: number): Place => ({
    offset: layout.add(name, 'scratch', count, width),
    length: count * width,
  });
  const matrices = ['input', 'delta', 'output', 'gradient'].map((name) => place(name, rows, units));
  const vector = (name: string): number => place(name, 1, units).offset;
  const gamma = vector('gamma');
  const [input, delta, output, gradient] = matrices.map(({ offset }) => offset);
  return {
    matrices,
    forward: { input, output, gamma, beta: vector('beta'), units },
    backward: { input, delta, units },
    gradient,
    gamma,
    ofColumns: { mean: vector('column means'), inverseDeviation: vector('column deviations') },
    ofRows: {
      mean: place('row means', rows, 1).offset,
      inverseDeviation: place('row deviations', rows, 1).offset,
    },
    running: { runningMean: vector('running means'), runningVariance: vector('running variances') },
    gradients: {
      gammaGradient: vector('gamma gradients'),
      betaGradient: vector('beta gradients'),
      accumulate: 0,
    },
    epsilon: layout.addScalar('epsilon', 1e-5),
    momentum: layout.addScalar('momentum', 0.1),
  };
}

const passes: NormPass[] = [
  {
    name: 'batch norm forward',
    bytes: 8,
    emit(emitter, { forward, ofColumns, running, epsilon, momentum, matrices }) {
      emitter.emit('batch_norm_forward', { ...forward, ...ofColumns, ...running, epsilon, momentum });
      return matrices[2];
    },
  },
  {
    name: 'batch norm backward',
    bytes: 12,
    emit(emitter, { backward, gamma, ofColumns, gradients, gradient, matrices }) {
      const operands = { ...backward, ...ofColumns, ...gradients, gamma, gradient, throughMoments: 1 };
      emitter.emit('batch_norm_backward', operands);
      return matrices[3];
    },
  },
  {
    name: 'layer norm forward',
    bytes: 8,
    emit(emitter, { forward, ofRows, epsilon, matrices }) {
      emitter.emit('layer_norm_forward', { ...forward, ...ofRows, epsilon });
      return matrices[2];
    },
  },
  {
    name: 'layer norm backward',
    bytes: 12,
    emit(emitter, { backward, gamma, ofRows, gradients, gradient, matrices }) {
      emitter.emit('layer_norm_backward_weights', { ...backward, ...ofRows, ...gradients });
      emitter.emit('layer_norm_backward_input', { ...backward, ...ofRows, gamma, gradient });
      return matrices[3];
    },
  },
];

interface NormResult {
  pass: string;
  rows: number;
  units: number;
  backend: string;
  min: number;
  median: number;
  /** Times the copy of as many bytes. */
  timesCopy: number;
}

interface NormsReport {
  missing: Refusal[];
  results: NormResult[];
}

async function prepare(backend: Backend, pass: NormPass, { rows, units }: (typeof shapes)[number]) {
  const layout = new Layout(rows);
  const emitter = new Emitter();
  const places = placesOf(layout, rows, units);
  const result = pass.emit(emitter, places);
  const { executor, run } = await prepareOperation(backend, planOf(emitter, layout));
  layout.scalars.forEach(({ initial }, index) => {
    executor.scalars[index] = initial;
  });
  const vectors = layout.buffers.filter(({ name }) => !['output', 'gradient'].includes(name));
  fill(
    executor,
    vectors.map(({ offset, rows: count, columns }) => ({ offset, length: count * columns })),
  );
  run(1);
  const computed = executor.read(result.offset, result.length);
  return { contender: { name: backend.id, run }, computed, dispose: () => executor.dispose() };
}

async function measurePass(
  pass: NormPass,
  shape: (typeof shapes)[number],
  backends: Backend[],
  rounds: number,
): Promise<NormResult[]> {
  const { rows, units } = shape;
  const reference = await prepare(await referenceProvider.open('reference'), pass, shape);
  const prepared = [];
  for (const backend of backends) {
    const one = await prepare(backend, pass, shape);
    const error = relativeError(one.computed, reference.computed);
    // Written so that NaN fails.
    if (!(error <= TOLERANCE)) throw new Error(`${backend.id}: ${pass.name}: wrong by ${error}`);
    prepared.push(one);
  }
  const contenders = [copyOf((pass.bytes / 2) * rows * units), ...prepared.map(({ contender }) => contender)];
  const timings = await measure(contenders, rounds);
  for (const { dispose } of [reference, ...prepared]) dispose();
  return timings.map((timing) => ({
    ...{ pass: pass.name, rows, units, backend: timing.name, min: timing.min, median: timing.median },
    timesCopy: ratioOf(timing, timings[0]),
  }));
}

export async function benchNorms(
  { rounds, backends: wanted, match }: BenchOptions,
  print: (text: string) => void,
): Promise<NormsReport> {
  const { ids, missing } = await entrantBackends(wanted);
  const { backends } = await openBackends(ids);
  print(`Normalisation, one thread, ${rounds} rounds${missingLines(missing)}`);
  const results: NormResult[] = [];
  for (const shape of shapes) {
    const ofShape: NormResult[] = [];
    for (const pass of passes.filter(({ name }) => match.test(name))) {
      ofShape.push(...(await measurePass(pass, shape, backends, rounds)));
    }
    if (ofShape.length > 0) print(formatNorms(shape, ofShape));
    results.push(...ofShape);
  }
  return { missing, results };
}

function formatNorms({ rows, units }: (typeof shapes)[number], results: NormResult[]): string {
  const lines = results.map(({ pass, backend, min, median, timesCopy }) => [
    `${pass}: ${backend}`,
    ...[min * 1e6, median * 1e6].map(formatNumber),
    formatRatio(timesCopy),
  ]);
  return `batches of ${rows} rows, ${units} units\n${formatTable(['', 'min µs', 'median µs', 'times copy'], lines)}`;
}
