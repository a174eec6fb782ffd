/**
 * The numbers shared by the plan and the three executors.
 *
 * This file holds plain enums only: AssemblyScript compiles it as it stands. What each operation
 * computes, and what its operands are called, is in `plan/operations.ts`.
 */

/** Operations of a plan, in the order of `operations` in `plan/operations.ts`. */
export enum Opcode {
  gather_rows,
  gather_targets,
  gather_labels,
  linear_forward,
  softmax_forward,
  loss_backward,
  cross_entropy_labels,
  softmax_cross_entropy,
  softmax_cross_entropy_labels,
  sigmoid_binary_cross_entropy,
  activation_backward,
  softmax_backward,
  linear_backward_weights,
  linear_backward_input,
  batch_norm_forward,
  batch_norm_backward,
  layer_norm_forward,
  layer_norm_backward_weights,
  layer_norm_backward_input,
  sum_losses,
  count_correct,
  count_correct_labels,
  advance_moments,
  sgd_step,
  adam_step,
  scale_by_rate,
  train_rows,
  advance_optimizer,
  optimizer_step,
  count_batches,
  gradient_squares,
  gradient_norm,
  clip_gradient,
  penalty,
  max_norm,
  average_step,
  store_rows,
  map_unary,
  map_binary,
  map_where,
  map_row,
  reduction_scale,
  activation_forward,
  next_masks,
  dropout,
  gaussian_noise,
}

/** Elementwise activations. Softmax mixes a row and has operations of its own. */
export enum ActivationCode {
  linear,
  sigmoid,
  tanh,
  relu,
  heaviside,
  exp,
}

/** Losses on outputs, for any output activation. */
export enum LossCode {
  half_squared_error,
  squared_error,
  mean_squared_error,
  cross_entropy,
  binary_cross_entropy,
}

/** What is done to a gradient as a whole. */
export enum ClipCode {
  /** Each of its numbers is brought into [-limit, limit]. */
  value,
  /** It is scaled down to the limit if its norm is larger. */
  norm,
  /** It is divided by a number of batches. */
  mean,
}

/** Optimizers whose step is an `optimizer_step`. */
export enum OptimizerCode {
  amsgrad,
  nadam,
  radam,
  adamax,
  rmsprop,
  adagrad,
  adadelta,
  lion,
  rprop,
}

/** How the losses of the rows of a batch become one number. */
export enum ReductionCode {
  sum,
  mean,
}

/** When an output counts as correct. */
export enum DecisionCode {
  /** The largest output and the largest target stand in the same column; the first wins a tie. */
  argmax,
  /** Each output is on the same side of 0.5 as its target; counts the share of columns. */
  half,
  /** As `half`, for net inputs: z >= 0 decides. */
  zero,
}

/** Element type of the rows a run reads. */
export enum ElementCode {
  float32,
  uint8,
}

/** How an operand of a `map` operation is repeated over a batch of B rows and C columns. */
export enum ExtentCode {
  /** B×C numbers. */
  full,
  /** One number per row. */
  row,
  /** One number per column. */
  units,
  /** One number. */
  constant,
}

/** Functions of one number in expressions. */
export enum UnaryCode {
  copy,
  neg,
  abs,
  sqrt,
  exp,
  expm1,
  log,
  sin,
  cos,
  tanh,
  sigmoid,
  softplus,
  erf,
}

/** Functions of two numbers in expressions; comparisons give 1 or 0. */
export enum BinaryCode {
  add,
  sub,
  mul,
  div,
  min,
  max,
  less,
  lessEqual,
  equal,
}

/** Functions of a row in expressions. */
export enum RowCode {
  /** Sum of the row: one number per row. */
  rowSum,
  /** Largest number of the row: one number per row. */
  rowMax,
  /** 1 at the first largest number of the row, 0 elsewhere: B×C numbers. */
  firstMax,
}

/** Places in the table of scalars that every plan has. */
export enum ScalarCode {
  /** Sum of the row losses since the epoch began. */
  loss,
  /** Correct decisions since the epoch began. */
  correct,
  /** Rows since the epoch began. */
  rows,
  /** First place free for hyperparameters and optimizer state. */
  first_free,
}
