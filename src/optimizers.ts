import { requireKnownKeys, requireNumber, typeError } from './errors.js';

/** Stochastic gradient descent, as `sgd()` returns it. */
export interface SgdOptimizer {
  readonly type: 'sgd';
  readonly learningRate: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** Adam or AdamW, as `adam()` and `adamw()` return it. */
export interface AdamOptimizer {
  readonly type: 'adam' | 'adamw';
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export type Optimizer = SgdOptimizer | AdamOptimizer;

export type SgdOptions = Partial<Omit<SgdOptimizer, 'type'>>;
export type AdamOptions = Partial<Omit<AdamOptimizer, 'type'>>;

const nonNegative = (action: string, name: string, value: unknown): void =>
  requireNumber(action, name, value, 'finite and >= 0', (number) => number >= 0);

const fraction = (action: string, name: string, value: unknown): void =>
  requireNumber(action, name, value, 'in [0, 1)', (number) => number >= 0 && number < 1);

/** Throws unless `value` can be a learning rate. */
export const checkLearningRate = (action: string, value: unknown): void =>
  nonNegative(action, 'learningRate', value);

/**
 * Stochastic gradient descent: v = momentum v + g, w -= learningRate v; with `nesterov` the step is g + momentum v
 * (Sutskever et al., 2013, in the form of PyTorch). Weight decay adds weightDecay w to the gradient.
 *
 * @throws RangeError for a negative rate or a momentum outside [0, 1)
 */
export function sgd(options: SgdOptions = {}): SgdOptimizer {
  return checkOptimizer('Cannot create sgd', { type: 'sgd', ...options }) as SgdOptimizer;
}

/**
 * Adam (Kingma and Ba, 2015): steps by the bias-corrected mean of the gradient over the root of that of its square.
 * Weight decay adds weightDecay w to the gradient.
 *
 * @throws RangeError for a negative rate, or a beta outside [0, 1)
 */
export function adam(options: AdamOptions = {}): AdamOptimizer {
  return checkOptimizer('Cannot create adam', { type: 'adam', ...options }) as AdamOptimizer;
}

/**
 * AdamW (Loshchilov and Hutter, 2019): Adam with decoupled weight decay, w -= learningRate weightDecay w.
 * As in PyTorch, weightDecay is 0.01 by default.
 *
 * @throws RangeError for a negative rate, or a beta outside [0, 1)
 */
export function adamw(options: AdamOptions = {}): AdamOptimizer {
  return checkOptimizer('Cannot create adamw', { type: 'adamw', ...options }) as AdamOptimizer;
}

/** Fills in defaults and checks every number; takes what the three functions above return, or the like by hand. */
export function checkOptimizer(action: string, optimizer: unknown): Optimizer {
  const type = (optimizer as Partial<Optimizer> | null | undefined)?.type;
  if (type === 'sgd') {
    requireKnownKeys(action, optimizer, ['type', 'learningRate', 'momentum', 'nesterov', 'weightDecay']);
    const { learningRate = 0.01, momentum = 0, nesterov = false, weightDecay = 0 } = optimizer as SgdOptions;
    nonNegative(action, 'learningRate', learningRate);
    fraction(action, 'momentum', momentum);
    nonNegative(action, 'weightDecay', weightDecay);
    if (typeof nesterov !== 'boolean') throw typeError(action, 'nesterov must be a boolean', nesterov);
    if (nesterov) requireNumber(action, 'momentum', momentum, '> 0 with nesterov', (value) => value > 0);
    return { type, learningRate, momentum, nesterov, weightDecay };
  }
  if (type === 'adam' || type === 'adamw') {
    requireKnownKeys(action, optimizer, ['type', 'learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay']);
    const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer as AdamOptions;
    const { weightDecay = type === 'adamw' ? 0.01 : 0 } = optimizer as AdamOptions;
    nonNegative(action, 'learningRate', learningRate);
    fraction(action, 'beta1', beta1);
    fraction(action, 'beta2', beta2);
    requireNumber(action, 'epsilon', epsilon, '> 0', (value) => value > 0);
    nonNegative(action, 'weightDecay', weightDecay);
    return { type, learningRate, beta1, beta2, epsilon, weightDecay };
  }
  throw typeError(action, 'optimizer must come from sgd(), adam() or adamw()', optimizer);
}
