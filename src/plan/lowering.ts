import { blockingLayer, lowestTrainable, type Model } from '../model.js';
import {
  ActivationCode,
  BinaryCode,
  DecisionCode,
  ExtentCode,
  type LossCode,
  ReductionCode,
} from '../opcodes.js';
import { type Context, contextOf, isApart, outputGradientOf } from './context.js';
import type { Emitter } from './emitter.js';
import type { Layout, PersistentPlaces } from './layout.js';
import type { Flavour, PlanExtras } from './plan.js';
import { tinyNetwork } from './tiny-network.js';
import {
  averagePlaces,
  emitUpdate,
  placeSquares,
  type UpdateContext,
  type UpdateState,
  updatesInPlace,
} from './update-lowering.js';

/** What the targets of a program are; see `Flavour`. */
interface TargetKind {
  readonly labels: boolean;
  readonly weighted: boolean;
}

const flavourOf = ({ labels, weighted }: TargetKind): Flavour =>
  `${weighted ? 'Weighted' : ''}${labels ? 'Labels' : ''}`;

/** Programs of a training plan: those with targets for each kind of target, `update`, and `predict`. */
export function trainPrograms(
  model: Model,
  places: PersistentPlaces,
  layout: Layout,
  emitter: Emitter,
  state: UpdateState,
  extras: PlanExtras,
): void {
  const context = contextOf(model, places, layout, emitter, false, extras.weighted);
  const update: UpdateContext = {
    ...{ model, places, state, emitter },
    squares: placeSquares(places, state, layout),
  };
  const lowest = lowestTrainable(model);
  const trains = lowest >= 0 && blockingLayer(model, lowest) < 0;
  for (const kind of targetKinds(model, extras)) {
    const flavour = flavourOf(kind);
    const emitGradients = (inPlace: readonly number[], accumulates = false): void => {
      emitForward(context, context.fused);
      emitMetrics(context, kind);
      emitLossGradient(context, kind);
      emitBackward(context, inPlace, state.learningRate, accumulates);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    };
    const emitStep = (inPlace: readonly number[]): void => {
      emitGradients(inPlace);
      emitUpdate(update, inPlace, false);
    };
    if (trains) {
      const inPlace = kind.weighted ? [] : updatesInPlace(model);
      emitter.program(`train${flavour}`, () => emitStep(inPlace));
      if (!kind.weighted) {
        const suffix = kind.labels ? 'Labels' : '';
        emitter.program(`gradients${suffix}`, () => emitGradients([]));
        if (inPlace.length > 0) emitter.program(`trainKeepingGradients${suffix}`, () => emitStep([]));
      }
      if (extras.accumulating) {
        const { batches } = state;
        for (const first of [true, false]) {
          emitter.program(`accumulate${first ? 'First' : 'More'}${flavour}`, () => {
            emitter.emit('count_batches', { batches, first: Number(first) });
            emitGradients([], !first);
          });
        }
      }
    }
    emitter.program(`evaluate${flavour}`, () => emitEvaluation(context, kind));
    if (model.averaging?.validate) {
      const average = { ...context, places: averagePlaces(places) };
      emitter.program(`evaluateAverage${flavour}`, () => emitEvaluation(average, kind));
    }
    if (extras.storing) {
      emitter.program(`evaluateStoring${flavour}`, () => {
        emitEvaluation(context, kind, true);
        emitOutputs(context);
      });
    }
  }
  const tiny = trains ? tinyNetwork(model, places, state.learningRate) : null;
  if (tiny) emitter.program('trainRow', () => emitter.emit('train_rows', tiny));
  if (trains) emitter.program('update', () => emitUpdate(update, [], false));
  if (trains && extras.accumulating) {
    emitter.program('updateAccumulated', () => emitUpdate(update, [], true));
  }
  emitter.program('predict', () => {
    emitForward(context, false);
    emitOutputs(context);
  });
}

/** Loss and metrics of a batch; with `outputs`, the outputs of a last layer that is fused with its loss as well. */
function emitEvaluation(context: Context, kind: TargetKind, outputs = false): void {
  emitForward(context, context.fused && !outputs, outputs);
  emitMetrics(context, kind);
  emitLoss(context, kind, -1);
  context.emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
}

function emitOutputs({ model, batch, emitter }: Context): void {
  emitter.emit('store_rows', { output: batch.outputs[model.layers.length - 1], units: model.outputs });
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
  for (const kind of targetKinds(model, {})) {
    emitter.program(kind.labels ? 'inspectLabels' : 'inspect', () => {
      emitForward(context, false);
      emitGatherTargets(context, kind);
      emitInspectedBackward(context, kind);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    });
  }
}

const targetKinds = (model: Model, { weighted }: PlanExtras): TargetKind[] =>
  [false, ...(weighted ? [true] : [])].flatMap((weighted) =>
    [false, ...(model.loss.takesLabels ? [true] : [])].map((labels) => ({ weighted, labels })),
  );

/**
 * Gathers a batch and computes every layer. `stopAtNetInput` leaves the last activation to a fused loss; `keepsLast`
 * computes it and keeps the net inputs that such a loss reads.
 */
