import { fact, rangeError, requireBoolean, requireKnownKeys, requireNumber, typeError } from './errors.js';
import type { Loss } from './loss-choice.js';
import { LossCode } from './opcodes.js';

/** How gradients are clipped before an update; one of these. */
export interface GradientClipping {
  /** Each number of the gradient into [-value, value]. */
  readonly value?: number;
  /** The gradient of each layer, weights and biases together, scaled down to this norm. */
  readonly norm?: number;
  /** The gradient of the whole network scaled down to this norm. */
  readonly globalNorm?: number;
}

/** An exponential moving average of the parameters: average += (1 - decay) (w - average) after each step. */
export interface Averaging {
  readonly decay: number;
  /** Validation during `fit` is of the average; default false. */
  readonly validate?: boolean;
}

/** `GradientClipping` as the plan takes it. */
export interface Clipping {
  readonly kind: 'value' | 'norm' | 'globalNorm';
  readonly limit: number;
}

/** Penalties on the weights of a layer and their bound; biases are left alone. */
export interface WeightRules {
  /** Adds l1 sign(w) to the gradient: a penalty of l1 Σ |w|, which is not part of the loss that is shown. Default 0. */
  readonly l1?: number;
  /** Adds l2 w to the gradient: a penalty of l2/2 Σ w², half of what Keras calls l2. Default 0. */
  readonly l2?: number;
  /** Norm of the weights of each unit, which are scaled down to it after each step; default none. */
  readonly maxNorm?: number | null;
  /** Divides both penalties by the rows of the batch, as scikit-learn does; default false. */
  readonly penaltyPerRow?: boolean;
}

export const weightRuleKeys: readonly (keyof WeightRules)[] = ['l1', 'l2', 'maxNorm', 'penaltyPerRow'];

const positive = (value: number): boolean => value > 0;

export function checkWeightRules(action: string, rules: WeightRules): Required<WeightRules> {
  const { l1 = 0, l2 = 0, maxNorm = null, penaltyPerRow = false } = rules;
  requireNumber(action, 'l1', l1, 'finite and >= 0', (value) => value >= 0);
  requireNumber(action, 'l2', l2, 'finite and >= 0', (value) => value >= 0);
  if (maxNorm !== null) requireNumber(action, 'maxNorm', maxNorm, 'finite and > 0', positive);
  requireBoolean(action, 'penaltyPerRow', penaltyPerRow);
  return { l1, l2, maxNorm, penaltyPerRow };
}

export function checkClipping(action: string, clipping: unknown): Clipping | null {
  if (clipping === undefined) return null;
  const caller = `${action}: gradientClipping`;
  requireKnownKeys(caller, clipping, ['value', 'norm', 'globalNorm']);
  const given = Object.entries(clipping as GradientClipping).filter(([, limit]) => limit !== undefined);
  if (given.length !== 1) {
    const names = given.map(([name]) => name).join(', ');
    throw typeError(caller, 'one of value, norm and globalNorm must be given', fact(names || 'none'));
  }
  const [[kind, limit]] = given;
  requireNumber(caller, kind, limit, 'finite and > 0', positive);
  return { kind: kind as Clipping['kind'], limit };
}

export function checkAveraging(action: string, averaging: unknown): Averaging | null {
  if (averaging === undefined) return null;
  requireKnownKeys(`${action}: averaging`, averaging, ['decay', 'validate']);
  const { decay, validate = false } = averaging as Averaging;
  requireNumber(action, 'averaging.decay', decay, 'in [0, 1)', (value) => value >= 0 && value < 1);
  requireBoolean(action, 'averaging.validate', validate);
  return { decay, validate };
}

const smoothed: readonly (LossCode | null)[] = [LossCode.cross_entropy, LossCode.binary_cross_entropy];

export function checkSmoothing(action: string, smoothing: unknown, loss: Loss): number {
  if (smoothing === undefined) return 0;
  requireNumber(action, 'labelSmoothing', smoothing, 'in [0, 1)', (value) => value >= 0 && value < 1);
  if (smoothing > 0 && !smoothed.includes(loss.code)) {
    throw rangeError(action, 'labelSmoothing needs a cross-entropy', loss.name);
  }
  return smoothing;
}
