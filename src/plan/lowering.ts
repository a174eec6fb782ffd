import { blockingLayer, type Layer, lowestTrainable, type Model } from '../model.js';
import { ActivationCode, DecisionCode, ReductionCode } from '../opcodes.js';
import type { Emitter } from './emitter.js';
import type { Layout, PersistentPlaces } from './layout.js';

/** Places of the buffers of a batch. */
interface BatchPlaces {
  readonly input: number;
  readonly target: number;
  readonly labels: number;
  readonly rowLosses: number;
  /** Net input of each layer, −1 where it is not kept. */
  readonly netInputs: readonly number[];
  readonly outputs: readonly number[];
  readonly deltas: readonly number[];
  /** dE/dx of each layer and of the input (index 0), where they are kept apart from the deltas. */
  readonly outputGradients: readonly number[];
  readonly scratch: number;
}

/** Everything a lowering step needs to know. */
interface Context {
  readonly model: Model;
  readonly places: PersistentPlaces;
  readonly batch: BatchPlaces;
  readonly emitter: Emitter;
  /** The loss is computed from the net inputs of the last layer. */
  readonly fused: boolean;
  readonly inspect: boolean;
}

type TargetKind = 'dense' | 'labels';

const isRowwise = (layer: Layer): boolean => layer.activation === 'softmax';

/** The activation that acts within a product: softmax needs whole rows and follows as an operation of its own. */
const elementwiseCode = (layer: Layer): ActivationCode =>
  layer.activation === 'softmax' ? ActivationCode.linear : ActivationCode[layer.activation];

/** Programs of a training plan: `train` and `evaluate` for each kind of target, and `predict`. */
export function trainPrograms(
  model: Model,
  places: PersistentPlaces,
  layout: Layout,
  emitter: Emitter,
  emitUpdate: () => void,
): void {
  const context = contextOf(model, places, layout, emitter, false);
  const lowest = lowestTrainable(model);
  const trains = lowest >= 0 && blockingLayer(model, lowest) < 0;
  for (const kind of targetKinds(model)) {
    const suffix = kind === 'labels' ? 'Labels' : '';
    if (trains) {
      emitter.program(`train${suffix}`, () => {
        emitForward(context, context.fused);
        emitMetrics(context, kind);
        emitLossGradient(context, kind);
        emitBackward(context);
        emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
        emitUpdate();
      });
    }
    emitter.program(`evaluate${suffix}`, () => {
      emitForward(context, context.fused);
      emitMetrics(context, kind);
      emitLoss(context, kind, -1);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    });
  }
  emitter.program('predict', () => {
    emitForward(context, false);
    const last = model.layers.length - 1;
    emitter.emit('store_rows', { output: context.batch.outputs[last], units: model.outputs });
  });
}

/** Programs of an inspection plan: nothing is fused away, nothing is updated. */
export function inspectPrograms(
  model: Model,
  places: PersistentPlaces,
  layout: Layout,
  emitter: Emitter,
): void {
  const context = contextOf(model, places, layout, emitter, true);
  emitter.program('forward', () => emitForward(context, false));
  if (blockingLayer(model, 0) >= 0) return;
  for (const kind of targetKinds(model)) {
    emitter.program(kind === 'labels' ? 'inspectLabels' : 'inspect', () => {
      emitForward(context, false);
      emitGatherTargets(context, kind);
      emitInspectedBackward(context, kind);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    });
  }
}

const targetKinds = (model: Model): TargetKind[] =>
  model.lossTraits.takesLabels ? ['dense', 'labels'] : ['dense'];

function contextOf(
  model: Model,
  places: PersistentPlaces,
  layout: Layout,
  emitter: Emitter,
  inspect: boolean,
): Context {
  const fused = model.lossTraits.fusesWith === model.layers[model.layers.length - 1].activation;
  return { model, places, batch: placeBatch(model, layout, inspect), emitter, fused, inspect };
}

