import { requireBoolean, requireNumber } from './errors.js';

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

export function checkWeightRules(action: string, rules: WeightRules): Required<WeightRules> {
  const { l1 = 0, l2 = 0, maxNorm = null, penaltyPerRow = false } = rules;
  requireNumber(action, 'l1', l1, 'finite and >= 0', (value) => value >= 0);
  requireNumber(action, 'l2', l2, 'finite and >= 0', (value) => value >= 0);
  if (maxNorm !== null) requireNumber(action, 'maxNorm', maxNorm, 'finite and > 0', (value) => value > 0);
  requireBoolean(action, 'penaltyPerRow', penaltyPerRow);
  return { l1, l2, maxNorm, penaltyPerRow };
}
