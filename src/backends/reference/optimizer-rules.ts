import { OptimizerCode } from '../../opcodes.js';
import { OptimizerScalar } from '../../optimizer-scalars.js';
import type { Operands } from './kernels.js';

/** Counts a step and writes its coefficients behind the hyperparameters. */
export function advanceOptimizer(rule: OptimizerCode, scalars: Float64Array, rate: number): void {
  const [weightDecay, decoupledDecay, decay1, decay2, , option] = scalars;
  scalars[OptimizerScalar.steps] += 1;
  scalars[OptimizerScalar.power1] *= decay1;
  scalars[OptimizerScalar.power2] *= decay2;
  scalars[OptimizerScalar.power3] *= option;
  const coefficients = [weightDecay, 1 - rate * decoupledDecay, ...coefficientsOf(rule, scalars, rate)];
  scalars.set(coefficients, OptimizerScalar.intoGradient);
}

/** Coefficients c0, c1, ... of a rule for the step that has just been counted. */
function coefficientsOf(rule: OptimizerCode, scalars: Float64Array, rate: number): number[] {
  const [, , decay1, decay2, epsilon, option, largest, steps, power1, power2, power3] = scalars;
  const bias1 = 1 - power1;
  const bias2 = 1 - power2;
  const means = [decay1, 1 - decay1, decay2, 1 - decay2] as const;
  switch (rule) {
    case OptimizerCode.amsgrad:
      return [...means, 0, rate / bias1, 1 / Math.sqrt(bias2), epsilon];
    case OptimizerCode.nadam: {
      const momentum = decay1 * (1 - 0.5 * power3);
      const next = decay1 * (1 - 0.5 * power3 * option);
      scalars[OptimizerScalar.product] *= momentum;
      const product = scalars[OptimizerScalar.product];
      const alongGradient = (rate * (1 - momentum)) / (1 - product);
      const alongMean = (rate * next) / (1 - product * next);
      return [...means, alongGradient, alongMean, 1 / Math.sqrt(bias2), epsilon];
    }
    case OptimizerCode.radam: {
      const limit = 2 / (1 - decay2) - 1;
      const length = limit - (2 * steps * power2) / bias2;
      if (length <= 5) return [...means, 0, rate / bias1, 0, 1];
      const share = ((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length);
      return [...means, 0, (rate * Math.sqrt(share) * Math.sqrt(bias2)) / bias1, 1, epsilon];
    }
    case OptimizerCode.adamax:
      return [decay1, 1 - decay1, decay2, epsilon, rate / bias1];
    case OptimizerCode.rmsprop:
      return [decay2, 1 - decay2, decay1, epsilon, rate];
    case OptimizerCode.adagrad:
      return [1, 1, 0, epsilon, rate / (1 + (steps - 1) * option)];
    case OptimizerCode.adadelta:
      return [decay2, 1 - decay2, epsilon, rate];
    case OptimizerCode.lion:
      return [...means, rate];
    case OptimizerCode.rprop:
      return [decay1, decay2, option, largest];
  }
}

/** Updates `count` parameters; which state is which is told in the list of operations. */
export function optimizerStep(
  rule: OptimizerCode,
  arena: Float64Array,
  coefficients: Float64Array,
  { parameters, gradient, state1, state2, state3, count }: Operands,
): void {
  const [intoGradient, kept, ...c] = coefficients;
  for (let index = 0; index < count; index++) {
    const w = arena[parameters + index];
    const g = arena[gradient + index] + intoGradient * w;
    let step = 0;
    switch (rule) {
      case OptimizerCode.amsgrad:
      case OptimizerCode.nadam:
      case OptimizerCode.radam: {
        const m = c[0] * arena[state1 + index] + c[1] * g;
        const v = c[2] * arena[state2 + index] + c[3] * g * g;
        arena[state1 + index] = m;
        arena[state2 + index] = v;
        const u = state3 < 0 ? v : Math.max(arena[state3 + index], v);
        if (state3 >= 0) arena[state3 + index] = u;
        step = (c[4] * g + c[5] * m) / (c[6] * Math.sqrt(u) + c[7]);
        break;
      }
      case OptimizerCode.adamax: {
        const m = c[0] * arena[state1 + index] + c[1] * g;
        const u = Math.max(c[2] * arena[state2 + index], Math.abs(g) + c[3]);
        arena[state1 + index] = m;
        arena[state2 + index] = u;
        step = (c[4] * m) / u;
        break;
      }
      case OptimizerCode.rmsprop:
      case OptimizerCode.adagrad: {
        const v = c[0] * arena[state1 + index] + c[1] * g * g;
        arena[state1 + index] = v;
        let square = v;
        if (state3 >= 0) {
          const n = c[0] * arena[state3 + index] + c[1] * g;
          arena[state3 + index] = n;
          square = Math.max(v - n * n, 0);
        }
        let b = g / (Math.sqrt(square) + c[3]);
        if (state2 >= 0) {
          b += c[2] * arena[state2 + index];
          arena[state2 + index] = b;
        }
        step = c[4] * b;
        break;
      }
      case OptimizerCode.adadelta: {
        const v = c[0] * arena[state1 + index] + c[1] * g * g;
        const s = arena[state2 + index];
        const d = (g * Math.sqrt(s + c[2])) / Math.sqrt(v + c[2]);
        arena[state1 + index] = v;
        arena[state2 + index] = c[0] * s + c[1] * d * d;
        step = c[3] * d;
        break;
      }
      case OptimizerCode.lion: {
        const m = arena[state1 + index];
        step = c[4] * Math.sign(c[0] * m + c[1] * g);
        arena[state1 + index] = c[2] * m + c[3] * g;
        break;
      }
      case OptimizerCode.rprop: {
        const turn = Math.sign(g) * Math.sign(arena[state2 + index]);
        const factor = turn > 0 ? c[0] : turn < 0 ? c[1] : 1;
        const size = Math.min(Math.max(arena[state1 + index] * factor, c[2]), c[3]);
        const last = turn < 0 ? 0 : g;
        arena[state1 + index] = size;
        arena[state2 + index] = last;
        step = Math.sign(last) * size;
        break;
      }
    }
    arena[parameters + index] = kept * w - step;
  }
}
