import { type ActivationFunction, TracedActivation } from './activation.js';
import type { TracedActivationName, TracedLossName } from './definition.js';
import { type LossFunction, TracedLoss } from './loss.js';

/** Constants of selu (Klambauer et al., 2017). */
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;
const SQRT_HALF = Math.SQRT1_2;
/** Of the tanh form of gelu (Hendrycks and Gimpel, 2016). */
const GELU_CUBIC = 0.044715;
/** sqrt(2 / pi). */
const SQRT_2_OVER_PI = 0.7978845608028654;

/** Activations that are expressions. Where a branch would overflow beside the one taken, its argument is bounded. */
const activationFunctions = {
  leakyRelu: (z, e) => e.where(e.greater(z, 0), z, e.mul(0.01, z)),
  elu: (z, e) => e.where(e.greater(z, 0), z, e.expm1(e.min(z, 0))),
  selu: (z, e) => e.mul(SELU_SCALE, e.where(e.greater(z, 0), z, e.mul(SELU_ALPHA, e.expm1(e.min(z, 0))))),
  gelu: (z, e) => e.mul(e.mul(0.5, z), e.add(1, e.erf(e.mul(SQRT_HALF, z)))),
  geluTanh: (z, e) => {
    const cubic = e.mul(z, e.add(1, e.mul(GELU_CUBIC, e.mul(z, z))));
    return e.mul(e.mul(0.5, z), e.add(1, e.tanh(e.mul(SQRT_2_OVER_PI, cubic))));
  },
  silu: (z, e) => e.mul(z, e.sigmoid(z)),
  mish: (z, e) => e.mul(z, e.tanh(e.softplus(z))),
  softplus: (z, e) => e.softplus(z),
  softsign: (z, e) => e.div(z, e.add(1, e.abs(z))),
  hardSigmoid: (z, e) => e.where(e.greater(z, -3), e.where(e.less(z, 3), e.add(e.div(z, 6), 0.5), 1), 0),
  hardTanh: (z, e) => e.where(e.greater(z, -1), e.where(e.less(z, 1), z, 1), -1),
  gaussian: (z, e) => e.exp(e.neg(e.mul(z, z))),
  sine: (z, e) => e.sin(z),
  logSoftmax: (z, e) => {
    const shifted = e.sub(z, e.rowMax(z));
    return e.sub(shifted, e.log(e.rowSum(e.exp(shifted))));
  },
} satisfies Record<TracedActivationName, ActivationFunction>;

/** Losses that are expressions of the outputs. `huber` has its bend at 1. */
const lossFunctions = {
  meanAbsoluteError: (x, t, e) => e.rowMean(e.abs(e.sub(x, t))),
  huber: (x, t, e) => {
    const distance = e.abs(e.sub(x, t));
    const near = e.min(distance, 1);
    return e.rowMean(e.sub(e.mul(near, distance), e.mul(0.5, e.mul(near, near))));
  },
  logCosh: (x, t, e) => {
    const difference = e.sub(x, t);
    return e.rowMean(e.sub(e.add(difference, e.softplus(e.mul(-2, difference))), Math.LN2));
  },
  hinge: (x, t, e) => e.rowMean(e.max(0, e.sub(1, e.mul(t, x)))),
  categoricalHinge: (x, t, e) => {
    const right = e.rowSum(e.mul(t, x));
    const wrong = e.rowMax(e.mul(e.sub(1, t), x));
    return e.max(0, e.add(1, e.sub(wrong, right)));
  },
  poisson: (x, t, e) =>
    e.rowMean(e.sub(x, e.where(e.greater(t, 0), e.mul(t, e.log(e.where(e.greater(t, 0), x, 1))), 0))),
  kullbackLeibler: (x, t, e) => {
    const positive = e.greater(t, 0);
    const ratio = e.div(e.where(positive, t, 1), e.where(positive, x, 1));
    return e.rowSum(e.where(positive, e.mul(t, e.log(ratio)), 0));
  },
  /**
   * The perceptron criterion Σ (x − t) z on the net inputs z, with x = 1 where z >= 0, else 0: zero for what is
   * classified right, |z| for what is not. x passes for a constant, so that delta = x − t.
   */
  perceptron: (z, t, e) => e.rowSum(e.mul(e.sub(e.greaterEqual(z, 0), t), z)),
} satisfies Record<TracedLossName, LossFunction>;

/** Traces a definition when it is first asked for: importing the library must not. */
function lazily<Name extends string, Fn, Definition>(
  functions: Readonly<Record<Name, Fn>>,
  define: (name: Name, fn: Fn) => Definition,
): (name: Name) => Definition {
  const defined = new Map<Name, Definition>();
  return (name) => {
    const known = defined.get(name);
    if (known) return known;
    const definition = define(name, functions[name]);
    defined.set(name, definition);
    return definition;
  };
}

/** The built-in activation of that name. */
export const tracedActivation = /* @__PURE__ */ lazily<
  TracedActivationName,
  ActivationFunction,
  TracedActivation
>(activationFunctions, (name, fn) => new TracedActivation(name, fn));

/** The built-in loss of that name. */
export const tracedLoss = /* @__PURE__ */ lazily<TracedLossName, LossFunction, TracedLoss>(
  lossFunctions,
  (name, fn) => new TracedLoss(name, fn),
);
