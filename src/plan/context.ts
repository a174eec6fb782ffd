import { further } from '../further.js';
import { isMask, type Layer, type LayerConfig } from '../layers.js';
import { isFused, type Model } from '../model.js';
import { isBasic } from './basic-plan.js';
import type { Emitter } from './emitter.js';
import type { ExpressionLowering } from './expression-lowering.js';
import type { Layout, PersistentPlaces } from './layout.js';

/** Places of the buffers of a batch. */
export interface BatchPlaces {
  readonly input: number;
  readonly target: number;
  readonly labels: number;
  /** One weight a row; −1 without. */
  readonly rowWeights: number;
  readonly rowLosses: number;
  /** What the reduction multiplies the gradient of a traced loss by. */
  readonly lossScale: number;
  /** Net input of each layer, −1 where it is not kept. */
  readonly netInputs: readonly number[];
  readonly outputs: readonly number[];
  readonly deltas: readonly number[];
  /** dE/dx of each layer and of the input (index 0), where they are kept apart from the deltas. */
  readonly outputGradients: readonly number[];
  /** Mean and 1 / deviation that a normalising layer keeps for the way back: per unit, or per row. */
  readonly means: readonly number[];
  readonly inverseDeviations: readonly number[];
}

/** Scalars that layers compute with, by index; −1 where absent. */
export interface LayerScalars {
  /** Of each layer: epsilon and momentum of a norm, standard deviation of noise. */
  readonly epsilons: readonly number[];
  readonly momenta: readonly number[];
  readonly deviations: readonly number[];
  /** Key and step of the masks, one after the other. */
  readonly masks: number;
}

/** Adds the scalars of the layers to the layout. */
export function placeLayerScalars({ layers }: Model, layout: Layout): LayerScalars {
  const each = (name: string, numberOf: (config: LayerConfig) => number | null): number[] =>
    layers.map(({ config }, index) => {
      const value = numberOf(config);
      return value === null ? -1 : layout.addScalar(`${name}.${index + 1}`, value);
    });
  const scalars = {
    epsilons: each('epsilon', (config) => ('epsilon' in config ? config.epsilon : null)),
    momenta: each('momentum', (config) => ('momentum' in config ? config.momentum : null)),
    deviations: each('deviation', (config) => ('stddev' in config ? config.stddev : null)),
  };
  if (!layers.some(isMask)) return { ...scalars, masks: -1 };
  const masks = layout.addScalar('maskKey', 0);
  layout.addScalar('maskStep', 0);
  return { ...scalars, masks };
}

/** Everything a lowering step needs to know. */
export interface Context {
  readonly model: Model;
  readonly places: PersistentPlaces;
  readonly scalars: LayerScalars;
  readonly batch: BatchPlaces;
  readonly emitter: Emitter;
  /** The loss is computed from the net inputs of the last layer. */
  readonly fused: boolean;
  readonly inspect: boolean;
  /** Expressions of the layers that have them: stage 0 forward, stage 1 backward. */
  readonly expressions: readonly (ExpressionLowering | null)[];
  /** Expression of the loss, likewise: row losses, then the gradient. */
  readonly lossExpression: ExpressionLowering | null;
}

/** The activation follows the product as an operation of its own. */
export const isApart = (layer: Layer): boolean => layer.activation.kind !== 'elementwise';

/** Places the buffers of a batch and the expressions of a model. */
export function contextOf(
  model: Model,
  places: PersistentPlaces,
  scalars: LayerScalars,
  layout: Layout,
  emitter: Emitter,
  inspect: boolean,
  weighted = false,
): Context {
  const fused = isFused(model);
  const batch = placeBatch(model, layout, inspect, weighted);
  const { expressions, lossExpression } = isBasic(model)
    ? { expressions: [], lossExpression: null }
    : further().lowerExpressions(model, batch, layout);
  return { model, places, scalars, batch, emitter, fused, inspect, expressions, lossExpression };
}

/** What enters a layer. A layer that acts in training only has no outputs elsewhere: what enters it is passed on. */
export function inputOf(context: Context, index: number, training: boolean): number {
  const { batch } = context;
  const below = training ? index - 1 : activeBelow(context, index);
  return below < 0 ? batch.input : batch.outputs[below];
}

/** Index of the layer below that has an activation; −1 where there is none. */
export function activeBelow({ model, inspect }: Context, index: number): number {
  let below = index - 1;
  while (below >= 0 && !inspect && isMask(model.layers[below])) below--;
  return below;
}

/** Gradient of the loss with respect to the outputs of a layer, before its activation makes it the delta. */
export const outputGradientOf = (batch: BatchPlaces, index: number): number =>
  batch.outputGradients[index + 1] ?? batch.deltas[index];

function placeBatch(model: Model, layout: Layout, inspect: boolean, weighted: boolean): BatchPlaces {
  const { layers } = model;
  const last = layers.length - 1;
  const keepsNetInput = (layer: Layer, index: number): boolean => {
    return inspect || isApart(layer) || (index === last && isFused(model));
  };
  const each = (prefix: string, when: (layer: Layer, index: number) => boolean): number[] =>
    layers.map((layer, index) =>
      when(layer, index) ? layout.addPerRow(`${prefix}${index + 1}`, layer.units) : -1,
    );
  const always = (): boolean => true;
  const moments = (prefix: string): number[] =>
    layers.map(({ config: { type }, units }, index) => {
      const name = `${prefix}${index + 1}`;
      if (type === 'layerNorm') return layout.addPerRow(name, 1, 'scratch');
      return type === 'batchNorm' ? layout.add(name, 'scratch', 1, units) : -1;
    });
  return {
    input: layout.addPerRow('x0', model.inputs),
    target: layout.addPerRow('t', model.outputs),
    rowWeights: weighted ? layout.addPerRow('rowWeights', 1) : -1,
    labels: model.loss.takesLabels ? layout.addPerRow('labels', 1) : -1,
    rowLosses: layout.addPerRow('rowLosses', 1),
    lossScale: model.loss.traced ? layout.add('lossScale', 'scratch', 1, 1) : -1,
    netInputs: each('z', keepsNetInput),
    outputs: each('x', always),
    deltas: inspect
      ? each('delta', always)
      : sharedDeltas(
          each('delta', (layer) => !isMask(layer)),
          model,
        ),
    outputGradients: inspect ? [layout.addPerRow('dx0', model.inputs), ...each('dx', always)] : [],
    means: moments('mean'),
    inverseDeviations: moments('inverseDeviation'),
  };
}

/** Gradients go through a layer that acts in training only in place: it shares the delta of the layer below. */
function sharedDeltas(deltas: number[], { layers }: Model): number[] {
  layers.forEach((layer, index) => {
    if (isMask(layer)) deltas[index] = deltas[index - 1] ?? -1;
  });
  return deltas;
}
