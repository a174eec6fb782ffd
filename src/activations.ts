import { ActivationCode } from './opcodes.js';

/** An activation applied to each net input by itself. */
export interface ElementwiseActivation {
  readonly name: string;
  readonly code: ActivationCode;
  /** f(z). */
  value(z: number): number;
  /** f'(z) as a function of the output x = f(z). NaN where the activation has no usable derivative. */
  derivativeFromOutput(x: number): number;
  /** False for activations that can only be used in the forward direction. */
  readonly differentiable: boolean;
}

const elementwise = (
  code: ActivationCode,
  value: (z: number) => number,
  derivativeFromOutput: (x: number) => number,
  differentiable = true,
): ElementwiseActivation => ({
  name: ActivationCode[code],
  code,
  value,
  derivativeFromOutput,
  differentiable,
});

/** 1 / (1 + e^-z), from the exponential of -|z|, which cannot overflow. */
export function sigmoid(z: number): number {
  const e = Math.exp(-Math.abs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** Elementwise activations by code: their float64 definition. */
export const elementwiseActivations: readonly ElementwiseActivation[] = [
  elementwise(
    ActivationCode.linear,
    (z) => z,
    () => 1,
  ),
  elementwise(ActivationCode.sigmoid, sigmoid, (x) => x * (1 - x)),
  elementwise(ActivationCode.tanh, Math.tanh, (x) => 1 - x * x),
  elementwise(
    ActivationCode.relu,
    (z) => Math.max(z, 0),
    (x) => (x > 0 ? 1 : 0),
  ),
  elementwise(
    ActivationCode.heaviside,
    (z) => (z >= 0 ? 1 : 0),
    () => Number.NaN,
    false,
  ),
  elementwise(ActivationCode.exp, Math.exp, (x) => x),
];
