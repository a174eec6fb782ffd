import {
  ActivationCode,
  BinaryCode,
  DecisionCode,
  ExtentCode,
  LossCode,
  type Opcode,
  ReductionCode,
  RowCode,
  UnaryCode,
} from '../opcodes.js';

/**
 * What an operand is:
 * - `buffer`: offset of a buffer in the arena, in elements; −1 where the operation may do without it
 * - `size`: a number of elements, columns or units
 * - `scalar`: index into the table of scalars; −1 where the operation may do without it
 * - the rest: a code from `opcodes.ts`, or a flag 0 | 1; a decision is −1 where none is made
 */
export type OperandKind =
  | 'buffer'
  | 'size'
  | 'scalar'
  | 'activation'
  | 'loss'
  | 'reduction'
  | 'decision'
  | 'flag'
  | 'extent'
  | 'unary'
  | 'binary'
  | 'rowFunction';

export interface Operation {
  readonly name: keyof typeof Opcode;
  readonly operands: readonly (readonly [name: string, kind: OperandKind])[];
  readonly formula: string;
}

/** Int32 places an operation takes in a plan: its opcode, its operands, zeros up to this width. */
export const OPERATION_STRIDE = 12;

const define = (
  name: keyof typeof Opcode,
  formula: string,
  operands: Record<string, OperandKind>,
): Operation => ({ name, formula, operands: Object.entries(operands) });

/**
 * Every operation a plan may hold, in the order of `Opcode`.
 *
 * Legend: `B` rows of the current batch, `I` inputs and `U` units of a layer. `X` is B×I, `W` I×U, `b` U,
 * `Z` and outputs B×U, all row-major: a plan keeps weights as inputs × units, so that products read them along
 * the units. `s` is 1 for the reduction `sum` and 1/B for `mean`. `f` is the activation, `E` the loss of a row.
 * The `map` operations compute expressions on B×C matrices, whose operands may be repeated as their extent says: a
 * `row` operand has one number per row, a `units` operand one per column. The output may be an operand of extent `full`.
 * `moments` is the first of five scalars in a row: beta1, beta2, epsilon, power1 = beta1^t, power2 = beta2^t.
 */
