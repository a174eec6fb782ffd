import { sigmoid } from '../activations.js';
import type { BinaryName, UnaryName } from './nodes.js';

/** ln(1 + e^z), without overflow. */
export const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** Functions of one number, in float64. */
export const unaryFunctions: Readonly<Record<UnaryName, (a: number) => number>> = {
  neg: (a) => -a,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  abs: Math.abs,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  sigmoid,
  softplus,
};

/** Functions of two numbers, in float64. */
export const binaryFunctions: Readonly<Record<BinaryName, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  equal: (a, b) => Number(a === b),
};
