import { OptimizerCode } from '../opcodes.js';
import { OptimizerScalar } from '../optimizer-scalars.js';
import type { Moments, Optimizer, SgdOptimizer } from '../optimizers.js';
import type { Layout } from './layout.js';
import { type OptimizerState, zeros } from './optimizer-lowering.js';

/** An optimizer as a rule of `optimizer_step`: what it keeps, and its hyperparameters. */
interface Rule {
  readonly code: OptimizerCode;
  readonly states: OptimizerState['states'];
  readonly scalars: Partial<Record<keyof typeof OptimizerScalar, number>>;
}

function ruleOf(optimizer: Exclude<Optimizer, SgdOptimizer>): Rule {
  const { type } = optimizer;
  switch (type) {
    case 'adam':
    case 'adamw': {
      const states = [zeros('moment1'), zeros('moment2'), zeros('largestMoment2')];
      return { code: OptimizerCode.amsgrad, states, scalars: momentScalars(optimizer, type === 'adamw') };
    }
    case 'nadam':
    case 'radam': {
      const scalars = momentScalars(optimizer, optimizer.decoupledWeightDecay);
      const states = [zeros('moment1'), zeros('moment2')];
      if (type === 'radam') return { code: OptimizerCode.radam, states, scalars };
      const option = 0.96 ** optimizer.momentumDecay;
      return { code: OptimizerCode.nadam, states, scalars: { ...scalars, option } };
    }
    case 'adamax': {
      const states = [zeros('moment1'), zeros('largest')];
      return { code: OptimizerCode.adamax, states, scalars: momentScalars(optimizer, false) };
    }
    case 'rmsprop': {
      const { decay, momentum, centered, epsilon, weightDecay } = optimizer;
      return {
        code: OptimizerCode.rmsprop,
        states: [
          zeros('meanSquare'),
          momentum > 0 ? zeros('velocity') : null,
          centered ? zeros('mean') : null,
        ],
        scalars: { decay1: momentum, decay2: decay, epsilon, weightDecay },
      };
    }
    case 'adagrad': {
      const { learningRateDecay, initialAccumulator, epsilon, weightDecay } = optimizer;
      return {
        code: OptimizerCode.adagrad,
        states: [{ name: 'sumOfSquares', initial: initialAccumulator }],
        scalars: { option: learningRateDecay, epsilon, weightDecay },
      };
    }
    case 'adadelta': {
      const { decay, epsilon, weightDecay } = optimizer;
      return {
        code: OptimizerCode.adadelta,
        states: [zeros('meanSquare'), zeros('meanSquareStep')],
        scalars: { decay2: decay, epsilon, weightDecay },
      };
    }
    case 'lion': {
      const { beta1, beta2, weightDecay } = optimizer;
      return {
        code: OptimizerCode.lion,
        states: [zeros('moment1')],
        scalars: { decay1: beta1, decay2: beta2, decoupledDecay: weightDecay },
      };
    }
    case 'rprop': {
      const { learningRate, increase, decrease, smallestStep, largestStep } = optimizer;
      const scalars = { decay1: increase, decay2: decrease, option: smallestStep, largest: largestStep };
      return {
        code: OptimizerCode.rprop,
        states: [{ name: 'stepSize', initial: learningRate }, zeros('lastGradient')],
        scalars,
      };
    }
  }
}

const momentScalars = (
  { beta1, beta2, epsilon, weightDecay }: Moments,
  decoupled: boolean,
): Rule['scalars'] => ({
  decay1: beta1,
  decay2: beta2,
  epsilon,
  ...(decoupled ? { decoupledDecay: weightDecay } : { weightDecay }),
});

/** Names of the numbers that begin with one, being products. */
const products: readonly string[] = ['power1', 'power2', 'power3', 'product'];

/** Adds the scalars of an optimizer without an operation of its own to the layout. */
export function ruleState(
  optimizer: Exclude<Optimizer, SgdOptimizer>,
  layout: Layout,
): Omit<OptimizerState, 'learningRate'> {
  const { code, states, scalars } = ruleOf(optimizer);
  const first = layout.scalars.length;
  for (let index = 0; index < OptimizerScalar.count; index++) {
    const name = OptimizerScalar[index] as keyof typeof OptimizerScalar;
    layout.addScalar(name, scalars[name] ?? (products.includes(name) ? 1 : 0));
  }
  return { states, weightDecay: -1, first, rule: code };
}
