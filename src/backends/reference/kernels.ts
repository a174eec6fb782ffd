import { elementwiseActivations, sigmoid } from '../../activations.js';
import { binaryFunctions, softplus, unaryFunctions } from '../../expression/functions.js';
import type { BinaryName, UnaryName } from '../../expression/nodes.js';
import { lossDefinitions } from '../../losses.js';
import {
  BinaryCode,
  DecisionCode,
  ExtentCode,
  LossCode,
  type Opcode,
  ReductionCode,
  RowCode,
  ScalarCode,
  UnaryCode,
} from '../../opcodes.js';
import { OptimizerScalar } from '../../optimizer-scalars.js';
import type { Numbers } from '../backend.js';
import { gradientKernels } from './gradient-kernels.js';
import { maskKernels } from './mask-kernels.js';
import { normKernels } from './norm-kernels.js';
import { advanceOptimizer, optimizerStep } from './optimizer-rules.js';
import { trainRows } from './train-rows.js';

/** What a kernel of the reference works on: the arena, the scalars, and the batch at hand. */
export interface Batch {
  readonly arena: Float64Array;
  readonly scalars: Float64Array;
  /** Rows of the batch. */
  rows: number;
  /** Position of the batch's first row in its epoch. */
  position: number;
  /** Index into the data of row r of the batch. */
  source(r: number): number;
  inputs: ArrayLike<number>;
  targets: ArrayLike<number> | null;
  labels: ArrayLike<number> | null;
  result: Numbers | null;
}

export type Operands = Readonly<Record<string, number>>;
type Kernel = (batch: Batch, operands: Operands) => void;

const scaleOf = (batch: Batch, reduction: number): number =>
  reduction === ReductionCode.mean ? 1 / batch.rows : 1;

/** Element (r, j) of an operand of a `map` operation. */
function reader(
  arena: Float64Array,
  offset: number,
  extent: number,
  columns: number,
): (r: number, j: number) => number {
  switch (extent) {
    case ExtentCode.full:
      return (r, j) => arena[offset + r * columns + j];
    case ExtentCode.row:
      return (r) => arena[offset + r];
    case ExtentCode.units:
      return (_, j) => arena[offset + j];
    default:
      return () => arena[offset];
  }
}

/** Writes `at(r, j)` for all rows and columns of the output. */
function fill(
  { arena, rows }: Batch,
  { output, columns }: Operands,
  at: (r: number, j: number) => number,
): void {
  for (let r = 0; r < rows; r++) for (let j = 0; j < columns; j++) arena[output + r * columns + j] = at(r, j);
}

/** Index of the first largest of `units` numbers from `offset` on. */
function argmax(values: ArrayLike<number>, offset: number, units: number): number {
  let best = 0;
  for (let j = 1; j < units; j++) if (values[offset + j] > values[offset + best]) best = j;
  return best;
}

/** ln Σ exp(z), the largest taken out first. */
function logSumExp(values: Float64Array, offset: number, units: number): number {
  const largest = values[offset + argmax(values, offset, units)];
  let sum = 0;
  for (let j = 0; j < units; j++) sum += Math.exp(values[offset + j] - largest);
  return largest + Math.log(sum);
}

/** Rows of softmax cross-entropy, with the target of row r, column j given by `targetAt`. */
function softmaxCrossEntropy(batch: Batch, o: Operands, targetAt: (r: number, j: number) => number): void {
  const { arena } = batch;
  const scale = scaleOf(batch, o.reduction);
  for (let r = 0; r < batch.rows; r++) {
    const row = r * o.units;
    const lse = logSumExp(arena, o.netInput + row, o.units);
    let loss = 0;
    let targetSum = 0;
    for (let j = 0; j < o.units; j++) {
      const t = targetAt(r, j);
      targetSum += t;
      if (t !== 0) loss += t * (lse - arena[o.netInput + row + j]);
    }
    arena[o.rowLosses + r] = loss;
    if (o.delta < 0) continue;
    for (let j = 0; j < o.units; j++) {
      const x = Math.exp(arena[o.netInput + row + j] - lse);
      arena[o.delta + row + j] = scale * (x * targetSum - targetAt(r, j));
    }
  }
}

