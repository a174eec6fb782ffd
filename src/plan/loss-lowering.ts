import type { Decision } from '../model.js';
import { BinaryCode, DecisionCode, ExtentCode, type LossCode, ReductionCode } from '../opcodes.js';
import type { Context } from './context.js';
import type { Flavour } from './plan.js';

/** What the targets of a program are; see `Flavour`. */
export interface TargetKind {
  readonly labels: boolean;
  readonly weighted: boolean;
}

/** Flavour of the programs for targets of a kind. */
export const flavourOf = ({ labels, weighted }: { readonly [key in keyof TargetKind]?: unknown }): Flavour =>
  `${weighted ? 'Weighted' : ''}${labels ? 'Labels' : ''}`;

export function emitGatherTargets(
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

/** How a decision is read off what the metrics read. */
export function decisionCodeOf(decision: NonNullable<Decision>, fused: boolean): DecisionCode {
  if (decision === 'argmax') return DecisionCode.argmax;
  return fused || decision === 'sign' ? DecisionCode.zero : DecisionCode.half;
}

export function emitMetrics(context: Context, kind: TargetKind): void {
  const { model, batch, emitter, fused } = context;
  emitGatherTargets(context, kind);
  if (model.decision === null) return;
  const shared = { prediction: predictionOf(context), units: model.outputs };
  if (kind.labels) {
    emitter.emit('count_correct_labels', { ...shared, labels: batch.labels });
    return;
  }
  const decision = decisionCodeOf(model.decision, fused);
  emitter.emit('count_correct', { ...shared, target: batch.target, decision });
}

/** Row losses, and the delta of the last layer (fused) or dE/dx of its outputs into `gradient`; −1 for the loss alone. */
export function emitLoss(context: Context, kind: TargetKind, gradient: number): void {
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
