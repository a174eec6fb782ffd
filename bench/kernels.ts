/**
 * GFLOP/s of the three products of training, through each backend's executor, next to OpenBLAS.
 *
 * Shapes are (batch B, units U, inputs I): forward is B×I · I×U, the gradient of the weights I×B · B×U,
 * that of the input B×U · U×I; each is 2·B·U·I floating-point operations.
 */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../src/backends/backend.js';
import { referenceProvider } from '../src/backends/reference/index.js';
import { ActivationCode } from '../src/opcodes.js';
import { Emitter } from '../src/plan/emitter.js';
import { Layout } from '../src/plan/layout.js';
import type { Plan } from '../src/plan/plan.js';
import {
  type Contender,
  measure,
  missingLines,
  openBackends,
  type Refusal,
  ratioOf,
  startPeers,
} from './harness.js';
import { fill, type Place, planOf, prepareOperation } from './operation-plan.js';
import type { BenchOptions } from './options.js';
import { openYardsticks, type Yardstick } from './peaks.js';
import type { Peer } from './peer.js';
import {
  formatNumber,
  formatPercent,
  formatRatio,
  formatTable,
  geometricMean,
  relativeError,
} from './tables.js';

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
  /** A backend, or `openblas`. */
  name: string;
  product: Product;
  shape: Shape;
  /** From the fastest and from the middle turn. */
  maxGflops: number;
  medianGflops: number;
  /** Largest difference from the reference, as a share of the largest result. */
  error: number;
  /**
   * Share of the peak, of the fastest turns: a neighbour takes less from multiply-adds on registers than from a product.
   * Speed as a multiple of OpenBLAS, the median of the turns.
   */
  peakShare?: number;
  ratio?: number;
}

export interface KernelsReport {
  missing: Refusal[];
  results: KernelResult[];
  /** Geometric mean of the ratios to OpenBLAS, and the smallest, per backend. */
  summary: { name: string; mean: number; worst: number }[];
}

/** A plan of one product, and where its operands and result lie. */
interface ProductPlan {
  plan: Plan;
  /** The two matrices first, then what else is read. */
  operands: Place[];
  result: Place;
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
  const place = (name: string, rows: number, columns: number): Place => ({
    offset: layout.add(name, 'scratch', rows, columns),
    length: rows * columns,
  });
  const weights = place('weights', inputs, units);
  // Zero, so that the result of forward is the product.
  const biases = place('biases', 1, units);
  const input = place('input', batch, inputs);
  const delta = place('delta', batch, units);
  const activation = ActivationCode.linear;

  const build: Record<Product, () => Omit<ProductPlan, 'plan'>> = {
    linear_forward() {
      const operands = { input: input.offset, weights: weights.offset, biases: biases.offset };
      emitter.emit(product, { ...operands, netInput: -1, output: delta.offset, inputs, units, activation });
      return { operands: [input, weights], result: delta };
    },
    linear_backward_weights() {
      // Without biases: the product alone, as a peer has it.
      const gradients = { weightGradient: weights.offset, biasGradient: -1 };
      const operands = { input: input.offset, delta: delta.offset, ...gradients };
      emitter.emit(product, { ...operands, inputs, units, accumulate: 0 });
      return { operands: [input, delta], result: weights };
    },
    linear_backward_input() {
      // Without the derivative of the layer below, likewise.
      const operands = { delta: delta.offset, weights: weights.offset, output: -1 };
      emitter.emit(product, { ...operands, gradient: input.offset, inputs, units, activation });
      return { operands: [delta, weights], result: input };
    },
  };
  const places = build[product]();
  return { plan: planOf(emitter, layout), ...places };
}

/** A contender that has computed the product once. */
interface Ready extends Contender {
  computed: ArrayLike<number>;
  dispose(): void;
}

async function readyBackend(backend: Backend, { plan, operands, result }: ProductPlan): Promise<Ready> {
  const { executor, run } = await prepareOperation(backend, plan);
  fill(executor, operands);
  run(1);
  const computed = executor.read(result.offset, result.length);
  return { name: backend.id, run, computed, dispose: () => executor.dispose() };
}

/** The product by a peer, on the operands that lie in an executor. */
async function readyPeer(
  peer: Peer,
  product: Product,
  { batch, units, inputs }: Shape,
  operands: Float32Array[],
): Promise<Ready> {
  const file = join(tmpdir(), `fastmlp-product-${process.pid}`);
  const bytes = Buffer.concat(operands.map(({ buffer }) => Buffer.from(buffer)));
  await writeFile(file, bytes);
  await peer.ask(`prepare ${product} ${batch} ${units} ${inputs} ${file}`);
  const answer = Uint8Array.from((await readFile(file)).subarray(bytes.length));
  await rm(file);
  const computed = new Float32Array(answer.buffer);
  return { name: peer.name, run: (repeats) => peer.run(repeats), computed, dispose() {} };
}

