import { isMask } from '../layers.js';
import { ActivationCode } from '../opcodes.js';
import type { Wanted } from './backward-lowering.js';
import { type Context, inputOf } from './context.js';
import type { LayerForward } from './forward-lowering.js';

/** A norm with its elementwise activation; of a layer that acts in training only, when inspected, its inputs. */
export function emitNormOrCopy(
  context: Context,
  index: number,
  { training, netInputOnly, both }: LayerForward,
): void {
  const { model, batch, emitter } = context;
  const { units, activation } = model.layers[index];
  const netInput = both || netInputOnly ? batch.netInputs[index] : batch.outputs[index];
  if (isMask(model.layers[index])) {
    const input = inputOf(context, index, training);
    const { linear } = ActivationCode;
    emitter.emit('activation_forward', { netInput: input, output: netInput, units, activation: linear });
  } else emitNorm(context, index, netInput, training);
  if (netInputOnly || (!both && activation.name === 'linear')) return;
  const output = batch.outputs[index];
  emitter.emit('activation_forward', { netInput, output, units, activation: activation.code });
}

/** Whether a norm takes the statistics of the batch in a training step: a frozen one does not. */
const takesBatchStatistics = ({ model }: Context, index: number): boolean => {
  const { config, trainable } = model.layers[index];
  return config.type === 'batchNorm' && trainable;
};

function emitNorm(context: Context, index: number, output: number, training: boolean): void {
  const { model, places, scalars, batch, emitter } = context;
  const { config, units } = model.layers[index];
  const { weights: gamma, biases: beta, runningMean, runningVariance } = places.layers[index];
  const shared = {
    ...{ input: inputOf(context, index, training), output, gamma, beta, units },
    ...{ mean: batch.means[index], inverseDeviation: batch.inverseDeviations[index] },
    epsilon: scalars.epsilons[index],
  };
  if (config.type === 'layerNorm') emitter.emit('layer_norm_forward', shared);
  else {
    const momentum = training && takesBatchStatistics(context, index) ? scalars.momenta[index] : -1;
    emitter.emit('batch_norm_forward', { ...shared, runningMean, runningVariance, momentum });
  }
}

/** What a layer that acts in training only does to numbers going forward. */
export function emitMask(context: Context, index: number, input: number, output: number): void {
  const { model, scalars, emitter } = context;
  const { config, units } = model.layers[index];
  const shared = { input, output, units, layer: index, masks: scalars.masks };
  if (config.type === 'dropout') emitter.emit('dropout', { ...shared, dropped: droppedOf(config.rate) });
  else emitter.emit('gaussian_noise', { ...shared, deviation: scalars.deviations[index] });
}

/** A rate in parts of 2^24, the finest that masks know. */
const droppedOf = (rate: number): number => Math.min(Math.round(rate * 2 ** 24), 2 ** 24 - 1);

/** dE/dx of what enters a norm, and the gradients of its parameters. */
export function emitNormBackward(
  context: Context,
  index: number,
  { parameters, accumulates, gradient }: Wanted,
): void {
  const { model, places, batch, emitter, inspect } = context;
  const { config, units } = model.layers[index];
  const { weights: gamma, weightGradient, biasGradient } = places.layers[index];
  const shared = {
    ...{ input: inputOf(context, index, true), delta: batch.deltas[index], units },
    ...{ mean: batch.means[index], inverseDeviation: batch.inverseDeviations[index] },
  };
  const sums = {
    gammaGradient: parameters ? weightGradient : -1,
    betaGradient: parameters ? biasGradient : -1,
    accumulate: Number(accumulates),
  };
  if (config.type === 'batchNorm') {
    const throughMoments = Number(!inspect && takesBatchStatistics(context, index));
    emitter.emit('batch_norm_backward', { ...shared, ...sums, gamma, gradient, throughMoments });
    return;
  }
  if (sums.gammaGradient >= 0 || sums.betaGradient >= 0)
    emitter.emit('layer_norm_backward_weights', { ...shared, ...sums });
  if (gradient >= 0) emitter.emit('layer_norm_backward_input', { ...shared, gamma, gradient });
}
