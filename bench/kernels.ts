/**
 * GFLOP/s of the three products of training, through each backend's executor: a plan of one operation,
 * run for many steps in one call, so that nothing but the kernel and a switch is timed.
 *
 * Shapes are (batch B, units U, inputs I): forward is B×I · I×U, the gradient of the weights I×B · B×U,
 * that of the input B×U · U×I; each is 2·B·U·I floating-point operations.
 */

import type { Backend, BackendProvider, Numbers } from '../src/backends/backend.js';
import { nativeProvider } from '../src/backends/native/index.js';
import { referenceProvider } from '../src/backends/reference/index.js';
import { wasmProvider } from '../src/backends/wasm/index.js';
import { ActivationCode, ScalarCode } from '../src/opcodes.js';
import { Emitter } from '../src/plan/emitter.js';
import { Layout } from '../src/plan/layout.js';
import type { Plan } from '../src/plan/plan.js';
import { Random } from '../src/random.js';
import { formatNumber, formatTable, measure, time } from './harness.js';

interface Shape {
  batch: number;
  units: number;
  inputs: number;
}

const shapes: Shape[] = [
  [64, 128, 784],
  [128, 128, 784],
  [256, 512, 784],
  [128, 512, 512],
  [32, 256, 256],
  [64, 10, 128],
  [512, 512, 512],
  [1024, 1024, 1024],
].map(([batch, units, inputs]) => ({ batch, units, inputs }));

const products = ['linear_forward', 'linear_backward_weights', 'linear_backward_input'] as const;
type Product = (typeof products)[number];

interface KernelResult {
  backend: string;
  product: Product;
  shape: Shape;
  /** From the fastest and from the middle round. */
  maxGflops: number;
  medianGflops: number;
  /** Largest difference from the reference, as a share of the largest result. */
  error: number;
}

export interface KernelsReport {
  missing: { name: string; reason: string }[];
  results: KernelResult[];
}

/** A plan of one product, and where its operands and result lie. */
interface ProductPlan {
  plan: Plan;
  operands: { offset: number; length: number }[];
  result: { offset: number; length: number };
}

/** Largest share by which float32 may differ from float64 when k products are summed. */
const tolerance = (k: number) => 1e-6 * Math.sqrt(k);

const depths: Record<Product, (shape: Shape) => number> = {
  linear_forward: ({ inputs }) => inputs,
  linear_backward_weights: ({ batch }) => batch,
  linear_backward_input: ({ units }) => units,
};

function planProduct(product: Product, { batch, units, inputs }: Shape): ProductPlan {
  const layout = new Layout(batch);
  const emitter = new Emitter();
  const place = (name: string, rows: number, columns: number) => ({
    offset: layout.add(name, 'scratch', rows, columns),
    length: rows * columns,
  });
  const weights = place('weights', inputs, units);
  const biases = place('biases', 1, units);
  const input = place('input', batch, inputs);
  const delta = place('delta', batch, units);
  const activation = ActivationCode.linear;

  const build: Record<Product, () => Omit<ProductPlan, 'plan'>> = {
    linear_forward() {
      const operands = { input: input.offset, weights: weights.offset, biases: biases.offset };
      emitter.emit(product, { ...operands, netInput: -1, output: delta.offset, inputs, units, activation });
      return { operands: [input, weights, biases], result: delta };
    },
    linear_backward_weights() {
      const gradients = { weightGradient: weights.offset, biasGradient: biases.offset };
      const operands = { input: input.offset, delta: delta.offset, ...gradients };
      emitter.emit(product, { ...operands, inputs, units, accumulate: 0 });
      return { operands: [input, delta], result: weights };
    },
    linear_backward_input() {
      const output = place('output', batch, inputs);
      const operands = { delta: delta.offset, weights: weights.offset, output: output.offset };
      emitter.emit(product, { ...operands, gradient: input.offset, inputs, units, activation });
      return { operands: [delta, weights, output], result: input };
    },
  };
  const places = build[product]();
  const plan: Plan = {
    operations: emitter.operations(),
    programs: {},
    buffers: layout.buffers,
    scalars: layout.scalars,
    batchCapacity: batch,
    arenaLength: layout.length,
    persistentLength: 0,
    gradients: { offset: 0, length: 0 },
    learningRate: -1,
    steps: -1,
  };
  return { plan, ...places };
}