async function measureProduct(
  product: Product,
  shape: Shape,
  backends: Backend[],
  peers: Peer[],
  yardsticks: Yardstick[],
  rounds: number,
): Promise<KernelResult[]> {
  const planned = planProduct(product, shape);
  const { executor: reference, run } = await prepareOperation(
    await referenceProvider.open('reference'),
    planned.plan,
  );
  fill(reference, planned.operands);
  const matrices = planned.operands
    .slice(0, 2)
    .map(({ offset, length }) => Float32Array.from(reference.read(offset, length)));
  run(1);
  const expected = reference.read(planned.result.offset, planned.result.length);
  reference.dispose();

  const contenders: Ready[] = [];
  for (const backend of backends) contenders.push(await readyBackend(backend, planned));
  for (const peer of peers) contenders.push(await readyPeer(peer, product, shape, matrices));
  const errors = contenders.map(({ name, computed }) => {
    const error = relativeError(computed, expected);
    // Written so that NaN fails.
    if (error <= tolerance(depths[product](shape))) return error;
    const where = `${name}: ${product} of ${formatShape(shape)}`;
    throw new Error(`${where} differs from the reference by ${error} of its largest result`);
  });

  const all = await measure([...contenders, ...yardsticks], rounds);
  for (const contender of contenders) contender.dispose();
  const timings = all.slice(0, contenders.length);
  const peaks = all.slice(contenders.length);
  const flop = 2 * shape.batch * shape.units * shape.inputs;
  const openblas = timings.find(({ name }) => name === 'openblas');
  return timings.map((timing, index) => {
    const peak = yardsticks.findIndex(({ name }) => name === timing.name);
    return {
      name: timing.name,
      product,
      shape,
      maxGflops: flop / timing.min / 1e9,
      medianGflops: flop / timing.median / 1e9,
      error: errors[index],
      ...(peak >= 0 && { peakShare: (flop / timing.min) * (peaks[peak].min / yardsticks[peak].flop) }),
      ...(openblas && { ratio: ratioOf(openblas, timing) }),
    };
  });
}

function summarize(results: KernelResult[]): KernelsReport['summary'] {
  const names = new Set(results.filter(({ ratio }) => ratio !== undefined).map(({ name }) => name));
  names.delete('openblas');
  return [...names].map((name) => {
    const ratios = results.filter((result) => result.name === name).map(({ ratio }) => ratio!);
    return { name, mean: geometricMean(ratios), worst: Math.min(...ratios) };
  });
}

export async function benchKernels(
  { rounds, backends: wanted, match, peers: withPeers }: BenchOptions,
  print: (text: string) => void,
): Promise<KernelsReport> {
  const { backends, missing } = await openBackends(wanted);
  const { peers, missing: missingPeers } = await startPeers(withPeers ? ['openblas'] : []);
  const { yardsticks, missing: missingPeaks } = await openYardsticks(backends);
  missing.push(...missingPeers, ...missingPeaks);
  const versions = peers.map(({ name, version }) => `\n  ${name}: ${version}`).join('');
  print(`Products, one thread, ${rounds} rounds${versions}${missingLines(missing)}`);
  try {
    const results: KernelResult[] = [];
    for (const shape of shapes.filter((one) => match.test(formatShape(one)))) {
      const ofShape: KernelResult[] = [];
      for (const product of products) {
        ofShape.push(...(await measureProduct(product, shape, backends, peers, yardsticks, rounds)));
      }
      print(formatKernels(ofShape));
      results.push(...ofShape);
    }
    const summary = summarize(results);
    for (const { name, mean, worst } of summary) {
      print(`${name} × openblas: geometric mean ${formatRatio(mean)}, worst ${formatRatio(worst)}`);
    }
    return { missing, results, summary };
  } finally {
    for (const one of [...peers, ...yardsticks]) one.close();
  }
}

function formatShape({ batch, units, inputs }: Shape): string {
  return `batch ${batch}, units ${units}, inputs ${inputs}`;
}

/** One shape: a line per contender; of each product best and median GFLOP/s, share of the peak, ratio to OpenBLAS. */
function formatKernels(results: KernelResult[]): string {
  const header = ['GFLOP/s', ...products.flatMap((product) => [product, 'median', 'of peak', '× openblas'])];
  const rows = [...new Set(results.map(({ name }) => name))].map((name) => [
    name,
    ...results
      .filter((result) => result.name === name)
      .flatMap(({ maxGflops, medianGflops, peakShare, ratio }) => [
        formatNumber(maxGflops),
        formatNumber(medianGflops),
        formatPercent(peakShare),
        formatRatio(ratio),
      ]),
  ]);
  return `${formatShape(results[0].shape)}\n${formatTable(header, rows)}`;
}