function emitForward(context: Context, stopAtNetInput: boolean, keepsLast = false): void {
  const { model, places, batch, emitter, inspect, fused } = context;
  emitter.emit('gather_rows', {
    output: batch.input,
    columns: model.inputs,
    scale: places.scale,
    offset: places.offset,
    perColumn: Number(places.perColumn),
  });
  model.layers.forEach((layer, index) => {
    const isLast = index === model.layers.length - 1;
    const stops = stopAtNetInput && isLast;
    const netInputOnly = stops || isApart(layer);
    const keepNetInput = (inspect || (keepsLast && fused && isLast)) && !netInputOnly;
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

function emitGatherTargets(
  { model, places, batch, emitter }: Context,
  { labels, weighted }: TargetKind,
): void {
  const columns = model.outputs;
  const { target, rowWeights } = batch;
  if (labels) emitter.emit('gather_labels', { output: batch.labels });
  else
    emitter.emit('gather_targets', { output: target, columns, width: columns + Number(weighted), first: 0 });
  if (weighted) {
    const first = labels ? 0 : columns;
    emitter.emit('gather_targets', { output: rowWeights, columns: 1, width: first + 1, first });
  }
  if (!places.smoothing) return;
  const { kept, added, classes } = places.smoothing;
  const { full, row, units, constant } = ExtentCode;
  const map = (a: number, aExtent: ExtentCode, b: number, bExtent: ExtentCode, code: BinaryCode): void =>
    emitter.emit('map_binary', { a, aExtent, b, bExtent, output: target, columns, function: code });
  if (labels) map(batch.labels, row, classes, units, BinaryCode.equal);
  map(target, full, kept, constant, BinaryCode.mul);
  map(target, full, added, constant, BinaryCode.add);
}

/** What the metrics and the loss read: the net inputs when the loss is fused, the outputs otherwise. */
const predictionOf = ({ model, batch, fused }: Context): number =>
  (fused ? batch.netInputs : batch.outputs)[model.layers.length - 1];

function emitMetrics(context: Context, kind: TargetKind): void {
  const { model, batch, emitter, fused } = context;
  emitGatherTargets(context, kind);
  if (model.decision === null) return;
  const shared = { prediction: predictionOf(context), units: model.outputs };
  if (kind.labels) {
    emitter.emit('count_correct_labels', { ...shared, labels: batch.labels });
    return;
  }
  const threshold = fused || model.decision === 'sign' ? DecisionCode.zero : DecisionCode.half;
  const decision = model.decision === 'argmax' ? DecisionCode.argmax : threshold;
  emitter.emit('count_correct', { ...shared, target: batch.target, decision });
}

/** Row losses, and the delta of the last layer (fused) or dE/dx of its outputs into `gradient`; −1 for the loss alone. */
function emitLoss(context: Context, kind: TargetKind, gradient: number): void {
  emitUnweightedLoss(context, kind.labels && !context.places.smoothing, gradient);
  if (!kind.weighted) return;
  const { model, batch, emitter } = context;
  const weigh = (output: number, columns: number): void =>
    emitter.emit('map_binary', {
      ...{ a: output, aExtent: ExtentCode.full, b: batch.rowWeights, bExtent: ExtentCode.row },
      ...{ output, columns, function: BinaryCode.mul },
    });
  weigh(batch.rowLosses, 1);
  if (gradient >= 0) weigh(gradient, model.outputs);
}

function emitUnweightedLoss(context: Context, labelled: boolean, gradient: number): void {
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
    else if (labelled) emitter.emit('softmax_cross_entropy_labels', { ...operands, labels });
    else emitter.emit('softmax_cross_entropy', { ...operands, target });
    return;
  }
  const operands = { ...shared, prediction, gradient };
  if (labelled) emitter.emit('cross_entropy_labels', { ...operands, labels });
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

function emitWeightGradient(
  { model, places, batch, emitter }: Context,
  index: number,
  accumulates: boolean,
): void {
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
    accumulate: Number(accumulates),
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
    inputs,
    units,
    activation: derivative,
  });
}

/**
 * Gradients of every trainable layer, from the last down to the lowest trainable one. Layers of `inPlace` are updated
 * instead, after the last use of their weights.
 */
function emitBackward(
  context: Context,
  inPlace: readonly number[],
  learningRate: number,
  accumulates: boolean,
): void {
  const { model, batch } = context;
  const lowest = lowestTrainable(model);
  for (let index = model.layers.length - 1; index >= lowest; index--) {
    const updates = inPlace.includes(index);
    if (model.layers[index].trainable && !updates) emitWeightGradient(context, index, accumulates);
    if (index > lowest) {
      const below = model.layers[index - 1];
      emitInputGradient(context, index, batch.deltas[index - 1], below.activation.code);
      if (isApart(below)) emitActivationBackward(context, index - 1);
    }
    if (updates) emitUpdateInPlace(context, index, learningRate);
  }
}

/** A step of plain sgd without a gradient: W += X^T (-learningRate delta). */
function emitUpdateInPlace({ model, places, batch, emitter }: Context, index: number, rate: number): void {
  const { inputs, units } = model.layers[index];
  const { weights, biases } = places.layers[index];
  const delta = batch.deltas[index];
  emitter.emit('scale_by_rate', { delta, units, learningRate: rate });
  emitter.emit('linear_backward_weights', {
    input: index === 0 ? batch.input : batch.outputs[index - 1],
    delta,
    weightGradient: weights,
    biasGradient: biases,
    inputs,
    units,
    accumulate: 1,
  });
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
    emitWeightGradient(context, index, false);
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
