/**
 * The list of operations. It has two parts, since an application loads the second only for models that need it, and is
 * told what is known in `known-operations.ts`.
 */
import {
  ActivationCode,
  BinaryCode,
  ClipCode,
  DecisionCode,
  ExtentCode,
  LossCode,
  Opcode,
  OptimizerCode,
  ReductionCode,
  RowCode,
  UnaryCode,
} from '../opcodes.js';

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
  readonly code: Opcode;
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

/** Operations by their codes. */
export type OperationTable = Readonly<Record<number, Operation>>;

function define(texts: Readonly<Record<number, string>>): OperationTable {
  const operations = Object.entries(texts).map(([code, text]): Operation => {
    const [name, ...operands] = text.split(' ');
    return {
      code: Number(code),
      name: name as Operation['name'],
      operands: operands.map((operand) => {
        const [, called, mark] = /^(\w+)(.*)$/.exec(operand) as unknown as [string, string, string];
        return [called, marks[mark] ?? ((mark.slice(1) || called) as OperandKind)];
      }),
    };
  });
  return Object.fromEntries(operations.map((operation) => [operation.code, operation]));
}

/**
 * The operations of basic plans (`isBasic`), each as its name and its operands.
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
export const basicOperations = /* @__PURE__ */ define({
  /**
   * output[r,j] = x[order[r],j] * scale[j] + offset[j]; inPlace: it comes first, and only linear_forward and
   * linear_backward_weights read the output, which may read rows that stay as they are where they lie
   */
  [Opcode.gather_rows]: 'gather_rows output. columns scale. offset. perColumn? inPlace?',
  /** output[r,j] = t[order[r], first + j], where a row of t has `width` numbers */
  [Opcode.gather_targets]: 'gather_targets output. columns width first+',
  /** output[r] = label[order[r]] */
  [Opcode.gather_labels]: 'gather_labels output.',
  /** netInput = X W + b; output = f(netInput) */
  [Opcode.linear_forward]:
    'linear_forward input. weights. biases. netInput. output. inputs units activation:',
  /** output[r,j] = exp(z[r,j] - max z[r]) / sum_k exp(z[r,k] - max z[r]) */
  [Opcode.softmax_forward]: 'softmax_forward netInput. output. units',
  /** rowLosses[r] = E(x[r], t[r]); gradient = s dE/dx */
  [Opcode.loss_backward]: 'loss_backward prediction. target. gradient. rowLosses. units loss: reduction:',
  /** loss_backward for cross_entropy with t one-hot at labels[r] */
  [Opcode.cross_entropy_labels]:
    'cross_entropy_labels prediction. labels. gradient. rowLosses. units reduction:',
  /** rowLosses[r] = sum_j t_j (lse(z) - z_j); delta = s (softmax(z) sum_j t_j - t) */
  [Opcode.softmax_cross_entropy]:
    'softmax_cross_entropy netInput. target. delta. rowLosses. units reduction:',
  /** as softmax_cross_entropy, with t one-hot at labels[r] */
  [Opcode.softmax_cross_entropy_labels]:
    'softmax_cross_entropy_labels netInput. labels. delta. rowLosses. units reduction:',
  /** rowLosses[r] = sum_j max(z,0) - z t + ln(1 + exp(-|z|)); delta = s (sigmoid(z) - t) */
  [Opcode.sigmoid_binary_cross_entropy]:
    'sigmoid_binary_cross_entropy netInput. target. delta. rowLosses. units reduction:',
  /** delta = gradient * f'(netInput), with f' taken from the output */
  [Opcode.activation_backward]: 'activation_backward gradient. output. delta. units activation:',
  /** delta_j = x_j (gradient_j - sum_k gradient_k x_k) */
  [Opcode.softmax_backward]: 'softmax_backward gradient. output. delta. units',
  /** weightGradient = X^T delta; biasGradient = column sums of delta; accumulate: added to what is there */
  [Opcode.linear_backward_weights]:
    'linear_backward_weights input. delta. weightGradient. biasGradient. inputs units accumulate?',
  /** gradient = (delta W^T) * f'(output), f of the layer below */
  [Opcode.linear_backward_input]:
    'linear_backward_input delta. weights. gradient. output. inputs units activation:',
  /** scalar loss += sum_r rowLosses[r]; scalar rows += B */
  [Opcode.sum_losses]: 'sum_losses rowLosses.',
  /** scalar correct += rows, or shares of a row, decided as their targets */
  [Opcode.count_correct]: 'count_correct prediction. target. units decision:',
  /** scalar correct += rows whose first largest prediction stands at labels[r] */
  [Opcode.count_correct_labels]: 'count_correct_labels prediction. labels. units',
  /** power1 *= beta1; power2 *= beta2 */
  [Opcode.advance_moments]: 'advance_moments moments$',
  /** g += weightDecay w; v = momentum v + g; w -= learningRate (nesterov ? g + momentum v : v) */
  [Opcode.sgd_step]:
    'sgd_step parameters. gradient. velocity. count learningRate$ momentum$ weightDecay$ nesterov?',
  /**
   * m = beta1 m + (1-beta1) g; v = beta2 v + (1-beta2) g^2; w -= learningRate (m / (1-power1)) / (sqrt(v / (1-power2))
   * + epsilon); weightDecay w is added to g, or w is first scaled by 1 - learningRate weightDecay when decoupled
   */
  [Opcode.adam_step]:
    'adam_step parameters. gradient. firstMoment. secondMoment. count learningRate$ moments$ weightDecay$ decoupled?',
  /** delta[r,u] *= -learningRate */
  [Opcode.scale_by_rate]: 'scale_by_rate delta. units learningRate$',
  /** batches = first ? 1 : batches + 1 */
  [Opcode.count_batches]: 'count_batches batches$ first?',
  /** value: g into [-limit, limit]; norm: g *= min(1, limit / measure); mean: g /= measure */
  [Opcode.clip_gradient]: 'clip_gradient gradient. count kind:clip limit$ measure$',
  /** result[position + r, j] = output[r, j] */
  [Opcode.store_rows]: 'store_rows output. units',
  /** output[r,j] = function(a[r,j], b[r,j]) */
  [Opcode.map_binary]: 'map_binary a. aExtent:extent b. bExtent:extent output. columns function:binary',
  /** output = f(netInput) */
  [Opcode.activation_forward]: 'activation_forward netInput. output. units activation:',
});

