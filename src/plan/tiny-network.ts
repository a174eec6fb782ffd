import type { Layer } from '../layers.js';
import { isFused, type Model } from '../model.js';
import { LossCode } from '../opcodes.js';
import { isPlainSgd } from '../optimizers.js';
import type { PersistentPlaces } from './layout.js';
import { decisionCodeOf } from './loss-lowering.js';

/** Up to these a step on one row is a chain of single numbers, in which the way from one operation to the next counts. */
const MOST_LAYERS = 3;
const MOST_UNITS = 4;
const MOST_WEIGHTS = 16;

/** Whether a model may have `train_rows`, if all its layers are trained. */
export const mayBeTiny = ({ optimizer, layers }: Model): boolean =>
  isPlainSgd(optimizer) &&
  layers.length <= MOST_LAYERS &&
  layers.every(({ inputs, units }) => units <= MOST_UNITS && inputs * units <= MOST_WEIGHTS);

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

/** Operands of `train_rows`, or null for a model that it does not train: it knows plain sgd and small dense layers only. */
export function tinyNetwork(
  model: Model,
  places: PersistentPlaces,
  learningRate: number,
): Record<string, number> | null {
  const { layers, loss, decision } = model;
  if (!mayBeTiny(model) || !layers.every(isTiny)) return null;
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
