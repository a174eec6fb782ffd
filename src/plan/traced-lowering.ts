import type { Node } from '../expression/nodes.js';
import type { Layer } from '../layers.js';
import { isFused, type Model } from '../model.js';
import { ExtentCode } from '../opcodes.js';
import { type BatchPlaces, type Context, outputGradientOf } from './context.js';
import { ExpressionLowering, type Place } from './expression-lowering.js';
import type { Layout } from './layout.js';

/** Places the expressions of a model. */
export const lowerExpressions = (
  model: Model,
  batch: BatchPlaces,
  layout: Layout,
): Pick<Context, 'expressions' | 'lossExpression'> => ({
  expressions: model.layers.map((layer, index) => lowerActivation(layer, index, batch, layout)),
  lossExpression: lowerLoss(model, isFused(model), batch, layout),
});

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
