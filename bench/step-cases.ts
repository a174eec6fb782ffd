/** Networks to train, with the weights and rows that every contender starts from. */

import { Random } from '../src/random.js';
import type { PeerName } from './peer.js';

/** Plain data: it goes to the peers as JSON. */
export interface StepCase {
  name: string;
  /** Inputs, then the units of each layer. */
  sizes: number[];
  hidden: 'relu' | 'tanh' | 'sigmoid';
  loss: 'crossEntropy' | 'meanSquaredError' | 'binaryCrossEntropy' | 'halfSquaredError';
  optimizer: { kind: 'sgd'; learningRate: number } | { kind: 'adam'; learningRate: number; epsilon: number };
  batch: number;
  rows: number;
  /** `step`: one call of trainBatch a step, on one batch; `fit`: one call of fit for all of a round's steps. */
  mode: 'step' | 'fit';
  /** A new order of rows each epoch, whose rows are gathered. The check trains without it. */
  shuffle: boolean;
  /** The rows are digits of MNIST, four of five numbers zero, instead of random numbers. */
  digits: boolean;
  /** The first rows and the epochs of them that contenders are checked on; `checkRows` is a multiple of `batch`. */
  checkRows: number;
  checkEpochs: number;
  /** The libraries that can do this. */
  peers: readonly PeerName[];
}

/** Mean loss over all rows, before training and after some steps. */
export interface Check {
  before: number;
  after: number;
}

/** Weights, inputs and targets of a case, all float32 and row-major. */
export interface StepData {
  layers: { weights: Float32Array; biases: Float32Array }[];
  x: Float32Array;
  /** One label per row with cross-entropy, else rows × outputs. */
  t: Float32Array;
}

const sgd = { kind: 'sgd', learningRate: 0.1 } as const;
const adam = { kind: 'adam', learningRate: 1e-3, epsilon: 1e-8 } as const;

function classifier(
  sizes: number[],
  batch: number,
  optimizer: StepCase['optimizer'],
  rows = batch,
): StepCase {
  const mode = rows === batch ? 'step' : 'fit';
  const name = `${sizes.join('-')} ${optimizer.kind}, batch ${batch}${mode === 'fit' ? ', fit' : ''}`;
  return {
    name,
    sizes,
    hidden: 'relu',
    loss: 'crossEntropy',
    optimizer,
    batch,
    rows,
    mode,
    shuffle: false,
    digits: false,
    checkRows: rows,
    checkEpochs: 3,
    peers: ['torch', 'tfjs'],
  };
}

const tiny = classifier([2, 2, 1], 1, sgd, 4);

/** An epoch of the size of MNIST. */
const epoch: StepCase = {
  ...classifier([784, 128, 10], 64, adam, 60000),
  shuffle: true,
  checkRows: 512,
  peers: ['torch'],
};

export const stepCases: StepCase[] = [
  classifier([784, 128, 10], 1, sgd),
  classifier([784, 128, 10], 16, sgd),
  classifier([784, 128, 10], 64, sgd),
  classifier([784, 128, 10], 64, adam),
  classifier([784, 128, 10], 64, adam, 2048),
  { ...epoch, name: '784-128-10 adam, batch 64, fit, epoch of 60,000 rows' },
  { ...epoch, name: '784-128-10 adam, batch 64, fit, epoch of MNIST', digits: true },
  classifier([784, 128, 10], 512, adam),
  classifier([784, 512, 512, 10], 128, adam),
  classifier([1536, 256, 10], 64, adam),
  { ...classifier([30, 64, 64, 1], 32, adam), loss: 'meanSquaredError' },
  classifier([100, 200, 100, 5], 256, adam),
  { ...tiny, hidden: 'tanh', loss: 'binaryCrossEntropy' },
  {
    ...tiny,
    name: '2-2-1 sigmoid XOR sgd, batch 1, fit',
    optimizer: { kind: 'sgd', learningRate: 0.5 },
    hidden: 'sigmoid',
    loss: 'halfSquaredError',
    checkEpochs: 100,
    peers: ['fann'],
  },
];

/** Too large for the reference: timed only where thread counts are compared with each other. */
export const largeCase: StepCase = classifier([784, 2048, 2048, 2048, 10], 256, adam);

export const stepsPerEpoch = ({ rows, batch }: StepCase): number => Math.ceil(rows / batch);

/** Steps a contender trains before its losses are looked at. */
export function checkSteps({ checkRows, checkEpochs, batch }: StepCase): number {
  return (checkEpochs * checkRows) / batch;
}

/** Floating-point operations for one row: two products per layer backward, one less in the first, one forward. */
export function rowFlops({ sizes }: Pick<StepCase, 'sizes'>): number {
  const products = sizes.slice(1).map((units, index) => units * sizes[index]);
  const total = products.reduce((sum, product) => sum + product, 0);
  return 2 * (3 * total - products[0]);
}

/** XOR where the loss wants numbers of one output from two inputs. */
const xor = { x: [0, 0, 0, 1, 1, 0, 1, 1], t: [0, 1, 1, 0] };

/** The same numbers for a case every time: He-uniform weights, inputs in [-0.5, 0.5) or XOR, any targets. */
export function createData({ sizes, loss, rows }: Pick<StepCase, 'sizes' | 'loss' | 'rows'>): StepData {
  const random = new Random(1);
  const uniform = (length: number, limit: number) =>
    Float32Array.from({ length }, () => (2 * random.uniform() - 1) * limit);
  const layers = sizes.slice(1).map((units, index) => ({
    weights: uniform(units * sizes[index], Math.sqrt(6 / sizes[index])),
    biases: new Float32Array(units),
  }));
  if (loss === 'halfSquaredError') {
    return { layers, x: Float32Array.from(xor.x), t: Float32Array.from(xor.t) };
  }
  const x = uniform(rows * sizes[0], 0.5);
  const outputs = sizes[sizes.length - 1];
  const labels = (length: number, classes: number) =>
    Float32Array.from({ length }, () => random.integer(classes));
  if (loss === 'crossEntropy') return { layers, x, t: labels(rows, outputs) };
  return {
    layers,
    x,
    t: loss === 'meanSquaredError' ? uniform(rows * outputs, 1) : labels(rows * outputs, 2),
  };
}

/**
 * The bytes that peers read: little-endian float32 values, per layer weights (units × inputs) and biases (units), then
 * inputs (rows × inputs), then targets (rows × outputs, or one label per row).
 */
export function encodeData({ layers, x, t }: StepData): Uint8Array {
  const arrays = [...layers.flatMap(({ weights, biases }) => [weights, biases]), x, t];
  return Buffer.concat(
    arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  );
}
