import type { Model } from '../model.js';
import type { Optimizer } from '../optimizers.js';
import type { Emitter } from './emitter.js';
import type { Layout, PersistentPlaces } from './layout.js';

/** Where an optimizer keeps its numbers: scalars by index, and the names of its state buffers. */
export interface OptimizerState {
  readonly buffers: readonly string[];
  readonly learningRate: number;
  readonly weightDecay: number;
  /** sgd: index of the momentum, −1 without one. adam: first of beta1, beta2, epsilon, power1, power2. */
  readonly first: number;
}

/** Adds the scalars of an optimizer to the layout. */
export function optimizerState(optimizer: Optimizer, layout: Layout): OptimizerState {
  const learningRate = layout.addScalar('learningRate', optimizer.learningRate);
  const weightDecay = optimizer.weightDecay > 0 ? layout.addScalar('weightDecay', optimizer.weightDecay) : -1;
  if (optimizer.type === 'sgd') {
    if (optimizer.momentum === 0) return { buffers: [], learningRate, weightDecay, first: -1 };
    const momentum = layout.addScalar('momentum', optimizer.momentum);
    return { buffers: ['velocity'], learningRate, weightDecay, first: momentum };
  }
  const beta1 = layout.addScalar('beta1', optimizer.beta1);
  layout.addScalar('beta2', optimizer.beta2);
  layout.addScalar('epsilon', optimizer.epsilon);
  layout.addScalar('power1', 1);
  layout.addScalar('power2', 1);
  return { buffers: ['moment1', 'moment2'], learningRate, weightDecay, first: beta1 };
}

/** Weights from which on a step without a gradient saves more than its operations cost. */
const IN_PLACE_FROM_WEIGHTS = 1024;

/** Indices of the layers that a training step updates without storing their gradient: large ones under plain sgd. */
export function updatesInPlace({ optimizer, layers }: Model): number[] {
  if (optimizer.type !== 'sgd' || optimizer.momentum > 0 || optimizer.weightDecay > 0) return [];
  return layers.flatMap(({ trainable, inputs, units }, index) =>
    trainable && inputs * units >= IN_PLACE_FROM_WEIGHTS ? [index] : [],
  );
}

/** Emits the update of all trainable layers but those of `updated`: one step operation per run of neighbours. */
export function emitUpdate(
  model: Model,
  places: PersistentPlaces,
  state: OptimizerState,
  emitter: Emitter,
  updated: readonly number[],
): void {
  const { optimizer } = model;
  const spans = trainableSpans(model, places, updated);
  if (optimizer.type !== 'sgd' && spans.length > 0) emitter.emit('advance_moments', { moments: state.first });
  for (const { begin, count } of spans) {
    const at = (block: number | undefined): number =>
      block === undefined ? -1 : block + begin - places.parameters;
    const shared = {
      parameters: begin,
      gradient: at(places.gradients),
      count,
      learningRate: state.learningRate,
      weightDecay: state.weightDecay,
    };
    if (optimizer.type === 'sgd') {
      const velocity = at(places.state.get('velocity'));
      emitter.emit('sgd_step', {
        ...shared,
        velocity,
        momentum: state.first,
        nesterov: Number(optimizer.nesterov),
      });
    } else {
      emitter.emit('adam_step', {
        ...shared,
        firstMoment: at(places.state.get('moment1')),
        secondMoment: at(places.state.get('moment2')),
        moments: state.first,
        decoupled: Number(optimizer.type === 'adamw'),
      });
    }
  }
}

/**
 * Stretches of the parameter block that belong to trainable layers only, without those of `updated`; padding between
 * layers stays zero.
 */
function trainableSpans(
  model: Model,
  places: PersistentPlaces,
  updated: readonly number[],
): { begin: number; count: number }[] {
  const ends = [
    ...places.layers.slice(1).map((layer) => layer.weights),
    places.parameters + places.parameterLength,
  ];
  const spans: { begin: number; count: number }[] = [];
  model.layers.forEach((layer, index) => {
    if (!layer.trainable || updated.includes(index)) return;
    const begin = places.layers[index].weights;
    const previous = spans.at(-1);
    if (previous && previous.begin + previous.count === begin) previous.count = ends[index] - previous.begin;
    else spans.push({ begin, count: ends[index] - begin });
  });
  return spans;
}
