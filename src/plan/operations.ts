import {
  ActivationCode,
  BinaryCode,
  ClipCode,
  DecisionCode,
  ExtentCode,
  LossCode,
  type Opcode,
  OptimizerCode,
  ReductionCode,
  RowCode,
  UnaryCode,
} from '../opcodes.js';
import { OPERATION_STRIDE, PlaceKind } from './encoding.js';

export { OPERATION_STRIDE };

/**
 * What an operand is:
 * - `buffer`: offset of a buffer in the arena, in elements; −1 where the operation may do without it
 * - `size`: a number of elements, columns or units
 * - `index`: a number of elements to skip
 * - `scalar`: index into the table of scalars; −1 where the operation may do without it
 * - the rest: a code from `opcodes.ts`, or a flag 0 | 1; a decision is −1 where none is made
 */
export type OperandKind =
  | 'buffer'
  | 'size'
  | 'index'
  | 'scalar'
  | 'activation'
  | 'loss'
  | 'reduction'
  | 'decision'
  | 'flag'
  | 'extent'
  | 'unary'
  | 'binary'
  | 'rowFunction'
  | 'rule'
  | 'clip';

export interface Operation {
  readonly name: keyof typeof Opcode;
  readonly operands: readonly (readonly [name: string, kind: OperandKind])[];
}

const define = (name: keyof typeof Opcode, operands: Record<string, OperandKind>): Operation => ({
  name,
  operands: Object.entries(operands),
});

/**
 * Every operation a plan may hold, in the order of `Opcode`.
 *
 * Legend: `B` rows of the current batch, `I` inputs and `U` units of a layer. `X` is B×I, `W` I×U, `b` U,
 * `Z` and outputs B×U, all row-major: a plan keeps weights as inputs × units, so that products read them along
 * the units. `s` is 1 for the reduction `sum` and 1/B for `mean`. `f` is the activation, `E` the loss of a row.
 * The `map` operations compute expressions on B×C matrices, whose operands may be repeated as their extent says: a
 * `row` operand has one number per row, a `units` operand one per column. The output may be an operand of extent `full`.
 * Of a normalisation `X` is B×U, `gamma`, `beta` and what is running U; `mean` and `inverseDeviation` are U over the rows,
 * B over the units, and kept from forward to backward. `gradient` may be `delta`; gammas are 1 and betas 0 where absent.
 * `scalars` of an optimizer is the first of those of `OptimizerScalar`, whose coefficients its formulas name.
 * `masks` is the first of two scalars: a key, and the number of the step. Masks have 24 random bits for each element,
 * which follow from both, the number of the layer, and the place in the batch; `mask-kernels.ts` of the reference has how.
 * `moments` is the first of five scalars in a row: beta1, beta2, epsilon, power1 = beta1^t, power2 = beta2^t.
 */
