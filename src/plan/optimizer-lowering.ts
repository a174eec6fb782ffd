import { further } from '../further.js';
import type { Model } from '../model.js';
import type { OptimizerCode } from '../opcodes.js';
import { hasOwnStep, type Optimizer } from '../optimizers.js';
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

export const zeros = (name: string): StateBlock => ({ name, initial: 0 });

/** Adds the scalars of an optimizer to the layout. */
export function optimizerState(optimizer: Optimizer, layout: Layout): OptimizerState {
  const learningRate = layout.addScalar('learningRate', firstRate(optimizer.learningRate));
  if (!hasOwnStep(optimizer)) return { ...further().ruleState(optimizer, layout), learningRate };
  const { weightDecay: decay } = optimizer;
  const weightDecay = decay > 0 ? layout.addScalar('weightDecay', decay) : -1;
  if (optimizer.type === 'sgd') {
    const shared = { learningRate, weightDecay, rule: null };
    if (optimizer.momentum === 0) return { ...shared, states: [], first: -1 };
    const momentum = layout.addScalar('momentum', optimizer.momentum);
    return { ...shared, states: [zeros('velocity')], first: momentum };
  }
  const { beta1, beta2, epsilon } = optimizer;
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
