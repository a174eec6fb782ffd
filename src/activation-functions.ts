import {
  type Activation,
  type ActivationName,
  activationNames,
  isElementwiseName,
} from './activation-choice.js';
import { elementwiseActivations } from './activations.js';
import { fact, rangeError } from './errors.js';
import { tracedActivation } from './expression/library.js';
import { ActivationCode } from './opcodes.js';

/** An activation of single units, on its own: f(z) and f'(z) in float64. */
export interface UnitActivation {
  value(z: number): number;
  derivative(z: number): number;
}

/** An activation that mixes the units of a row: its outputs, and ∂output_i / ∂z_j in row i and column j. */
export interface RowActivation {
  value(z: readonly number[]): number[];
  derivative(z: readonly number[]): number[][];
}

type RowName = 'softmax' | 'logSoftmax';

/** Every built-in activation with its value and derivative. */
export type ActivationFunctions = Readonly<
  Record<Exclude<ActivationName, RowName>, UnitActivation> & Record<RowName, RowActivation>
>;

function softmaxOf(z: readonly number[]): number[] {
  const largest = Math.max(...z);
  const exponentials = z.map((value) => Math.exp(value - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}

const softmax: RowActivation = {
  value: softmaxOf,
  derivative: (z) => {
    const x = softmaxOf(z);
    return x.map((xi, i) => x.map((xj, j) => xi * (Number(i === j) - xj)));
  },
};

function unitActivation(code: ActivationCode): UnitActivation {
  const { name, value, derivativeFromOutput, differentiable } = elementwiseActivations[code];
  return {
    value,
    derivative: (z) => {
      if (differentiable) return derivativeFromOutput(value(z));
      throw rangeError('Cannot differentiate', `${name} can only be used forward`, fact(`${name}'(${z})`));
    },
  };
}

function functionsOf(name: ActivationName): UnitActivation | RowActivation {
  if (name === 'softmax') return softmax;
  if (isElementwiseName(name)) return unitActivation(ActivationCode[name]);
  const traced = tracedActivation(name);
  return {
    value: (z: never) => traced.value(z) as never,
    derivative: (z: never) => traced.derivative(z) as never,
  };
}

function allFunctions(): ActivationFunctions {
  const entries = activationNames.map((name) => [name, { enumerable: true, get: () => functionsOf(name) }]);
  return Object.defineProperties({}, Object.fromEntries(entries)) as ActivationFunctions;
}

/**
 * Built-in activations by name, value and derivative each, for looking at rather than for training.
 *
 * @example activations.tanh.derivative(0) // 1
 * @example activations.softmax.value([1, 2, 3])
 */
export const activations: ActivationFunctions = /* @__PURE__ */ allFunctions();

/** The Jacobian of an activation at a row of net inputs, units × units. */
export function activationJacobian(activation: Activation, z: readonly number[]): number[][] {
  if (activation.kind !== 'elementwise') {
    return (activation.traced ?? softmax).derivative(z);
  }
  const { derivative } = unitActivation(activation.code);
  return z.map((value, i) => z.map((_, j) => (i === j ? derivative(value) : 0)));
}
