import type { Model } from '../model.js';
import { mayBeTiny } from './tiny-network.js';

/**
 * Whether no plan of a model, whatever its purpose, extras and frozen layers, has an operation beyond those of the basic
 * WebAssembly module: plain dense layers under sgd or Adam.
 */
export const isBasic = (model: Model): boolean => {
  const { layers, loss, optimizer, gradientClipping, averaging } = model;
  const isPlain = layers.every(
    ({ config: { type }, activation: { traced }, l1, l2, maxNorm }) =>
      type === 'dense' && !traced && l1 === 0 && l2 === 0 && maxNorm === null,
  );
  const hasOwnStep =
    optimizer.type === 'sgd' ||
    ((optimizer.type === 'adam' || optimizer.type === 'adamw') && !optimizer.amsgrad);
  return isPlain && hasOwnStep && !loss.traced && !gradientClipping && !averaging && !mayBeTiny(model);
};