/** Rows of a loss on outputs, with the target of row r, column j given by `targetAt`. */
function lossBackward(
  batch: Batch,
  o: Operands,
  loss: number,
  targetAt: (r: number, j: number) => number,
): void {
  const { arena } = batch;
  const { value, derivative } = lossDefinitions[loss];
  const scale = scaleOf(batch, o.reduction);
  const share = 1 / o.units;
  for (let r = 0; r < batch.rows; r++) {
    let sum = 0;
    for (let j = 0; j < o.units; j++) {
      const element = r * o.units + j;
      const x = arena[o.prediction + element];
      const t = targetAt(r, j);
      sum += value(x, t, share);
      if (o.gradient >= 0) arena[o.gradient + element] = scale * derivative(x, t, share);
    }
    arena[o.rowLosses + r] = sum;
  }
}

/** Share of the columns of a row that are decided as their targets; for argmax, 0 or 1. */
function correctShare(batch: Batch, o: Operands, r: number): number {
  const { arena } = batch;
  const x = o.prediction + r * o.units;
  const t = o.target + r * o.units;
  if (o.decision === DecisionCode.argmax)
    return argmax(arena, x, o.units) === argmax(arena, t, o.units) ? 1 : 0;
  const threshold = o.decision === DecisionCode.half ? 0.5 : 0;
  let correct = 0;
  for (let j = 0; j < o.units; j++) if (arena[x + j] >= threshold === arena[t + j] >= 0.5) correct++;
  return correct / o.units;
}

