import type { Layer } from '../layers.js';
import { isFused, type Model } from '../model.js';
import { LossCode } from '../opcodes.js';
import { MOST_LAYERS } from './basic-plan.js';
import type { PersistentPlaces } from './layout.js';
import { decisionCodeOf } from './loss-lowering.js';

/** Whether such a layer can be part of `train_rows`. */
const isTiny = ({ config, bias, trainable, activation, l1, l2, maxNorm }: Layer): boolean =>
  config.type === 'dense' &&
  bias &&
  trainable &&
  activation.kind === 'elementwise' &&
  activation.differentiable &&
  l1 === 0 &&
  l2 === 0 &&
  maxNorm === null;

/**
 * Operands of `train_rows` for a model that `mayBeTiny`, or null if it does not train it: it knows plain sgd and small dense
 * layers only.
 */
export function tinyNetwork(
  model: Model,
  places: PersistentPlaces,
  learningRate: number,
): Record<string, number> | null {
  const { layers, loss, decision } = model;
  if (!layers.every(isTiny)) return null;
  if (model.gradientClipping || model.averaging || model.labelSmoothing > 0) return null;
  if (model.inputTransform) return null;
  const fused = isFused(model);
  if (loss.code === null || (fused && loss.code !== LossCode.binary_cross_entropy)) return null;
  const operands: Record<string, number> = {
    parameters: places.parameters,
    inputs: model.inputs,
    loss: loss.code,
    decision: decision === null ? -1 : decisionCodeOf(decision, fused),
    learningRate,
  };
  for (let index = 0; index < MOST_LAYERS; index++) {
    operands[`units${index + 1}`] = layers[index]?.units ?? 0;
    operands[`activation${index + 1}`] = layers[index]?.activation.code ?? 0;
  }
  return operands;
}