function placeBatch(model: Model, layout: Layout, inspect: boolean): BatchPlaces {
  const { layers } = model;
  const last = layers.length - 1;
  const keepsNetInput = (layer: Layer, index: number): boolean => {
    return inspect || isRowwise(layer) || (index === last && model.lossTraits.fusesWith === layer.activation);
  };
  const each = (prefix: string, when: (layer: Layer, index: number) => boolean): number[] =>
    layers.map((layer, index) =>
      when(layer, index) ? layout.addPerRow(`${prefix}${index + 1}`, layer.units) : -1,
    );
  const always = (): boolean => true;
  const scratchLength = Math.max(
    0,
    ...layers.slice(inspect ? 0 : 1).map((layer) => layer.inputs * layer.units),
  );
  return {
    input: layout.addPerRow('x0', model.inputs),
    target: layout.addPerRow('t', model.outputs),
    labels: model.lossTraits.takesLabels ? layout.addPerRow('labels', 1) : -1,
    rowLosses: layout.addPerRow('rowLosses', 1),
    netInputs: each('z', keepsNetInput),
    outputs: each('x', always),
    deltas: each('delta', always),
    outputGradients: inspect ? [layout.addPerRow('dx0', model.inputs), ...each('dx', always)] : [],
    scratch: scratchLength > 0 ? layout.add('scratch', 'scratch', 1, scratchLength) : -1,
  };
}

/** Gathers a batch and computes every layer; `stopAtNetInput` leaves the last activation to a fused loss. */
function emitForward({ model, places, batch, emitter, inspect }: Context, stopAtNetInput: boolean): void {
  emitter.emit('gather_rows', {
    output: batch.input,
    columns: model.inputs,
    scale: places.scale,
    offset: places.offset,
    perColumn: Number(places.perColumn),
  });
  model.layers.forEach((layer, index) => {
    const stops = stopAtNetInput && index === model.layers.length - 1;
    const netInputOnly = stops || isRowwise(layer);
    const keepNetInput = inspect && !netInputOnly;
    emitter.emit('linear_forward', {
      input: index === 0 ? batch.input : batch.outputs[index - 1],
      weights: places.layers[index].weights,
      biases: places.layers[index].biases,
      netInput: keepNetInput ? batch.netInputs[index] : -1,
      output: netInputOnly ? batch.netInputs[index] : batch.outputs[index],
      inputs: layer.inputs,
      units: layer.units,
      activation: netInputOnly ? ActivationCode.linear : elementwiseCode(layer),
    });
    if (isRowwise(layer) && !stops) {
      const { netInputs, outputs } = batch;
      emitter.emit('softmax_forward', {
        netInput: netInputs[index],
        output: outputs[index],
        units: layer.units,
      });
    }
  });
}

function emitGatherTargets({ model, batch, emitter }: Context, kind: TargetKind): void {
  if (kind === 'labels') emitter.emit('gather_labels', { output: batch.labels });
  else emitter.emit('gather_targets', { output: batch.target, columns: model.outputs });
}

/** What the metrics and the loss read: the net inputs when the loss is fused, the outputs otherwise. */
const predictionOf = ({ model, batch, fused }: Context): number =>
  (fused ? batch.netInputs : batch.outputs)[model.layers.length - 1];

function emitMetrics(context: Context, kind: TargetKind): void {
  const { model, batch, emitter, fused } = context;
  emitGatherTargets(context, kind);
  if (model.decision === null) return;
  const shared = { prediction: predictionOf(context), units: model.outputs };
  if (kind === 'labels') {
    emitter.emit('count_correct_labels', { ...shared, labels: batch.labels });
    return;
  }
  const threshold = fused ? DecisionCode.zero : DecisionCode.half;
  const decision = model.decision === 'argmax' ? DecisionCode.argmax : threshold;
  emitter.emit('count_correct', { ...shared, target: batch.target, decision });
}

