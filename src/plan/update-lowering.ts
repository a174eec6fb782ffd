import { further } from '../further.js';
import type { Model } from '../model.js';
import { ClipCode } from '../opcodes.js';
import { isPlainSgd } from '../optimizers.js';
import { isBasic } from './basic-plan.js';
import type { Emitter } from './emitter.js';
import type { Layout, PersistentPlaces, StateBlock } from './layout.js';
import {
  emitOptimizer,
  type OptimizerState,
  optimizerState,
  type ParameterSpan,
  spansOf,
} from './optimizer-lowering.js';

/** Where an update keeps its numbers: scalars by index, −1 where absent. */
export interface UpdateState {
  readonly optimizer: OptimizerState;
  /** Everything that mirrors the parameters. */
  readonly blocks: readonly StateBlock[];
  readonly learningRate: number;
  readonly clipLimit: number;
  /** Norm of the gradient of the last step, before it was clipped. */
  readonly gradientNorm: number;
  /** Norm of the gradient of a layer. */
  readonly layerNorm: number;
  readonly averageDecay: number;
  /** Batches whose gradients have been added up. */
  readonly batches: number;
  readonly layers: readonly { readonly l1: number; readonly l2: number; readonly maxNorm: number }[];
}

/** Name of the block that holds the average of the parameters. */
export const AVERAGE = 'average';

/** The places of the layers with the averages of their parameters. */
export function averagePlaces(places: PersistentPlaces): PersistentPlaces {
  const by = (places.state.get(AVERAGE) as number) - places.parameters;
  const moved = (place: number): number => (place < 0 ? -1 : place + by);
  const layers = places.layers.map((layer) => {
    return { ...layer, weights: moved(layer.weights), biases: moved(layer.biases) };
  });
  return { ...places, layers };
}

/** Numbers whose squares are added up at once. */
export const NORM_BLOCK = 1024;

/** Adds the scalars of an update to the layout. */
export function updateState(model: Model, layout: Layout): UpdateState {
  const { optimizer, gradientClipping: clipping, averaging, layers } = model;
  const state = optimizerState(optimizer, layout);
  const scalar = (name: string, value: number | null | undefined): number =>
    value ? layout.addScalar(name, value) : -1;
  const measures = clipping !== null && clipping.kind !== 'value';
  const average = averaging ? [{ name: AVERAGE, initial: 0 }] : [];
  return {
    optimizer: state,
    blocks: [...state.states.filter((block) => block !== null), ...average],
    learningRate: state.learningRate,
    clipLimit: scalar('clipLimit', clipping?.limit),
    gradientNorm: measures ? layout.addScalar('gradientNorm', 0) : -1,
    layerNorm: clipping?.kind === 'norm' ? layout.addScalar('layerNorm', 0) : -1,
    averageDecay: averaging ? layout.addScalar('averageDecay', averaging.decay) : -1,
    batches: layout.addScalar('batches', 0),
    layers: layers.map(({ l1, l2, maxNorm }, index) => ({
      l1: scalar(`l1.${index + 1}`, l1),
      l2: scalar(`l2.${index + 1}`, l2),
      maxNorm: scalar(`maxNorm.${index + 1}`, maxNorm),
    })),
  };
}

/** Weights from which on a step without a gradient saves more than its operations cost. */
const IN_PLACE_FROM_WEIGHTS = 1024;

/**
 * Indices of the layers that a training step updates without storing their gradient: large ones under plain sgd, if
 * nobody needs it.
 */
export function updatesInPlace({ optimizer, layers, gradientClipping }: Model): number[] {
  if (!isPlainSgd(optimizer) || gradientClipping) return [];
  return layers.flatMap(({ trainable, weightRows, units, l1, l2, config }, index) => {
    const isLarge = config.type === 'dense' && weightRows * units >= IN_PLACE_FROM_WEIGHTS;
    return trainable && isLarge && l1 === 0 && l2 === 0 ? [index] : [];
  });
}

/** Makes the buffer that norms are computed in; −1 where there are none. */
export const placeSquares = (places: PersistentPlaces, state: UpdateState, layout: Layout): number =>
  state.gradientNorm < 0
    ? -1
    : layout.add(
        'squares',
        'scratch',
        1,
        Math.ceil(places.parameterLength / NORM_BLOCK) + places.layers.length,
      );

/** What an update is emitted from. */
export interface UpdateContext {
  readonly model: Model;
  readonly places: PersistentPlaces;
  readonly state: UpdateState;
  readonly emitter: Emitter;
  readonly squares: number;
}

/**
 * Emits the update of all trainable layers but those of `updated`, which have been updated in place: penalties, then
 * clipping, then the step of the optimizer, then bounds and averages of the parameters. `accumulated` says that the
 * gradients are sums over batches.
 */
export function emitUpdate(context: UpdateContext, updated: readonly number[], accumulated: boolean): void {
  const { model, places, state, emitter } = context;
  const spans = spansOf(model, places, updated);
  if (accumulated) emitClips(context, spans, ClipCode.mean, -1, state.batches);
  const rules = isBasic(model) ? null : further();
  rules?.emitPenalties(context, updated);
  rules?.emitClipping(context, spans);
  emitOptimizer(model, places, state.optimizer, emitter, spans);
  rules?.emitBounds(context);
  rules?.emitAverage(context);
}

export const gradientOf = ({ places }: UpdateContext, { begin }: ParameterSpan): number =>
  places.gradients + begin - places.parameters;

export function emitClips(
  context: UpdateContext,
  spans: readonly ParameterSpan[],
  kind: ClipCode,
  limit: number,
  measure: number,
): void {
  for (const span of spans) {
    const gradient = gradientOf(context, span);
    context.emitter.emit('clip_gradient', { gradient, count: span.count, kind, limit, measure });
  }
}
