/**
 * Scalars of an `optimizer_step`, one after the other: hyperparameters, what runs along with the steps, and the
 * coefficients of the next step, which `advance_optimizer` makes of both.
 */
export enum OptimizerScalar {
  /** Times the parameters, added to the gradient. */
  weightDecay,
  /** Times learning rate and parameters, taken from the parameters. */
  decoupledDecay,
  /** beta1; rmsprop: momentum; rprop: factor of a step size after an equal sign. */
  decay1,
  /** beta2; rmsprop and adadelta: decay of the mean square; rprop: factor after a change of sign. */
  decay2,
  epsilon,
  /** nadam: 0.96^momentumDecay; adagrad: decay of the rate; rprop: smallest step size. */
  option,
  /** rprop: largest step size. */
  largest,
  /** Steps done. */
  steps,
  /** decay1^steps, decay2^steps and option^steps. */
  power1,
  power2,
  power3,
  /** nadam: product of the momenta so far. */
  product,
  /** Coefficients: what of the parameters goes into the gradient, what is kept of them, and those of the rule. */
  intoGradient,
  kept,
  c0,
  c1,
  c2,
  c3,
  c4,
  c5,
  c6,
  c7,
  /** Number of scalars. */
  count,
}
