import type { Model } from '../model.js';
import { OptimizerCode, OptimizerScalar } from '../opcodes.js';
import type { Moments, Optimizer } from '../optimizers.js';
import { firstRate } from '../schedules.js';
import type { Emitter } from './emitter.js';
import type { Layout, PersistentPlaces, StateBlock } from './layout.js';

/** Where an optimizer keeps its numbers: scalars by index, and its state. */
export interface OptimizerState {
  /** First, second and third state; null where there is none. */
  readonly states: readonly (StateBlock | null)[];
  readonly learningRate: number;
  readonly weightDecay: number;
  /**
   * sgd: index of the momentum, −1 without one. adam: first of beta1, beta2, epsilon, power1, power2. With a rule: first
   * of the scalars of `OptimizerScalar`.
   */
  readonly first: number;
  readonly rule: OptimizerCode | null;
}

/** An optimizer as a rule of `optimizer_step`: what it keeps, and its hyperparameters. */
interface Rule {
  readonly code: OptimizerCode;
  readonly states: OptimizerState['states'];
  readonly scalars: Partial<Record<keyof typeof OptimizerScalar, number>>;
}

const zeros = (name: string): StateBlock => ({ name, initial: 0 });

/** The rule of an optimizer; null for those with an operation of their own. */
function ruleOf(optimizer: Optimizer): Rule | null {
  const { type } = optimizer;
  switch (type) {
    case 'sgd':
      return null;
    case 'adam':
    case 'adamw': {
      if (!optimizer.amsgrad) return null;
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

/** Adds the scalars of an optimizer to the layout. */
export function optimizerState(optimizer: Optimizer, layout: Layout): OptimizerState {
  const learningRate = layout.addScalar('learningRate', firstRate(optimizer.learningRate));
  const rule = ruleOf(optimizer);
  if (rule) return { ...ruleState(rule, layout), learningRate };
  const { weightDecay: decay } = optimizer as Extract<Optimizer, { type: 'sgd' | 'adam' | 'adamw' }>;
  const weightDecay = decay > 0 ? layout.addScalar('weightDecay', decay) : -1;
  if (optimizer.type === 'sgd') {
    const shared = { learningRate, weightDecay, rule: null };
    if (optimizer.momentum === 0) return { ...shared, states: [], first: -1 };
    const momentum = layout.addScalar('momentum', optimizer.momentum);
    return { ...shared, states: [zeros('velocity')], first: momentum };
  }
  const { beta1, beta2, epsilon } = optimizer as Moments & Optimizer;
  const first = layout.addScalar('beta1', beta1);
  layout.addScalar('beta2', beta2);
  layout.addScalar('epsilon', epsilon);
  layout.addScalar('power1', 1);
  layout.addScalar('power2', 1);
  return {
    states: [zeros('moment1'), zeros('moment2')],
    learningRate,

    weightDecay,
    first,
    rule: null,
  };
}

/** Names of the numbers that begin with one, being products. */
const products: readonly string[] = ['power1', 'power2', 'power3', 'product'];

function ruleState({ code, states, scalars }: Rule, layout: Layout): Omit<OptimizerState, 'learningRate'> {
  const first = layout.scalars.length;
  for (let index = 0; index < OptimizerScalar.count; index++) {
    const name = OptimizerScalar[index] as keyof typeof OptimizerScalar;
    layout.addScalar(name, scalars[name] ?? (products.includes(name) ? 1 : 0));
  }
  return { states, weightDecay: -1, first, rule: code };
}

/** Emits the step of an optimizer over stretches of the parameters. */
export function emitOptimizer(
  model: Model,
  places: PersistentPlaces,
  state: OptimizerState,
  emitter: Emitter,
  spans: readonly ParameterSpan[],
): void {
  const { optimizer } = model;
  if (spans.length === 0) return;
  const { learningRate, weightDecay, first, rule } = state;
  if (rule !== null) emitter.emit('advance_optimizer', { scalars: first, learningRate, rule });
  else if (optimizer.type !== 'sgd') emitter.emit('advance_moments', { moments: first });
  const [state1, state2, state3] = state.states.map((block) => block && places.state.get(block.name));
  for (const { begin, count } of spans) {
    const at = (block: number | null | undefined): number =>
      typeof block === 'number' ? block + begin - places.parameters : -1;
    const shared = { parameters: begin, gradient: at(places.gradients), count };
    if (rule !== null) {
      emitter.emit('optimizer_step', {
        ...shared,
        state1: at(state1),
        state2: at(state2),
        state3: at(state3),
        scalars: first,
        rule,
      });
    } else if (optimizer.type === 'sgd') {
      emitter.emit('sgd_step', {
        ...shared,
        velocity: at(state1),
        learningRate,
        momentum: first,
        weightDecay,
        nesterov: Number(optimizer.nesterov),
      });
    } else {
      emitter.emit('adam_step', {
        ...shared,
        firstMoment: at(state1),
        secondMoment: at(state2),
        learningRate,
        moments: first,
        weightDecay,
        decoupled: Number(optimizer.type === 'adamw'),
      });
    }
  }
}

/** A stretch of the parameter block. */
export interface ParameterSpan {
  readonly begin: number;
  readonly count: number;
}

/**
 * Stretches of the parameter block that belong to trainable layers only, without those of `updated`, one per run of
 * neighbours, or that of layer `only`; padding between layers stays zero.
 */
export function spansOf(
  model: Model,
  places: PersistentPlaces,
  updated: readonly number[],
  only?: number,
): ParameterSpan[] {
  const begins = places.layers.map(({ weights, biases }) => (weights < 0 ? biases : weights));
  const endOf = (index: number): number =>
    begins.find((begin, other) => other > index && begin >= 0) ?? places.parameters + places.parameterLength;
  const spans: { begin: number; count: number }[] = [];
  model.layers.forEach((layer, index) => {
    const begin = begins[index];
    if (begin < 0 || !layer.trainable || updated.includes(index)) return;
    if (only !== undefined && index !== only) return;
    const previous = spans.at(-1);
    const end = endOf(index);
    if (previous && previous.begin + previous.count === begin) previous.count = end - previous.begin;
    else spans.push({ begin, count: end - begin });
  });
  return spans;
}
