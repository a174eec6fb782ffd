import type { Node } from '../expression/nodes.js';
import { blockingLayer, type Layer, lowestTrainable, type Model } from '../model.js';
import { ActivationCode, DecisionCode, ExtentCode, type LossCode, ReductionCode } from '../opcodes.js';
import type { Emitter } from './emitter.js';
import { ExpressionLowering, type Place } from './expression-lowering.js';
import type { Layout, PersistentPlaces } from './layout.js';

/** Places of the buffers of a batch. */
interface BatchPlaces {
  readonly input: number;
  readonly target: number;
  readonly labels: number;
  readonly rowLosses: number;
  /** What the reduction multiplies the gradient of a traced loss by. */
  readonly lossScale: number;
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
  /** Expressions of the layers that have them: stage 0 forward, stage 1 backward. */
  readonly expressions: readonly (ExpressionLowering | null)[];
  /** Expression of the loss, likewise: row losses, then the gradient. */
  readonly lossExpression: ExpressionLowering | null;
}

type TargetKind = 'dense' | 'labels';

/** The activation follows the product as an operation of its own. */
const isApart = (layer: Layer): boolean => layer.activation.kind !== 'elementwise';

/** Programs of a training plan: those with targets for each kind of target, `update`, and `predict`. */
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
    const emitGradients = (): void => {
      emitForward(context, context.fused);
      emitMetrics(context, kind);
      emitLossGradient(context, kind);
      emitBackward(context);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    };
    if (trains) {
      emitter.program(`gradients${suffix}`, emitGradients);
      emitter.program(`train${suffix}`, () => {
        emitGradients();
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
  if (trains) emitter.program('update', emitUpdate);
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
  model.loss.takesLabels ? ['dense', 'labels'] : ['dense'];

function contextOf(
  model: Model,
  places: PersistentPlaces,
  layout: Layout,
  emitter: Emitter,
  inspect: boolean,
): Context {
  const fused = model.loss.fusesWith === model.layers[model.layers.length - 1].activation.name;
  const batch = placeBatch(model, layout, inspect);
  const expressions = model.layers.map((layer, index) => lowerActivation(layer, index, batch, layout));
  const lossExpression = lowerLoss(model, fused, batch, layout);
  return { model, places, batch, emitter, fused, inspect, expressions, lossExpression };
}

/** Gradient of the loss with respect to the outputs of a layer, before its activation makes it the delta. */
const outputGradientOf = (batch: BatchPlaces, index: number): number =>
  batch.outputGradients[index + 1] ?? batch.deltas[index];

function lowerActivation(
  layer: Layer,
  index: number,
  batch: BatchPlaces,
  layout: Layout,
): ExpressionLowering | null {
  const { traced } = layer.activation;
  if (!traced) return null;
  const full = (offset: number): Place => ({ offset, extent: ExtentCode.full });
  const given = new Map([
    [traced.netInput, full(batch.netInputs[index])],
    [traced.gradient, full(outputGradientOf(batch, index))],
  ]);
  const stages = [
    [{ root: traced.forward, offset: batch.outputs[index], extent: 'full' }],
    [{ root: traced.backward, offset: batch.deltas[index], extent: 'full' }],
  ] as const;
  return new ExpressionLowering(layer.units, layout, `e${index + 1}`, given, stages);
}

function lowerLoss(
  model: Model,
  fused: boolean,
  batch: BatchPlaces,
  layout: Layout,
): ExpressionLowering | null {
  const { traced } = model.loss;
  if (!traced) return null;
  const last = model.layers.length - 1;
  const given = new Map<Node, Place>([
    [traced.output, { offset: (fused ? batch.netInputs : batch.outputs)[last], extent: ExtentCode.full }],
    [traced.target, { offset: batch.target, extent: ExtentCode.full }],
    [traced.scale, { offset: batch.lossScale, extent: ExtentCode.constant }],
  ]);
  const stages = [
    [{ root: traced.forward, offset: batch.rowLosses, extent: 'row' }],
    [{ root: traced.backward, offset: outputGradientOf(batch, last), extent: 'full' }],
  ] as const;
  return new ExpressionLowering(model.outputs, layout, 'loss', given, stages);
}

function placeBatch(model: Model, layout: Layout, inspect: boolean): BatchPlaces {
  const { layers } = model;
  const last = layers.length - 1;
  const keepsNetInput = (layer: Layer, index: number): boolean => {
    return inspect || isApart(layer) || (index === last && model.loss.fusesWith === layer.activation.name);
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
    labels: model.loss.takesLabels ? layout.addPerRow('labels', 1) : -1,
    rowLosses: layout.addPerRow('rowLosses', 1),
    lossScale: model.loss.traced ? layout.add('lossScale', 'scratch', 1, 1) : -1,
    netInputs: each('z', keepsNetInput),
    outputs: each('x', always),
    deltas: each('delta', always),
    outputGradients: inspect ? [layout.addPerRow('dx0', model.inputs), ...each('dx', always)] : [],
    scratch: scratchLength > 0 ? layout.add('scratch', 'scratch', 1, scratchLength) : -1,
  };
}

/** Gathers a batch and computes every layer; `stopAtNetInput` leaves the last activation to a fused loss. */
function emitForward(context: Context, stopAtNetInput: boolean): void {
  const { model, places, batch, emitter, inspect } = context;
  emitter.emit('gather_rows', {
    output: batch.input,
    columns: model.inputs,
    scale: places.scale,
    offset: places.offset,
    perColumn: Number(places.perColumn),
  });
  model.layers.forEach((layer, index) => {
    const stops = stopAtNetInput && index === model.layers.length - 1;
    const netInputOnly = stops || isApart(layer);
    const keepNetInput = inspect && !netInputOnly;
    emitter.emit('linear_forward', {
      input: index === 0 ? batch.input : batch.outputs[index - 1],
      weights: places.layers[index].weights,
      biases: places.layers[index].biases,
      netInput: keepNetInput ? batch.netInputs[index] : -1,
      output: netInputOnly ? batch.netInputs[index] : batch.outputs[index],
      inputs: layer.inputs,
      units: layer.units,
      activation: netInputOnly ? ActivationCode.linear : layer.activation.code,
    });
    if (stops || !isApart(layer)) return;
    if (layer.activation.kind === 'traced') {
      context.expressions[index]?.emit(emitter, 0);
    } else {
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
  const threshold = fused || model.decision === 'sign' ? DecisionCode.zero : DecisionCode.half;
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
  if (context.lossExpression) {
    emitTracedLoss(context, gradient);
    return;
  }
  const prediction = predictionOf(context);
  const { labels, target } = batch;
  if (fused) {
    const operands = { ...shared, netInput: prediction, delta: gradient };
    const isBinary = model.loss.decides === 'threshold';
    if (isBinary) emitter.emit('sigmoid_binary_cross_entropy', { ...operands, target });
    else if (kind === 'labels') emitter.emit('softmax_cross_entropy_labels', { ...operands, labels });
    else emitter.emit('softmax_cross_entropy', { ...operands, target });
    return;
  }
  const operands = { ...shared, prediction, gradient };
  if (kind === 'labels') emitter.emit('cross_entropy_labels', { ...operands, labels });
  else emitter.emit('loss_backward', { ...operands, target, loss: model.loss.code as LossCode });
}

/** Row losses, and the gradient where the expression puts it unless only the loss is wanted. */
function emitTracedLoss({ model, batch, emitter, lossExpression }: Context, gradient: number): void {
  lossExpression?.emit(emitter, 0);
  if (gradient < 0) return;
  emitter.emit('reduction_scale', { output: batch.lossScale, reduction: ReductionCode[model.reduction] });
  lossExpression?.emit(emitter, 1);
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

/** Row losses and the delta of the last layer. */
function emitLossGradient(context: Context, kind: TargetKind): void {
  const { model, batch } = context;
  const last = model.layers.length - 1;
  emitLoss(context, kind, batch.deltas[last]);
  if (!context.fused && model.layers[last].activation.name !== 'linear') {
    emitActivationBackward(context, last);
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
    emitInputGradient(context, index, batch.deltas[index - 1], below.activation.code);
    if (isApart(below)) emitActivationBackward(context, index - 1);
  }
}

/** As `emitBackward`, for all layers, with dE/dx of every layer and of the input kept apart from the deltas. */
function emitInspectedBackward(context: Context, kind: TargetKind): void {
  const { model, batch } = context;
  const last = model.layers.length - 1;
  // A loss that needs its output activation is one of the net inputs: there is no gradient of the outputs but that.
  const onNetInput = model.loss.needs !== undefined;
  emitLoss({ ...context, fused: onNetInput }, kind, batch.outputGradients[last + 1]);
  if (onNetInput) emitCopyOfGradient(context, last);
  else if (context.fused) emitLoss(context, kind, batch.deltas[last]);
  else emitActivationBackward(context, last);
  for (let index = last; index >= 0; index--) {
    emitWeightGradient(context, index);
    emitInputGradient(context, index, batch.outputGradients[index], ActivationCode.linear);
    if (index > 0) emitActivationBackward(context, index - 1);
  }
}

/** The gradient of the outputs as the delta of a layer. */
function emitCopyOfGradient({ model, batch, emitter }: Context, index: number): void {
  emitter.emit('activation_backward', {
    gradient: batch.outputGradients[index + 1],
    output: batch.outputs[index],
    delta: batch.deltas[index],
    units: model.layers[index].units,
    activation: ActivationCode.linear,
  });
}
