import type { Model } from '../model.js';
import { hasOwnStep, isPlainSgd } from '../optimizers.js';

/** Up to these a step on one row is a chain of single numbers, in which the way from one operation to the next counts. */
export const MOST_LAYERS = 3;
const MOST_UNITS = 4;
const MOST_WEIGHTS = 16;

/** Whether a model may have `train_rows`, if all its layers are trained. */
export const mayBeTiny = ({ optimizer, layers }: Model): boolean =>
  isPlainSgd(optimizer) &&
  layers.length <= MOST_LAYERS &&
  layers.every(({ inputs, units }) => units <= MOST_UNITS && inputs * units <= MOST_WEIGHTS);

/**
 * Whether no plan of a model, whatever its purpose, extras and frozen layers, has an operation beyond those of the basic
 * WebAssembly module: plain dense layers under sgd or Adam.
 */
export const isBasic = (model: Model): boolean => {
  const { layers, loss, optimizer, gradientClipping, averaging, labelSmoothing } = model;
  const isPlain = layers.every(
    ({ config: { type }, activation: { traced }, l1, l2, maxNorm }) =>
      type === 'dense' && !traced && l1 === 0 && l2 === 0 && maxNorm === null,
  );
  const isRare = gradientClipping || averaging || labelSmoothing > 0 || loss.traced || mayBeTiny(model);
  return isPlain && hasOwnStep(optimizer) && !isRare;
};
