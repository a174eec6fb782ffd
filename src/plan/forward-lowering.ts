import { isMask } from '../layers.js';
import { ActivationCode } from '../opcodes.js';
import { type Context, inputOf, isApart } from './context.js';

/** How a program goes forward. */
export interface Forward {
  /** It is a training step: layers that act in training only do, and norms take the statistics of the batch. */
  readonly training: boolean;
  /** What is stored of the last layer: a fused loss reads its net inputs, and includes its activation. */
  readonly last: 'output' | 'netInput' | 'both';
}

/** Gathers a batch and computes every layer. */
export function emitForward(context: Context, { training, last }: Forward): void {
  const { model, places, scalars, batch, emitter, inspect } = context;
  if (training && scalars.masks >= 0) emitter.emit('next_masks', { masks: scalars.masks });
  emitter.emit('gather_rows', {
    output: batch.input,
    columns: model.inputs,
    scale: places.scale,
    offset: places.offset,
    perColumn: Number(places.perColumn),
  });
  model.layers.forEach((layer, index) => {
    const isLast = index === model.layers.length - 1;
    const stops = isLast && last === 'netInput';
    const netInputOnly = stops || isApart(layer);
    const both = !netInputOnly && (inspect || (isLast && last === 'both'));
    const forward = { training, netInputOnly, both };
    if (layer.config.type === 'dense') emitProduct(context, index, forward);
    else if (isMask(layer) && !inspect) {
      if (training) emitMask(context, index, batch.outputs[index - 1] ?? batch.input, batch.outputs[index]);
      return;
    } else emitNormOrCopy(context, index, forward);
    if (!stops && isApart(layer)) emitApart(context, index);
  });
}

/** How a layer goes forward: `both` keeps its net inputs beside its outputs. */
interface LayerForward {
  readonly training: boolean;
  readonly netInputOnly: boolean;
  readonly both: boolean;
}

function emitProduct(context: Context, index: number, { training, netInputOnly, both }: LayerForward): void {
  const { model, places, batch, emitter } = context;
  const { inputs, units, activation } = model.layers[index];
  emitter.emit('linear_forward', {
    input: inputOf(context, index, training),
    weights: places.layers[index].weights,
    biases: places.layers[index].biases,
    netInput: both ? batch.netInputs[index] : -1,
    output: netInputOnly ? batch.netInputs[index] : batch.outputs[index],
    inputs,
    units,
    activation: netInputOnly ? ActivationCode.linear : activation.code,
  });
}

/** An activation that does not go with what makes its net input. */
function emitApart({ model, batch, emitter, expressions }: Context, index: number): void {
  const { activation, units } = model.layers[index];
  if (activation.kind === 'traced') expressions[index]?.emit(emitter, 0);
  else
    emitter.emit('softmax_forward', {
      netInput: batch.netInputs[index],
      output: batch.outputs[index],
      units,
    });
}

/** A norm with its elementwise activation; of a layer that acts in training only, when inspected, its inputs. */
function emitNormOrCopy(
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
export const takesBatchStatistics = ({ model }: Context, index: number): boolean => {
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