/** Row losses, and the delta of the last layer (fused) or dE/dx of its outputs into `gradient`; −1 for the loss alone. */
function emitLoss(context: Context, kind: TargetKind, gradient: number): void {
  const { model, batch, emitter, fused } = context;
  const shared = {
    rowLosses: batch.rowLosses,
    units: model.outputs,
    reduction: ReductionCode[model.reduction],
  };
  const prediction = predictionOf(context);
  const { labels, target } = batch;
  if (fused) {
    const operands = { ...shared, netInput: prediction, delta: gradient };
    const isBinary = model.lossTraits.decides === 'threshold';
    if (isBinary) emitter.emit('sigmoid_binary_cross_entropy', { ...operands, target });
    else if (kind === 'labels') emitter.emit('softmax_cross_entropy_labels', { ...operands, labels });
    else emitter.emit('softmax_cross_entropy', { ...operands, target });
    return;
  }
  const operands = { ...shared, prediction, gradient };
  if (kind === 'labels') emitter.emit('cross_entropy_labels', { ...operands, labels });
  else emitter.emit('loss_backward', { ...operands, target, loss: model.lossTraits.code });
}

function emitActivationBackward({ model, batch, emitter }: Context, index: number, gradient: number): void {
  const layer = model.layers[index];
  const shared = { gradient, output: batch.outputs[index], delta: batch.deltas[index], units: layer.units };
  if (isRowwise(layer)) emitter.emit('softmax_backward', shared);
  else emitter.emit('activation_backward', { ...shared, activation: elementwiseCode(layer) });
}

/** Row losses and the delta of the last layer. */
function emitLossGradient(context: Context, kind: TargetKind): void {
  const { model, batch } = context;
  const last = model.layers.length - 1;
  emitLoss(context, kind, batch.deltas[last]);
  if (!context.fused && model.layers[last].activation !== 'linear') {
    emitActivationBackward(context, last, batch.deltas[last]);
  }
}

function emitWeightGradient({ model, places, batch, emitter }: Context, index: number): void {
  const { inputs, units } = model.layers[index];
  const { weightGradient, biasGradient } = places.layers[index];
  const input = index === 0 ? batch.input : batch.outputs[index - 1];
  emitter.emit('linear_backward_weights', {
    input,
    delta: batch.deltas[index],
    weightGradient,
    biasGradient,
    inputs,
    units,
  });
}

/** dE/dx of the layer below `index`; with `derivative`, times its f', which makes it that layer's delta. */
function emitInputGradient(
  context: Context,
  index: number,
  gradient: number,
  derivative: ActivationCode,
): void {
  const { model, places, batch, emitter } = context;
  const { inputs, units } = model.layers[index];
  emitter.emit('linear_backward_input', {
    delta: batch.deltas[index],
    weights: places.layers[index].weights,
    gradient,
    output: derivative === ActivationCode.linear ? -1 : batch.outputs[index - 1],
    scratch: batch.scratch,
    inputs,
    units,
    activation: derivative,
  });
}

/** Gradients of every trainable layer, from the last down to the lowest trainable one. */
function emitBackward(context: Context): void {
  const { model, batch } = context;
  const lowest = lowestTrainable(model);
  for (let index = model.layers.length - 1; index >= lowest; index--) {
    if (model.layers[index].trainable) emitWeightGradient(context, index);
    if (index === lowest) return;
    const below = model.layers[index - 1];
    emitInputGradient(context, index, batch.deltas[index - 1], elementwiseCode(below));
    if (isRowwise(below)) emitActivationBackward(context, index - 1, batch.deltas[index - 1]);
  }
}

/** As `emitBackward`, for all layers, with dE/dx of every layer and of the input kept apart from the deltas. */
function emitInspectedBackward(context: Context, kind: TargetKind): void {
  const { model, batch } = context;
  const last = model.layers.length - 1;
  const onNetInput = model.lossTraits.includes !== undefined;
  emitLoss({ ...context, fused: onNetInput }, kind, batch.outputGradients[last + 1]);
  if (context.fused && !onNetInput) emitLoss(context, kind, batch.deltas[last]);
  else emitActivationBackward(context, last, batch.outputGradients[last + 1]);
  for (let index = last; index >= 0; index--) {
    emitWeightGradient(context, index);
    emitInputGradient(context, index, batch.outputGradients[index], ActivationCode.linear);
    if (index > 0) emitActivationBackward(context, index - 1, batch.outputGradients[index]);
  }
}