export const operations: readonly Operation[] = [
  /** output[r,j] = x[order[r],j] * scale[j] + offset[j] */
  define('gather_rows', {
    output: 'buffer',
    columns: 'size',
    scale: 'buffer',
    offset: 'buffer',
    perColumn: 'flag',
  }),
  /** output[r,j] = t[order[r], first + j], where a row of t has `width` numbers */
  define('gather_targets', {
    output: 'buffer',
    columns: 'size',
    width: 'size',
    first: 'index',
  }),
  /** output[r] = label[order[r]] */
  define('gather_labels', { output: 'buffer' }),
  /** netInput = X W + b; output = f(netInput) */
  define('linear_forward', {
    input: 'buffer',
    weights: 'buffer',
    biases: 'buffer',
    netInput: 'buffer',
    output: 'buffer',
    inputs: 'size',
    units: 'size',
    activation: 'activation',
  }),
  /** output[r,j] = exp(z[r,j] - max z[r]) / sum_k exp(z[r,k] - max z[r]) */
  define('softmax_forward', {
    netInput: 'buffer',
    output: 'buffer',
    units: 'size',
  }),
  /** rowLosses[r] = E(x[r], t[r]); gradient = s dE/dx */
  define('loss_backward', {
    prediction: 'buffer',
    target: 'buffer',
    gradient: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    loss: 'loss',
    reduction: 'reduction',
  }),
  /** loss_backward for cross_entropy with t one-hot at labels[r] */
  define('cross_entropy_labels', {
    prediction: 'buffer',
    labels: 'buffer',
    gradient: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    reduction: 'reduction',
  }),
  /** rowLosses[r] = sum_j t_j (lse(z) - z_j); delta = s (softmax(z) sum_j t_j - t) */
  define('softmax_cross_entropy', {
    netInput: 'buffer',
    target: 'buffer',
    delta: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    reduction: 'reduction',
  }),
  /** as softmax_cross_entropy, with t one-hot at labels[r] */
  define('softmax_cross_entropy_labels', {
    netInput: 'buffer',
    labels: 'buffer',
    delta: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    reduction: 'reduction',
  }),
  /** rowLosses[r] = sum_j max(z,0) - z t + ln(1 + exp(-|z|)); delta = s (sigmoid(z) - t) */
  define('sigmoid_binary_cross_entropy', {
    netInput: 'buffer',
    target: 'buffer',
    delta: 'buffer',
    rowLosses: 'buffer',
    units: 'size',
    reduction: 'reduction',
  }),
  /** delta = gradient * f'(netInput), with f' taken from the output */
  define('activation_backward', {
    gradient: 'buffer',
    output: 'buffer',
    delta: 'buffer',
    units: 'size',
    activation: 'activation',
  }),
  /** delta_j = x_j (gradient_j - sum_k gradient_k x_k) */
  define('softmax_backward', {
    gradient: 'buffer',
    output: 'buffer',
    delta: 'buffer',
    units: 'size',
  }),
  /** weightGradient = X^T delta; biasGradient = column sums of delta; accumulate: added to what is there */
  define('linear_backward_weights', {
    input: 'buffer',
    delta: 'buffer',
    weightGradient: 'buffer',
    biasGradient: 'buffer',
    inputs: 'size',
    units: 'size',
    accumulate: 'flag',
  }),
  /** gradient = (delta W^T) * f'(output), f of the layer below */
  define('linear_backward_input', {
    delta: 'buffer',
    weights: 'buffer',
    gradient: 'buffer',
    output: 'buffer',
    inputs: 'size',
    units: 'size',
    activation: 'activation',
  }),
  /**
   * over the rows: mean, variance = mean of (X - mean)^2, inverseDeviation = 1 / sqrt(variance + epsilon); output =
   * gamma (X - mean) * inverseDeviation + beta; runningMean += momentum (mean - runningMean); runningVariance
   * likewise, with B / (B - 1) variance, and not for B = 1; without a momentum mean and variance are the running
   * ones, which stay as they are
   */
  define('batch_norm_forward', {
    input: 'buffer',
    output: 'buffer',
    mean: 'buffer',
    inverseDeviation: 'buffer',
    runningMean: 'buffer',
    runningVariance: 'buffer',
    gamma: 'buffer',
    beta: 'buffer',
    units: 'size',
    epsilon: 'scalar',
    momentum: 'scalar',
  }),
  /**
   * N = (X - mean) * inverseDeviation; over the rows: betaGradient = sum of delta, gammaGradient = sum of delta * N,
   * accumulate: added to what is there; gradient = gamma inverseDeviation *
   * (throughMoments ? delta - mean of delta - N * mean of (delta * N) : delta)
   */
  define('batch_norm_backward', {
    input: 'buffer',
    delta: 'buffer',
    mean: 'buffer',
    inverseDeviation: 'buffer',
    gamma: 'buffer',
    gammaGradient: 'buffer',
    betaGradient: 'buffer',
    gradient: 'buffer',
    units: 'size',
    accumulate: 'flag',
    throughMoments: 'flag',
  }),
  /**
   * over the units of a row: mean, variance = mean of (X - mean)^2, inverseDeviation = 1 / sqrt(variance + epsilon);
   * output = gamma (X - mean) * inverseDeviation + beta
   */
  define('layer_norm_forward', {
    input: 'buffer',
    output: 'buffer',
    mean: 'buffer',
    inverseDeviation: 'buffer',
    gamma: 'buffer',
    beta: 'buffer',
    units: 'size',
    epsilon: 'scalar',
  }),
  /**
   * N = (X - mean) * inverseDeviation; over the rows: betaGradient = sum of delta, gammaGradient = sum of delta * N,
   * accumulate: added to what is there
   */
  define('layer_norm_backward_weights', {
    input: 'buffer',
    delta: 'buffer',
    mean: 'buffer',
    inverseDeviation: 'buffer',
    gammaGradient: 'buffer',
    betaGradient: 'buffer',
    units: 'size',
    accumulate: 'flag',
  }),
  /** d = gamma delta; over the units of a row: gradient = inverseDeviation * (d - mean of d - N * mean of (d * N)) */
  define('layer_norm_backward_input', {
    input: 'buffer',
    delta: 'buffer',
    mean: 'buffer',
    inverseDeviation: 'buffer',
    gamma: 'buffer',
    gradient: 'buffer',
    units: 'size',
  }),
  /** scalar loss += sum_r rowLosses[r]; scalar rows += B */
  define('sum_losses', { rowLosses: 'buffer' }),
  /** scalar correct += rows, or shares of a row, decided as their targets */
  define('count_correct', {
    prediction: 'buffer',
    target: 'buffer',
    units: 'size',
    decision: 'decision',
  }),
  /** scalar correct += rows whose first largest prediction stands at labels[r] */
  define('count_correct_labels', {
    prediction: 'buffer',
    labels: 'buffer',
    units: 'size',
  }),
  /** power1 *= beta1; power2 *= beta2 */
  define('advance_moments', { moments: 'scalar' }),
  /** g += weightDecay w; v = momentum v + g; w -= learningRate (nesterov ? g + momentum v : v) */
  define('sgd_step', {
    parameters: 'buffer',
    gradient: 'buffer',
    velocity: 'buffer',
    count: 'size',
    learningRate: 'scalar',
    momentum: 'scalar',
    weightDecay: 'scalar',
    nesterov: 'flag',
  }),
  /**
   * m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2; w -= learningRate (m / (1-power1)) / (sqrt(v / (1-power2))
   * + epsilon); weightDecay w is added to g, or w is first scaled by 1 - learningRate weightDecay when decoupled
   */
  define('adam_step', {
    parameters: 'buffer',
    gradient: 'buffer',
    firstMoment: 'buffer',
    secondMoment: 'buffer',
    count: 'size',
    learningRate: 'scalar',
    moments: 'scalar',
    weightDecay: 'scalar',
    decoupled: 'flag',
  }),
  /** delta[r,u] *= -learningRate */
  define('scale_by_rate', {
    delta: 'buffer',
    units: 'size',
    learningRate: 'scalar',
  }),
  /**
   * for each row by itself: forward, E, backward, W -= learningRate dE/dW; sums loss, correct and rows. W1 b1 W2 b2 …
   * lie one after the other from parameters on; units are 0 where there is no layer. binary_cross_entropy after a
   * sigmoid, and the decision with it, are taken from the net inputs
   */
  define('train_rows', {
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
  }),
  /** steps += 1, powers and products go on, coefficients = those of the next step */
  define('advance_optimizer', {
    scalars: 'scalar',
    learningRate: 'scalar',
    rule: 'rule',
  }),
  /**
   * g += intoGradient w; amsgrad, nadam, radam: m = c0 m + c1 g; v = c2 v + c3 g^2; u = max(u, v) with a third state,
   * else v; w = kept w - (c4 g + c5 m) / (c6 sqrt(u) + c7). adamax: m = c0 m + c1 g; u = max(c2 u, |g| + c3); w = kept
   * w - c4 m / u. rmsprop, adagrad: v = c0 v + c1 g^2; n = c0 n + c1 g; d = g / (sqrt(v - n^2) + c3); b = c2 b + d; w =
   * kept w - c4 b, with b second and n third where they are. adadelta: v = c0 v + c1 g^2; d = g sqrt(s + c2) / sqrt(v +
   * c2); s = c0 s + c1 d^2; w = kept w - c3 d. lion: w = kept w - c4 sign(c0 m + c1 g); m = c2 m + c3 g. rprop: size *=
   * c0 where g keeps the sign of the last gradient, c1 and g = 0 where not, into [c2, c3]; w -= sign(g) size; last = g
   */
  define('optimizer_step', {
    parameters: 'buffer',
    gradient: 'buffer',
    state1: 'buffer',
    state2: 'buffer',
    state3: 'buffer',
    count: 'size',
    scalars: 'scalar',
    rule: 'rule',
  }),
  /** batches = first ? 1 : batches + 1 */
  define('count_batches', { batches: 'scalar', first: 'flag' }),
  /** sums[b] = sum of g^2 over block b, the last one shorter */
  define('gradient_squares', {
    gradient: 'buffer',
    count: 'size',
    block: 'size',
    sums: 'buffer',
  }),
  /** norm = sqrt(sum of the sums) */
  define('gradient_norm', { sums: 'buffer', count: 'size', norm: 'scalar' }),
  /** value: g into [-limit, limit]; norm: g *= min(1, limit / measure); mean: g /= measure */
  define('clip_gradient', {
    gradient: 'buffer',
    count: 'size',
    kind: 'clip',
    limit: 'scalar',
    measure: 'scalar',
  }),
  /** g += p (l1 sign(w) + l2 w), where p is 1/B with perRow, else 1 */
  define('penalty', {
    parameters: 'buffer',
    gradient: 'buffer',
    count: 'size',
    l1: 'scalar',
    l2: 'scalar',
    perRow: 'flag',
  }),
  /** columns of W scaled down to the norm `limit` where theirs is larger */
  define('max_norm', {
    weights: 'buffer',
    inputs: 'size',
    units: 'size',
    limit: 'scalar',
  }),
  /** average += (1 - decay) (w - average) */
  define('average_step', {
    parameters: 'buffer',
    average: 'buffer',
    count: 'size',
    decay: 'scalar',
  }),
  /** result[position + r, j] = output[r, j] */
  define('store_rows', { output: 'buffer', units: 'size' }),
  /** output[r,j] = function(a[r,j]) */
  define('map_unary', {
    a: 'buffer',
    aExtent: 'extent',
    output: 'buffer',
    columns: 'size',
    function: 'unary',
  }),
  /** output[r,j] = function(a[r,j], b[r,j]) */
  define('map_binary', {
    a: 'buffer',
    aExtent: 'extent',
    b: 'buffer',
    bExtent: 'extent',
    output: 'buffer',
    columns: 'size',
    function: 'binary',
  }),
  /** output[r,j] = condition[r,j] != 0 ? a[r,j] : b[r,j] */
  define('map_where', {
    condition: 'buffer',
    conditionExtent: 'extent',
    a: 'buffer',
    aExtent: 'extent',
    b: 'buffer',
    bExtent: 'extent',
    output: 'buffer',
    columns: 'size',
  }),
  /** output[r] = function(a[r,0], a[r,1], ...); firstMax: output[r,j] = j is the first largest */
  define('map_row', {
    a: 'buffer',
    aExtent: 'extent',
    output: 'buffer',
    columns: 'size',
    function: 'rowFunction',
  }),
  /** output[0] = s */
  define('reduction_scale', { output: 'buffer', reduction: 'reduction' }),
  /** output = f(netInput) */
  define('activation_forward', {
    netInput: 'buffer',
    output: 'buffer',
    units: 'size',
    activation: 'activation',
  }),
  /** step of the masks += 1 */
  define('next_masks', {
    masks: 'scalar',
  }),
  /** with d = dropped / 2^24: output = 0 where the bits of the mask are below `dropped`, input / (1 - d) elsewhere */
  define('dropout', {
    input: 'buffer',
    output: 'buffer',
    units: 'size',
    dropped: 'index',
    layer: 'index',
    masks: 'scalar',
  }),
  /** output = input + deviation n, n a standard normal number */
  define('gaussian_noise', {
    input: 'buffer',
    output: 'buffer',
    units: 'size',
    deviation: 'scalar',
    layer: 'index',
    masks: 'scalar',
  }),
];

/** A `PlaceKind` for each integer of some operations. */
export function placeKindsOf(words: Int32Array): Uint8Array {
  const kinds = new Uint8Array(words.length);
  for (let begin = 0; begin < words.length; begin += OPERATION_STRIDE) {
    operations[words[begin]].operands.forEach(([, kind], index) => {
      if (kind === 'buffer') kinds[begin + 1 + index] = PlaceKind.buffer;
      if (kind === 'scalar') kinds[begin + 1 + index] = PlaceKind.scalar;
    });
  }
  return kinds;
}

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
  rule: OptimizerCode,
  clip: ClipCode,
};
