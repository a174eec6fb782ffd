import { further } from '../further.js';
import { isMask } from '../layers.js';
import { lowestTrainable } from '../model.js';
import { ActivationCode } from '../opcodes.js';
import { activeBelow, type Context, inputOf, isApart, outputGradientOf } from './context.js';
import { emitLoss, type TargetKind } from './loss-lowering.js';

/** Row losses and the delta of the last layer. */
export function emitLossGradient(context: Context, kind: TargetKind): void {
  const { model, batch } = context;
  const last = model.layers.length - 1;
  emitLoss(context, kind, batch.deltas[last]);
  if (!context.fused && model.layers[last].activation.name !== 'linear') {
    emitActivationBackward(context, last);
  }
}

function emitActivationBackward(context: Context, index: number): void {
  const { model, batch, emitter } = context;
  const gradient = outputGradientOf(batch, index);
  const layer = model.layers[index];
  const shared = { gradient, output: batch.outputs[index], delta: batch.deltas[index], units: layer.units };
  if (layer.activation.kind === 'traced') context.expressions[index]?.emit(emitter, 1);
  else if (layer.activation.kind === 'softmax') emitter.emit('softmax_backward', shared);
  else emitter.emit('activation_backward', { ...shared, activation: layer.activation.code });
}

/** What a layer is to compute on the way back. */
export interface Wanted {
  /** The gradients of its parameters. */
  readonly parameters: boolean;
  /** Added to what is there. */
  readonly accumulates: boolean;
  /** Where dE/dx of the layer below goes; −1 for nowhere. */
  readonly gradient: number;
}

function emitLayerBackward(context: Context, index: number, wanted: Wanted): void {
  const { batch } = context;
  const { type } = context.model.layers[index].config;
  if (type === 'dense') {
    if (wanted.parameters) emitWeightGradient(context, index, wanted.accumulates);
    if (wanted.gradient >= 0) emitInputGradient(context, index, wanted.gradient);
  } else if (type === 'dropout') further().emitMask(context, index, batch.deltas[index], wanted.gradient);
  else if (type !== 'gaussianNoise') further().emitNormBackward(context, index, wanted);
}

function emitWeightGradient(context: Context, index: number, accumulates: boolean): void {
  const { model, places, batch, emitter } = context;
  const { inputs, units } = model.layers[index];
  const { weightGradient, biasGradient } = places.layers[index];
  emitter.emit('linear_backward_weights', {
    input: inputOf(context, index, true),
    delta: batch.deltas[index],
    weightGradient,
    biasGradient,
    inputs,
    units,
    accumulate: Number(accumulates),
  });
}

/** Whether a product makes dE/dx of the layer below, times its f', in one go. */
const takesDerivative = ({ model, inspect }: Context, index: number): boolean =>
  model.layers[index].config.type === 'dense' && !inspect;

/** dE/dx of the layer below `index`; times its f' where that is elementwise, which makes it that layer's delta. */
function emitInputGradient(context: Context, index: number, gradient: number): void {
  const { model, places, batch, emitter } = context;
  const { inputs, units } = model.layers[index];
  const below = activeBelow(context, index);
  const isLinear = below < 0 || !takesDerivative(context, index);
  const derivative = isLinear ? ActivationCode.linear : model.layers[below].activation.code;
  emitter.emit('linear_backward_input', {
    delta: batch.deltas[index],
    weights: places.layers[index].weights,
    gradient,
    output: derivative === ActivationCode.linear ? -1 : batch.outputs[below],
    inputs,
    units,
    activation: derivative,
  });
}

/**
 * Gradients of every trainable layer, from the last down to the lowest trainable one. Layers of `inPlace` are updated
 * instead, after the last use of their weights.
 */
export function emitBackward(
  context: Context,
  inPlace: readonly number[],
  learningRate: number,
  accumulates: boolean,
): void {
  const { model, batch } = context;
  const lowest = lowestTrainable(model);
  for (let index = model.layers.length - 1; index >= lowest; index--) {
    const updates = inPlace.includes(index);
    const parameters = model.layers[index].trainable && !updates;
    const gradient = index > lowest ? batch.deltas[index - 1] : -1;
    emitLayerBackward(context, index, { parameters, accumulates, gradient });
    if (index > lowest && needsDerivative(context, index)) emitActivationBackward(context, index - 1);
    if (updates) emitUpdateInPlace(context, index, learningRate);
  }
}

/** Whether what came out of a layer has still to be made the delta of the one below. */
function needsDerivative(context: Context, index: number): boolean {
  const { layers } = context.model;
  const below = layers[index - 1];
  if (isMask(below) || below.activation.name === 'linear') return false;
  const above = layers.findIndex((layer, other) => other >= index && !isMask(layer));
  return isApart(below) || !takesDerivative(context, above);
}

/** A step of plain sgd without a gradient: W += X^T (-learningRate delta). */
function emitUpdateInPlace(context: Context, index: number, rate: number): void {
  const { model, places, batch, emitter } = context;
  const { inputs, units } = model.layers[index];
  const { weights, biases } = places.layers[index];
  const delta = batch.deltas[index];
  emitter.emit('scale_by_rate', { delta, units, learningRate: rate });
  emitter.emit('linear_backward_weights', {
    input: inputOf(context, index, true),
    delta,
    weightGradient: weights,
    biasGradient: biases,
    inputs,
    units,
    accumulate: 1,
  });
}

/** As `emitBackward`, for all layers, with dE/dx of every layer and of the input kept apart from the deltas. */
export function emitInspectedBackward(context: Context, kind: TargetKind): void {
  const { model, batch } = context;
  const last = model.layers.length - 1;
  // A loss that needs its output activation is one of the net inputs: there is no gradient of the outputs but that.
  const onNetInput = model.loss.needs !== undefined;
  emitLoss({ ...context, fused: onNetInput }, kind, batch.outputGradients[last + 1]);
  if (onNetInput) emitCopy(context, last, batch.outputGradients[last + 1], batch.deltas[last]);
  else if (context.fused) emitLoss(context, kind, batch.deltas[last]);
  else emitActivationBackward(context, last);
  for (let index = last; index >= 0; index--) {
    const gradient = batch.outputGradients[index];
    if (isMask(model.layers[index])) emitCopy(context, index, batch.deltas[index], gradient);
    else emitLayerBackward(context, index, { parameters: true, accumulates: false, gradient });
    if (index > 0) emitActivationBackward(context, index - 1);
  }
}

/** One gradient of a layer as another. */
function emitCopy({ model, batch, emitter }: Context, index: number, gradient: number, delta: number): void {
  emitter.emit('activation_backward', {
    gradient,
    output: batch.outputs[index],
    delta,
    units: model.layers[index].units,
    activation: ActivationCode.linear,
  });
}
