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

/** What marks kinds in the texts below; other kinds follow a colon, nothing where they are called as the operand is. */
const marks: Readonly<Record<string, OperandKind>> = {
  '': 'size',
  '.': 'buffer',
  '+': 'index',
  $: 'scalar',
  '?': 'flag',
};

const define = (name: keyof typeof Opcode, operands: string): Operation => ({
  name,
  operands: operands.split(' ').map((operand) => {
    const [, called, mark] = /^(\w+)(.*)$/.exec(operand) as unknown as [string, string, string];
    return [called, marks[mark] ?? ((mark.slice(1) || called) as OperandKind)];
  }),
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
  /**
   * output[r,j] = x[order[r],j] * scale[j] + offset[j]; inPlace: only a linear_forward right after it reads the output,
   * and may read rows that stay as they are where they lie
   */
  define('gather_rows', 'output. columns scale. offset. perColumn? inPlace?'),
  /** output[r,j] = t[order[r], first + j], where a row of t has `width` numbers */
  define('gather_targets', 'output. columns width first+'),
  /** output[r] = label[order[r]] */
  define('gather_labels', 'output.'),
  /** netInput = X W + b; output = f(netInput) */
  define('linear_forward', 'input. weights. biases. netInput. output. inputs units activation:'),
  /** output[r,j] = exp(z[r,j] - max z[r]) / sum_k exp(z[r,k] - max z[r]) */
  define('softmax_forward', 'netInput. output. units'),
  /** rowLosses[r] = E(x[r], t[r]); gradient = s dE/dx */
  define('loss_backward', 'prediction. target. gradient. rowLosses. units loss: reduction:'),
  /** loss_backward for cross_entropy with t one-hot at labels[r] */
  define('cross_entropy_labels', 'prediction. labels. gradient. rowLosses. units reduction:'),
  /** rowLosses[r] = sum_j t_j (lse(z) - z_j); delta = s (softmax(z) sum_j t_j - t) */
  define('softmax_cross_entropy', 'netInput. target. delta. rowLosses. units reduction:'),
  /** as softmax_cross_entropy, with t one-hot at labels[r] */
  define('softmax_cross_entropy_labels', 'netInput. labels. delta. rowLosses. units reduction:'),
  /** rowLosses[r] = sum_j max(z,0) - z t + ln(1 + exp(-|z|)); delta = s (sigmoid(z) - t) */
  define('sigmoid_binary_cross_entropy', 'netInput. target. delta. rowLosses. units reduction:'),
  /** delta = gradient * f'(netInput), with f' taken from the output */
  define('activation_backward', 'gradient. output. delta. units activation:'),
  /** delta_j = x_j (gradient_j - sum_k gradient_k x_k) */
  define('softmax_backward', 'gradient. output. delta. units'),
  /** weightGradient = X^T delta; biasGradient = column sums of delta; accumulate: added to what is there */
  define('linear_backward_weights', 'input. delta. weightGradient. biasGradient. inputs units accumulate?'),
  /** gradient = (delta W^T) * f'(output), f of the layer below */
  define('linear_backward_input', 'delta. weights. gradient. output. inputs units activation:'),
  /**
   * over the rows: mean, variance = mean of (X - mean)^2, inverseDeviation = 1 / sqrt(variance + epsilon); output =
   * gamma (X - mean) * inverseDeviation + beta; runningMean += momentum (mean - runningMean); runningVariance
   * likewise, with B / (B - 1) variance, and not for B = 1; without a momentum mean and variance are the running
   * ones, which stay as they are
   */
  define(
    'batch_norm_forward',
    'input. output. mean. inverseDeviation. runningMean. runningVariance. gamma. beta. units epsilon$ momentum$',
  ),
  /**
   * N = (X - mean) * inverseDeviation; over the rows: betaGradient = sum of delta, gammaGradient = sum of delta * N,
   * accumulate: added to what is there; gradient = gamma inverseDeviation *
   * (throughMoments ? delta - mean of delta - N * mean of (delta * N) : delta)
   */
  define(
    'batch_norm_backward',
    'input. delta. mean. inverseDeviation. gamma. gammaGradient. betaGradient. gradient. units accumulate? throughMoments?',
  ),
  /**
   * over the units of a row: mean, variance = mean of (X - mean)^2, inverseDeviation = 1 / sqrt(variance + epsilon);
   * output = gamma (X - mean) * inverseDeviation + beta
   */
  define('layer_norm_forward', 'input. output. mean. inverseDeviation. gamma. beta. units epsilon$'),
  /**
   * N = (X - mean) * inverseDeviation; over the rows: betaGradient = sum of delta, gammaGradient = sum of delta * N,
   * accumulate: added to what is there
   */
  define(
    'layer_norm_backward_weights',
    'input. delta. mean. inverseDeviation. gammaGradient. betaGradient. units accumulate?',
  ),
  /** d = gamma delta; over the units of a row: gradient = inverseDeviation * (d - mean of d - N * mean of (d * N)) */
  define('layer_norm_backward_input', 'input. delta. mean. inverseDeviation. gamma. gradient. units'),
  /** scalar loss += sum_r rowLosses[r]; scalar rows += B */
  define('sum_losses', 'rowLosses.'),
  /** scalar correct += rows, or shares of a row, decided as their targets */
  define('count_correct', 'prediction. target. units decision:'),
  /** scalar correct += rows whose first largest prediction stands at labels[r] */
  define('count_correct_labels', 'prediction. labels. units'),
  /** power1 *= beta1; power2 *= beta2 */
  define('advance_moments', 'moments$'),
  /** g += weightDecay w; v = momentum v + g; w -= learningRate (nesterov ? g + momentum v : v) */
  define('sgd_step', 'parameters. gradient. velocity. count learningRate$ momentum$ weightDecay$ nesterov?'),
  /**
   * m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2; w -= learningRate (m / (1-power1)) / (sqrt(v / (1-power2))
   * + epsilon); weightDecay w is added to g, or w is first scaled by 1 - learningRate weightDecay when decoupled
   */
  define(
    'adam_step',
    'parameters. gradient. firstMoment. secondMoment. count learningRate$ moments$ weightDecay$ decoupled?',
  ),
  /** delta[r,u] *= -learningRate */
  define('scale_by_rate', 'delta. units learningRate$'),
  /**
   * for each row by itself: forward, E, backward, W -= learningRate dE/dW; sums loss, correct and rows. W1 b1 W2 b2 …
   * lie one after the other from parameters on; units are 0 where there is no layer. binary_cross_entropy after a
   * sigmoid, and the decision with it, are taken from the net inputs
   */
  define(
    'train_rows',
    'parameters. inputs units1 units2 units3 activation1:activation activation2:activation activation3:activation loss: decision: learningRate$',
  ),
  /** steps += 1, powers and products go on, coefficients = those of the next step */
  define('advance_optimizer', 'scalars$ learningRate$ rule:'),
  /**
   * g += intoGradient w; amsgrad, nadam, radam: m = c0 m + c1 g; v = c2 v + c3 g^2; u = max(u, v) with a third state,
   * else v; w = kept w - (c4 g + c5 m) / (c6 sqrt(u) + c7). adamax: m = c0 m + c1 g; u = max(c2 u, |g| + c3); w = kept
   * w - c4 m / u. rmsprop, adagrad: v = c0 v + c1 g^2; n = c0 n + c1 g; d = g / (sqrt(v - n^2) + c3); b = c2 b + d; w =
   * kept w - c4 b, with b second and n third where they are. adadelta: v = c0 v + c1 g^2; d = g sqrt(s + c2) / sqrt(v +
   * c2); s = c0 s + c1 d^2; w = kept w - c3 d. lion: w = kept w - c4 sign(c0 m + c1 g); m = c2 m + c3 g. rprop: size *=
   * c0 where g keeps the sign of the last gradient, c1 and g = 0 where not, into [c2, c3]; w -= sign(g) size; last = g
   */
  define('optimizer_step', 'parameters. gradient. state1. state2. state3. count scalars$ rule:'),
  /** batches = first ? 1 : batches + 1 */
  define('count_batches', 'batches$ first?'),
  /** sums[b] = sum of g^2 over block b, the last one shorter */
  define('gradient_squares', 'gradient. count block sums.'),
  /** norm = sqrt(sum of the sums) */
  define('gradient_norm', 'sums. count norm$'),
  /** value: g into [-limit, limit]; norm: g *= min(1, limit / measure); mean: g /= measure */
  define('clip_gradient', 'gradient. count kind:clip limit$ measure$'),
  /** g += p (l1 sign(w) + l2 w), where p is 1/B with perRow, else 1 */
  define('penalty', 'parameters. gradient. count l1$ l2$ perRow?'),
  /** columns of W scaled down to the norm `limit` where theirs is larger */
  define('max_norm', 'weights. inputs units limit$'),
  /** average += (1 - decay) (w - average) */
  define('average_step', 'parameters. average. count decay$'),
  /** result[position + r, j] = output[r, j] */
  define('store_rows', 'output. units'),
  /** output[r,j] = function(a[r,j]) */
  define('map_unary', 'a. aExtent:extent output. columns function:unary'),
  /** output[r,j] = function(a[r,j], b[r,j]) */
  define('map_binary', 'a. aExtent:extent b. bExtent:extent output. columns function:binary'),
  /** output[r,j] = condition[r,j] != 0 ? a[r,j] : b[r,j] */
  define(
    'map_where',
    'condition. conditionExtent:extent a. aExtent:extent b. bExtent:extent output. columns',
  ),
  /** output[r] = function(a[r,0], a[r,1], ...); firstMax: output[r,j] = j is the first largest */
  define('map_row', 'a. aExtent:extent output. columns function:rowFunction'),
  /** output[0] = s */
  define('reduction_scale', 'output. reduction:'),
  /** output = f(netInput) */
  define('activation_forward', 'netInput. output. units activation:'),
  /** step of the masks += 1 */
  define('next_masks', 'masks$'),
  /** with d = dropped / 2^24: output = 0 where the bits of the mask are below `dropped`, input / (1 - d) elsewhere */
  define('dropout', 'input. output. units dropped+ layer+ masks$'),
  /** output = input + deviation n, n a standard normal number */
  define('gaussian_noise', 'input. output. units deviation$ layer+ masks$'),
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