export const operations: readonly Operation[] = [
  define('gather_rows', 'output[r,j] = x[order[r],j] * scale[j] + offset[j]', {
    output: 'buffer',
    columns: 'size',
    scale: 'buffer',
    offset: 'buffer',
    perColumn: 'flag',
  }),
  define('gather_targets', 'output[r,j] = t[order[r],j]', { output: 'buffer', columns: 'size' }),
  define('gather_labels', 'output[r] = label[order[r]]', { output: 'buffer' }),
  define('linear_forward', 'netInput = X W + b; output = f(netInput)', {
    input: 'buffer',
    weights: 'buffer',
    biases: 'buffer',
    netInput: 'buffer',
    output: 'buffer',
    inputs: 'size',
    units: 'size',
    activation: 'activation',
  }),
  define('softmax_forward', 'output[r,j] = exp(z[r,j] - max z[r]) / sum_k exp(z[r,k] - max z[r])', {
    netInput: 'buffer',
    output: 'buffer',
    units: 'size',
  }),
  define('loss_backward', 'rowLosses[r] = E(x[r], t[r]); gradient = s dE/dx', {
    prediction: 'buffer',
    target: 'buffer',
    gradient: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    loss: 'loss',
    reduction: 'reduction',
  }),
  define('cross_entropy_labels', 'loss_backward for cross_entropy with t one-hot at labels[r]', {
    prediction: 'buffer',
    labels: 'buffer',
    gradient: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    reduction: 'reduction',
  }),
  define(
    'softmax_cross_entropy',
    'rowLosses[r] = sum_j t_j (lse(z) - z_j); delta = s (softmax(z) sum_j t_j - t)',
    {
      netInput: 'buffer',
      target: 'buffer',
      delta: 'buffer',
      rowLosses: 'buffer',
      units: 'size',
      reduction: 'reduction',
    },
  ),
  define('softmax_cross_entropy_labels', 'as softmax_cross_entropy, with t one-hot at labels[r]', {
    netInput: 'buffer',
    labels: 'buffer',
    delta: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    reduction: 'reduction',
  }),
  define(
    'sigmoid_binary_cross_entropy',
    'rowLosses[r] = sum_j max(z,0) - z t + ln(1 + exp(-|z|)); delta = s (sigmoid(z) - t)',
    {
      netInput: 'buffer',
      target: 'buffer',
      delta: 'buffer',
      rowLosses: 'buffer',
      units: 'size',
      reduction: 'reduction',
    },
  ),
  define('activation_backward', "delta = gradient * f'(netInput), with f' taken from the output", {
    gradient: 'buffer',
    output: 'buffer',
    delta: 'buffer',
    units: 'size',
    activation: 'activation',
  }),
  define('softmax_backward', 'delta_j = x_j (gradient_j - sum_k gradient_k x_k)', {
    gradient: 'buffer',
    output: 'buffer',
    delta: 'buffer',
    units: 'size',
  }),
  define(
    'linear_backward_weights',
    'weightGradient = X^T delta; biasGradient = column sums of delta; accumulate: added to what is there',
    {
      input: 'buffer',
      delta: 'buffer',
      weightGradient: 'buffer',
      biasGradient: 'buffer',
      inputs: 'size',
      units: 'size',
      accumulate: 'flag',
    },
  ),
  define('linear_backward_input', "gradient = (delta W^T) * f'(output), f of the layer below", {
    delta: 'buffer',
    weights: 'buffer',
    gradient: 'buffer',
    output: 'buffer',
    inputs: 'size',
    units: 'size',
    activation: 'activation',
  }),
  define('sum_losses', 'scalar loss += sum_r rowLosses[r]; scalar rows += B', { rowLosses: 'buffer' }),
  define('count_correct', 'scalar correct += rows, or shares of a row, decided as their targets', {
    prediction: 'buffer',
    target: 'buffer',
    units: 'size',
    decision: 'decision',
  }),
  define(
    'count_correct_labels',
    'scalar correct += rows whose first largest prediction stands at labels[r]',
    {
      prediction: 'buffer',
      labels: 'buffer',
      units: 'size',
    },
  ),
  define('advance_moments', 'power1 *= beta1; power2 *= beta2', { moments: 'scalar' }),
  define(
    'sgd_step',
    'g += weightDecay w; v = momentum v + g; w -= learningRate (nesterov ? g + momentum v : v)',
    {
      parameters: 'buffer',
      gradient: 'buffer',
      velocity: 'buffer',
      count: 'size',
      learningRate: 'scalar',
      momentum: 'scalar',
      weightDecay: 'scalar',
      nesterov: 'flag',
    },
  ),
  define(
    'adam_step',
    'm = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2; ' +
      'w -= learningRate (m / (1-power1)) / (sqrt(v / (1-power2)) + epsilon); ' +
      'weightDecay w is added to g, or w is first scaled by 1 - learningRate weightDecay when decoupled',
    {
      parameters: 'buffer',
      gradient: 'buffer',
      firstMoment: 'buffer',
      secondMoment: 'buffer',
      count: 'size',
      learningRate: 'scalar',
      moments: 'scalar',
      weightDecay: 'scalar',
      decoupled: 'flag',
    },
  ),
  define('scale_by_rate', 'delta[r,u] *= -learningRate', {
    delta: 'buffer',
    units: 'size',
    learningRate: 'scalar',
  }),
  define(
    'train_rows',
    'for each row by itself: forward, E, backward, W -= learningRate dE/dW; sums loss, correct and rows. W1 b1 W2 b2 … ' +
      'lie one after the other from parameters on; units are 0 where there is no layer. binary_cross_entropy after a ' +
      'sigmoid, and the decision with it, are taken from the net inputs',
    {
      parameters: 'buffer',
      inputs: 'size',
      units1: 'size',
      units2: 'size',
      units3: 'size',
      activation1: 'activation',
      activation2: 'activation',
      activation3: 'activation',
      loss: 'loss',
      decision: 'decision',
      learningRate: 'scalar',
    },
  ),
  define('store_rows', 'result[position + r, j] = output[r, j]', { output: 'buffer', units: 'size' }),
  define('map_unary', 'output[r,j] = function(a[r,j])', {
    a: 'buffer',
    aExtent: 'extent',
    output: 'buffer',
    columns: 'size',
    function: 'unary',
  }),
  define('map_binary', 'output[r,j] = function(a[r,j], b[r,j])', {
    a: 'buffer',
    aExtent: 'extent',
    b: 'buffer',
    bExtent: 'extent',
    output: 'buffer',
    columns: 'size',
    function: 'binary',
  }),
  define('map_where', 'output[r,j] = condition[r,j] != 0 ? a[r,j] : b[r,j]', {
    condition: 'buffer',
    conditionExtent: 'extent',
    a: 'buffer',
    aExtent: 'extent',
    b: 'buffer',
    bExtent: 'extent',
    output: 'buffer',
    columns: 'size',
  }),
  define(
    'map_row',
    'output[r] = function(a[r,0], a[r,1], ...); firstMax: output[r,j] = j is the first largest',
    {
      a: 'buffer',
      aExtent: 'extent',
      output: 'buffer',
      columns: 'size',
      function: 'rowFunction',
    },
  ),
  define('reduction_scale', 'output[0] = s', { output: 'buffer', reduction: 'reduction' }),
];

/** Names of the codes an operand of this kind may take, for printing. */
export const codeNames: Partial<Record<OperandKind, Record<number, string>>> = {
  activation: ActivationCode,
  loss: LossCode,
  reduction: ReductionCode,
  decision: DecisionCode,
  extent: ExtentCode,
  unary: UnaryCode,
  binary: BinaryCode,
  rowFunction: RowCode,
};
