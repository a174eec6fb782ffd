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
