import type { ActivationName } from './activations.js';
import { LossCode } from './opcodes.js';

/** A loss by its float64 definition: per output element, so that a row's loss is the sum over its elements. */
export interface LossDefinition {
  readonly code: LossCode;
  /** Loss of one element; `share` is 1 / units. */
  value(x: number, t: number, share: number): number;
  /** Its derivative with respect to the output x. */
  derivative(x: number, t: number, share: number): number;
}

/** a / b, with 0 / 0 = 0: a target of zero makes a term vanish whatever the output. */
const ratio = (a: number, b: number): number => (a === 0 ? 0 : a / b);

/** a ln b, with 0 ln 0 = 0. */
const timesLog = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(b));

/** Losses on outputs, by code. */
export const lossDefinitions: readonly LossDefinition[] = [
  { code: LossCode.half_squared_error, value: (x, t) => 0.5 * (x - t) ** 2, derivative: (x, t) => x - t },
  { code: LossCode.squared_error, value: (x, t) => (x - t) ** 2, derivative: (x, t) => 2 * (x - t) },
  {
    code: LossCode.mean_squared_error,
    value: (x, t, share) => share * (x - t) ** 2,
    derivative: (x, t, share) => 2 * share * (x - t),
  },
  { code: LossCode.cross_entropy, value: (x, t) => -timesLog(t, x), derivative: (x, t) => ratio(-t, x) },
  {
    code: LossCode.binary_cross_entropy,
    value: (x, t) => timesLog(-t, x) - timesLog(1 - t, 1 - x),
    derivative: (x, t) => ratio(1 - t, 1 - x) + ratio(-t, x),
  },
];

/** Names accepted as `loss` of a trainer. */
export type LossName =
  | 'halfSquaredError'
  | 'squaredError'
  | 'meanSquaredError'
  | 'crossEntropy'
  | 'binaryCrossEntropy'
  | 'crossEntropyWithLogits'
  | 'binaryCrossEntropyWithLogits';

export interface LossTraits {
  /** The loss on outputs; for the losses on net inputs, the one they compute after their own activation. */
  readonly code: LossCode;
  /** The activation that the loss on net inputs includes. */
  readonly includes?: 'softmax' | 'sigmoid';
  /** The output activation with which the loss is computed from the net inputs in the fused, overflow-safe form. */
  readonly fusesWith?: ActivationName;
  /** Targets may be one integer label a row. */
  readonly takesLabels: boolean;
  /** The loss classifies, so that accuracy is reported whatever the output activation. */
  readonly decides?: 'argmax' | 'threshold';
}

export const losses: Readonly<Record<LossName, LossTraits>> = {
  halfSquaredError: { code: LossCode.half_squared_error, takesLabels: false },
  squaredError: { code: LossCode.squared_error, takesLabels: false },
  meanSquaredError: { code: LossCode.mean_squared_error, takesLabels: false },
  crossEntropy: { code: LossCode.cross_entropy, fusesWith: 'softmax', takesLabels: true, decides: 'argmax' },
  binaryCrossEntropy: {
    code: LossCode.binary_cross_entropy,
    fusesWith: 'sigmoid',
    takesLabels: false,
    decides: 'threshold',
  },
  crossEntropyWithLogits: {
    code: LossCode.cross_entropy,
    includes: 'softmax',
    fusesWith: 'linear',
    takesLabels: true,
    decides: 'argmax',
  },
  binaryCrossEntropyWithLogits: {
    code: LossCode.binary_cross_entropy,
    includes: 'sigmoid',
    fusesWith: 'linear',
    takesLabels: false,
    decides: 'threshold',
  },
};

export const lossNames = Object.keys(losses) as LossName[];