/** An executor with random operands, and a function that computes the product `repeats` times. */
async function prepare(backend: Backend, { plan, operands }: ProductPlan, { batch, inputs }: Shape) {
  const executor = await backend.createExecutor(plan, 1);
  const random = new Random(1);
  for (const { offset, length } of operands) {
    executor.write(
      offset,
      Float32Array.from({ length }, () => random.uniform() - 0.5),
    );
  }
  const rows = {
    count: batch,
    inputs: new Float32Array(batch * inputs),
    targets: null,
    labels: null,
    shared: false,
  };
  const run = (repeats: number) => {
    executor.run(rows, {
      program: { begin: 0, end: 1 },
      rowsPerEpoch: batch,
      batchSize: batch,
      firstStep: 0,
      steps: repeats,
      order: null,
      metrics: new Float64Array(repeats * ScalarCode.first_free),
      result: null,
    });
  };
  return { executor, run };
}

/** Largest difference as a share of the largest expected value. */
function relativeError(computed: Numbers, expected: Numbers): number {
  let difference = 0;
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    difference = Math.max(difference, Math.abs(computed[index] - expected[index]));
    largest = Math.max(largest, Math.abs(expected[index]));
  }
  return difference / largest;
}

async function openBackends() {
  const backends: Backend[] = [];
  const missing: KernelsReport['missing'] = [];
  for (const provider of [nativeProvider, wasmProvider] as BackendProvider[]) {
    for (const { id, usable, reason } of await provider.report()) {
      if (usable) backends.push(await provider.open(id));
      else missing.push({ name: id, reason: reason ?? 'not usable' });
    }
  }
  return { backends, missing };
}

async function measureProduct(
  product: Product,
  shape: Shape,
  backends: Backend[],
  rounds: number,
): Promise<KernelResult[]> {
  const planned = planProduct(product, shape);
  const { offset, length } = planned.result;
  const multiply = async (backend: Backend) => {
    const prepared = await prepare(backend, planned, shape);
    prepared.run(1);
    return { backend, ...prepared, computed: prepared.executor.read(offset, length) };
  };
  const reference = await multiply(await referenceProvider.open('reference'));
  const prepared = await Promise.all(backends.map(multiply));
  const errors = prepared.map(({ backend, computed }) => {
    const error = relativeError(computed, reference.computed);
    // Written so that NaN fails.
    if (error <= tolerance(depths[product](shape))) return error;
    const where = `${backend.id}: ${product} of ${formatShape(shape)}`;
    throw new Error(`${where} differs from the reference by ${error} of its largest result`);
  });

  const timings = await measure(
    prepared.map(({ backend, run }) => ({ name: backend.id, run: (repeats) => time(() => run(repeats)) })),
    rounds,
  );
  for (const { executor } of [reference, ...prepared]) executor.dispose();
  const gflop = (2 * shape.batch * shape.units * shape.inputs) / 1e9;
  return timings.map(({ name, min, median }, index) => ({
    backend: name,
    product,
    shape,
    maxGflops: gflop / min,
    medianGflops: gflop / median,
    error: errors[index],
  }));
}

export interface KernelsOptions {
  rounds: number;
  /** Backends that do not take part, before anything is timed. */
  onStart(missing: KernelsReport['missing']): void;
  /** Each shape as it is done. */
  onShape(results: KernelResult[]): void;
}

export async function benchKernels({ rounds, onStart, onShape }: KernelsOptions): Promise<KernelsReport> {
  const { backends, missing } = await openBackends();
  onStart(missing);
  const results: KernelResult[] = [];
  for (const shape of shapes) {
    const ofShape: KernelResult[] = [];
    for (const product of products) ofShape.push(...(await measureProduct(product, shape, backends, rounds)));
    onShape(ofShape);
    results.push(...ofShape);
  }
  return { missing, results };
}

function formatShape({ batch, units, inputs }: Shape): string {
  return `batch ${batch}, units ${units}, inputs ${inputs}`;
}

/** One shape: a line per backend, best and median GFLOP/s of each product. */
export function formatKernels(results: KernelResult[]): string {
  const header = ['GFLOP/s', ...products.flatMap((product) => [product, 'median'])];
  const rows = [...new Set(results.map(({ backend }) => backend))].map((backend) => [
    backend,
    ...results
      .filter((result) => result.backend === backend)
      .flatMap(({ maxGflops, medianGflops }) => [formatNumber(maxGflops), formatNumber(medianGflops)]),
  ]);
  return `${formatShape(results[0].shape)}\n${formatTable(header, rows)}`;
}
