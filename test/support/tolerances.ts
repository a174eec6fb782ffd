/** Half the distance of 1 to the next float32: the relative error of one rounding. */
const ROUNDING = 2 ** -24;

/** Largest relative error of exp, sigmoid, tanh and ln in float32: 4 units in the last place. */
const FUNCTION_ULP = 4 * 2 * ROUNDING;

/**
 * How far a float32 result may lie from the float64 one, relative to `scale`, the size of the numbers that went in
 * or come out, whichever is larger:
 * - `exact`: copies and decisions
 * - `elementwise`: a few roundings and at most one transcendental function
 * - `reduction`: sums over `terms` numbers, whose roundings add up like a random walk
 */
export const tolerance = {
  exact: (): number => 0,
  elementwise: (): number => FUNCTION_ULP + 4 * ROUNDING,
  reduction: (terms: number): number => (6 + 3 * Math.sqrt(terms)) * ROUNDING,
  transcendentalReduction: (terms: number): number => FUNCTION_ULP + (8 + 3 * Math.sqrt(terms)) * ROUNDING,
} as const;

/** Within relative `tolerance` of `scale`; infinities and NaN must match. */
export const isClose = (received: number, expected: number, allowed: number, scale: number): boolean =>
  Object.is(received, expected) ||
  received === expected ||
  (Number.isNaN(received) && Number.isNaN(expected)) ||
  Math.abs(received - expected) <= allowed * Math.max(Math.abs(expected), scale);