/** The definition of every operation, in float64, one row and element after the other. */
export const kernels: Readonly<Record<keyof typeof Opcode, Kernel>> = {
  gather_rows(batch, { output, columns, scale, offset, perColumn }) {
    const { arena, inputs } = batch;
    for (let r = 0; r < batch.rows; r++) {
      for (let j = 0; j < columns; j++) {
        const column = perColumn ? j : 0;
        const factor = scale < 0 ? 1 : arena[scale + column];
        const shift = offset < 0 ? 0 : arena[offset + column];
        arena[output + r * columns + j] = inputs[batch.source(r) * columns + j] * factor + shift;
      }
    }
  },

  gather_targets(batch, { output, columns, width, first }) {
    const targets = batch.targets as ArrayLike<number>;
    for (let r = 0; r < batch.rows; r++) {
      for (let j = 0; j < columns; j++)
        batch.arena[output + r * columns + j] = targets[batch.source(r) * width + first + j];
    }
  },

  gather_labels(batch, { output }) {
    const labels = batch.labels as ArrayLike<number>;
    for (let r = 0; r < batch.rows; r++) batch.arena[output + r] = labels[batch.source(r)];
  },

  linear_forward(batch, { input, weights, biases, netInput, output, inputs, units, activation }) {
    const { arena } = batch;
    const { value } = elementwiseActivations[activation];
    for (let r = 0; r < batch.rows; r++) {
      for (let u = 0; u < units; u++) {
        let z = biases < 0 ? 0 : arena[biases + u];
        for (let i = 0; i < inputs; i++) z += arena[input + r * inputs + i] * arena[weights + i * units + u];
        if (netInput >= 0) arena[netInput + r * units + u] = z;
        arena[output + r * units + u] = value(z);
      }
    }
  },

  softmax_forward(batch, { netInput, output, units }) {
    const { arena } = batch;
    for (let r = 0; r < batch.rows; r++) {
      const row = r * units;
      const largest = arena[netInput + row + argmax(arena, netInput + row, units)];
      let sum = 0;
      for (let j = 0; j < units; j++) {
        arena[output + row + j] = Math.exp(arena[netInput + row + j] - largest);
        sum += arena[output + row + j];
      }
      for (let j = 0; j < units; j++) arena[output + row + j] /= sum;
    }
  },

  loss_backward(batch, o) {
    lossBackward(batch, o, o.loss, (r, j) => batch.arena[o.target + r * o.units + j]);
  },

  cross_entropy_labels(batch, o) {
    const crossEntropy = lossDefinitions.findIndex(({ code }) => code === LossCode.cross_entropy);
    lossBackward(batch, o, crossEntropy, (r, j) => (batch.arena[o.labels + r] === j ? 1 : 0));
  },

  softmax_cross_entropy(batch, o) {
    softmaxCrossEntropy(batch, o, (r, j) => batch.arena[o.target + r * o.units + j]);
  },

  softmax_cross_entropy_labels(batch, o) {
    softmaxCrossEntropy(batch, o, (r, j) => (batch.arena[o.labels + r] === j ? 1 : 0));
  },

  sigmoid_binary_cross_entropy(batch, { netInput, target, delta, rowLosses, units, reduction }) {
    const { arena } = batch;
    const scale = scaleOf(batch, reduction);
    for (let r = 0; r < batch.rows; r++) {
      let loss = 0;
      for (let j = 0; j < units; j++) {
        const z = arena[netInput + r * units + j];
        const t = arena[target + r * units + j];
        loss += softplus(z) - z * t;
        if (delta >= 0) arena[delta + r * units + j] = scale * (sigmoid(z) - t);
      }
      arena[rowLosses + r] = loss;
    }
  },

  activation_backward(batch, { gradient, output, delta, units, activation }) {
    const { arena } = batch;
    const { derivativeFromOutput } = elementwiseActivations[activation];
    for (let element = 0; element < batch.rows * units; element++) {
      arena[delta + element] = arena[gradient + element] * derivativeFromOutput(arena[output + element]);
    }
  },

  softmax_backward(batch, { gradient, output, delta, units }) {
    const { arena } = batch;
    for (let r = 0; r < batch.rows; r++) {
      const row = r * units;
      let mean = 0;
      for (let j = 0; j < units; j++) mean += arena[gradient + row + j] * arena[output + row + j];
      for (let j = 0; j < units; j++) {
        arena[delta + row + j] = arena[output + row + j] * (arena[gradient + row + j] - mean);
      }
    }
  },

  linear_backward_weights(batch, { input, delta, weightGradient, biasGradient, inputs, units, accumulate }) {
    const { arena } = batch;
    const put = (index: number, sum: number): void => {
      arena[index] = accumulate ? arena[index] + sum : sum;
    };
    for (let u = 0; u < units; u++) {
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        for (let r = 0; r < batch.rows; r++)
          sum += arena[input + r * inputs + i] * arena[delta + r * units + u];
        put(weightGradient + i * units + u, sum);
      }
      if (biasGradient < 0) continue;
      let sum = 0;
      for (let r = 0; r < batch.rows; r++) sum += arena[delta + r * units + u];
      put(biasGradient + u, sum);
    }
  },

  linear_backward_input(batch, { delta, weights, gradient, output, inputs, units, activation }) {
    const { arena } = batch;
    const { derivativeFromOutput } = elementwiseActivations[activation];
    for (let r = 0; r < batch.rows; r++) {
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        for (let u = 0; u < units; u++) sum += arena[delta + r * units + u] * arena[weights + i * units + u];
        const x = output < 0 ? 0 : arena[output + r * inputs + i];
        arena[gradient + r * inputs + i] = output < 0 ? sum : sum * derivativeFromOutput(x);
      }
    }
  },

  ...normKernels,

  sum_losses({ arena, scalars, rows }, { rowLosses }) {
    for (let r = 0; r < rows; r++) scalars[ScalarCode.loss] += arena[rowLosses + r];
    scalars[ScalarCode.rows] += rows;
  },

  count_correct(batch, o) {
    for (let r = 0; r < batch.rows; r++) batch.scalars[ScalarCode.correct] += correctShare(batch, o, r);
  },

  count_correct_labels({ arena, scalars, rows }, { prediction, labels, units }) {
    for (let r = 0; r < rows; r++) {
      if (argmax(arena, prediction + r * units, units) === arena[labels + r])
        scalars[ScalarCode.correct] += 1;
    }
  },

  advance_moments({ scalars }, { moments }) {
    const [beta1, beta2] = scalars.subarray(moments, moments + 2);
    scalars[moments + 3] *= beta1;
    scalars[moments + 4] *= beta2;
  },

  sgd_step(batch, { parameters, gradient, velocity, count, learningRate, momentum, weightDecay, nesterov }) {
    const { arena, scalars } = batch;
    const rate = scalars[learningRate];
    const decay = weightDecay < 0 ? 0 : scalars[weightDecay];
    for (let index = 0; index < count; index++) {
      const g = arena[gradient + index] + decay * arena[parameters + index];
      let step = g;
      if (velocity >= 0) {
        const v = scalars[momentum] * arena[velocity + index] + g;
        arena[velocity + index] = v;
        step = nesterov ? g + scalars[momentum] * v : v;
      }
      arena[parameters + index] -= rate * step;
    }
  },

  adam_step(batch, o) {
    const { arena, scalars } = batch;
    const rate = scalars[o.learningRate];
    const decay = o.weightDecay < 0 ? 0 : scalars[o.weightDecay];
    const [beta1, beta2, epsilon, power1, power2] = scalars.subarray(o.moments, o.moments + 5);
    for (let index = 0; index < o.count; index++) {
      const w = arena[o.parameters + index];
      const g = arena[o.gradient + index] + (o.decoupled ? 0 : decay * w);
      const m = beta1 * arena[o.firstMoment + index] + (1 - beta1) * g;
      const v = beta2 * arena[o.secondMoment + index] + (1 - beta2) * g * g;
      arena[o.firstMoment + index] = m;
      arena[o.secondMoment + index] = v;
      const kept = o.decoupled ? w * (1 - rate * decay) : w;
      arena[o.parameters + index] =
        kept - (rate * (m / (1 - power1))) / (Math.sqrt(v / (1 - power2)) + epsilon);
    }
  },

  scale_by_rate({ arena, scalars, rows }, { delta, units, learningRate }) {
    for (let index = 0; index < rows * units; index++) arena[delta + index] *= -scalars[learningRate];
  },

  train_rows(batch, o) {
    trainRows(batch, o);
  },

  advance_optimizer({ scalars: table }, { scalars, learningRate, rule }) {
    advanceOptimizer(rule, table.subarray(scalars, scalars + OptimizerScalar.count), table[learningRate]);
  },

  optimizer_step({ arena, scalars: table }, { scalars, rule, ...o }) {
    const coefficients = table.subarray(
      scalars + OptimizerScalar.intoGradient,
      scalars + OptimizerScalar.count,
    );
    optimizerStep(rule, arena, coefficients, o);
  },

  ...gradientKernels,

  store_rows({ arena, rows, position, result }, { output, units }) {
    const stored = arena.subarray(output, output + rows * units);
    (result as Numbers).set(stored, position * units);
  },

  map_unary(batch, o) {
    const a = reader(batch.arena, o.a, o.aExtent, o.columns);
    const apply =
      o.function === UnaryCode.copy ? (x: number) => x : unaryFunctions[UnaryCode[o.function] as UnaryName];
    fill(batch, o, (r, j) => apply(a(r, j)));
  },

  map_binary(batch, o) {
    const a = reader(batch.arena, o.a, o.aExtent, o.columns);
    const b = reader(batch.arena, o.b, o.bExtent, o.columns);
    const apply = binaryFunctions[BinaryCode[o.function] as BinaryName];
    fill(batch, o, (r, j) => apply(a(r, j), b(r, j)));
  },

  map_where(batch, o) {
    const condition = reader(batch.arena, o.condition, o.conditionExtent, o.columns);
    const a = reader(batch.arena, o.a, o.aExtent, o.columns);
    const b = reader(batch.arena, o.b, o.bExtent, o.columns);
    fill(batch, o, (r, j) => (condition(r, j) !== 0 ? a(r, j) : b(r, j)));
  },

  map_row(batch, o) {
    const a = reader(batch.arena, o.a, o.aExtent, o.columns);
    for (let r = 0; r < batch.rows; r++) {
      const row = Array.from({ length: o.columns }, (_, j) => a(r, j));
      const first = argmax(row, 0, o.columns);
      if (o.function === RowCode.firstMax) {
        for (let j = 0; j < o.columns; j++) batch.arena[o.output + r * o.columns + j] = Number(j === first);
      } else {
        const isSum = o.function === RowCode.rowSum;
        batch.arena[o.output + r] = isSum ? row.reduce((sum, value) => sum + value, 0) : row[first];
      }
    }
  },

  reduction_scale(batch, { output, reduction }) {
    batch.arena[output] = scaleOf(batch, reduction);
  },

  activation_forward({ arena, rows }, { netInput, output, units, activation }) {
    const { value } = elementwiseActivations[activation];
    for (let index = 0; index < rows * units; index++) arena[output + index] = value(arena[netInput + index]);
  },

  ...maskKernels,
};