/** The others, by the same legend. */
export const furtherOperations = /* @__PURE__ */ define({
  /**
   * over the rows: mean, variance = mean of (X - mean)^2, inverseDeviation = 1 / sqrt(variance + epsilon); output =
   * gamma (X - mean) * inverseDeviation + beta; runningMean += momentum (mean - runningMean); runningVariance
   * likewise, with B / (B - 1) variance, and not for B = 1; without a momentum mean and variance are the running
   * ones, which stay as they are
   */
  [Opcode.batch_norm_forward]:
    'batch_norm_forward input. output. mean. inverseDeviation. runningMean. runningVariance. gamma. beta. units epsilon$ momentum$',
  /**
   * N = (X - mean) * inverseDeviation; over the rows: betaGradient = sum of delta, gammaGradient = sum of delta * N,
   * accumulate: added to what is there; gradient = gamma inverseDeviation *
   * (throughMoments ? delta - mean of delta - N * mean of (delta * N) : delta)
   */
  [Opcode.batch_norm_backward]:
    'batch_norm_backward input. delta. mean. inverseDeviation. gamma. gammaGradient. betaGradient. gradient. units accumulate? throughMoments?',
  /**
   * over the units of a row: mean, variance = mean of (X - mean)^2, inverseDeviation = 1 / sqrt(variance + epsilon);
   * output = gamma (X - mean) * inverseDeviation + beta
   */
  [Opcode.layer_norm_forward]:
    'layer_norm_forward input. output. mean. inverseDeviation. gamma. beta. units epsilon$',
  /**
   * N = (X - mean) * inverseDeviation; over the rows: betaGradient = sum of delta, gammaGradient = sum of delta * N,
   * accumulate: added to what is there
   */
  [Opcode.layer_norm_backward_weights]:
    'layer_norm_backward_weights input. delta. mean. inverseDeviation. gammaGradient. betaGradient. units accumulate?',
  /** d = gamma delta; over the units of a row: gradient = inverseDeviation * (d - mean of d - N * mean of (d * N)) */
  [Opcode.layer_norm_backward_input]:
    'layer_norm_backward_input input. delta. mean. inverseDeviation. gamma. gradient. units',
  /**
   * for each row by itself: forward, E, backward, W -= learningRate dE/dW; sums loss, correct and rows. W1 b1 W2 b2 …
   * lie one after the other from parameters on; units are 0 where there is no layer. binary_cross_entropy after a
   * sigmoid, and the decision with it, are taken from the net inputs
   */
  [Opcode.train_rows]:
    'train_rows parameters. inputs units1 units2 units3 activation1:activation activation2:activation activation3:activation loss: decision: learningRate$',
  /** steps += 1, powers and products go on, coefficients = those of the next step */
  [Opcode.advance_optimizer]: 'advance_optimizer scalars$ learningRate$ rule:',
  /**
   * g += intoGradient w; amsgrad, nadam, radam: m = c0 m + c1 g; v = c2 v + c3 g^2; u = max(u, v) with a third state,
   * else v; w = kept w - (c4 g + c5 m) / (c6 sqrt(u) + c7). adamax: m = c0 m + c1 g; u = max(c2 u, |g| + c3); w = kept
   * w - c4 m / u. rmsprop, adagrad: v = c0 v + c1 g^2; n = c0 n + c1 g; d = g / (sqrt(v - n^2) + c3); b = c2 b + d; w =
   * kept w - c4 b, with b second and n third where they are. adadelta: v = c0 v + c1 g^2; d = g sqrt(s + c2) / sqrt(v +
   * c2); s = c0 s + c1 d^2; w = kept w - c3 d. lion: w = kept w - c4 sign(c0 m + c1 g); m = c2 m + c3 g. rprop: size *=
   * c0 where g keeps the sign of the last gradient, c1 and g = 0 where not, into [c2, c3]; w -= sign(g) size; last = g
   */
  [Opcode.optimizer_step]:
    'optimizer_step parameters. gradient. state1. state2. state3. count scalars$ rule:',
  /** sums[b] = sum of g^2 over block b, the last one shorter */
  [Opcode.gradient_squares]: 'gradient_squares gradient. count block sums.',
  /** norm = sqrt(sum of the sums) */
  [Opcode.gradient_norm]: 'gradient_norm sums. count norm$',
  /** g += p (l1 sign(w) + l2 w), where p is 1/B with perRow, else 1 */
  [Opcode.penalty]: 'penalty parameters. gradient. count l1$ l2$ perRow?',
  /** columns of W scaled down to the norm `limit` where theirs is larger */
  [Opcode.max_norm]: 'max_norm weights. inputs units limit$',
  /** average += (1 - decay) (w - average) */
  [Opcode.average_step]: 'average_step parameters. average. count decay$',
  /** output[r,j] = function(a[r,j]) */
  [Opcode.map_unary]: 'map_unary a. aExtent:extent output. columns function:unary',
  /** output[r,j] = condition[r,j] != 0 ? a[r,j] : b[r,j] */
  [Opcode.map_where]:
    'map_where condition. conditionExtent:extent a. aExtent:extent b. bExtent:extent output. columns',
  /** output[r] = function(a[r,0], a[r,1], ...); firstMax: output[r,j] = j is the first largest */
  [Opcode.map_row]: 'map_row a. aExtent:extent output. columns function:rowFunction',
  /** output[0] = s */
  [Opcode.reduction_scale]: 'reduction_scale output. reduction:',
  /** step of the masks += 1 */
  [Opcode.next_masks]: 'next_masks masks$',
  /** with d = dropped / 2^24: output = 0 where the bits of the mask are below `dropped`, input / (1 - d) elsewhere */
  [Opcode.dropout]: 'dropout input. output. units dropped+ layer+ masks$',
  /** output = input + deviation n, n a standard normal number */
  [Opcode.gaussian_noise]: 'gaussian_noise input. output. units deviation$ layer+ masks$',
});

/** All of them, in the order of `Opcode`. */
export const operations: readonly Operation[] = /* @__PURE__ */ inOrder();

function inOrder(): Operation[] {
  return Object.values({ ...basicOperations, ...furtherOperations });
}

type CodeNames = Partial<Record<OperandKind, Readonly<Record<number, string>>>>;

/** Names of the codes an operand of this kind may take, for printing: of basic operations, and of the others besides. */
export const basicCodeNames: CodeNames = {
  activation: ActivationCode,
  loss: LossCode,
  reduction: ReductionCode,
  decision: DecisionCode,
  extent: ExtentCode,
  binary: BinaryCode,
  clip: ClipCode,
};
export const furtherCodeNames: CodeNames = { unary: UnaryCode, rowFunction: RowCode, rule: OptimizerCode };
