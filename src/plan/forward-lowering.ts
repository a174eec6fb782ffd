import { further } from '../further.js';
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
  const first = model.layers.find((layer) => training || !isMask(layer));
  emitter.emit('gather_rows', {
    output: batch.input,
    columns: model.inputs,
    scale: places.scale,
    offset: places.offset,
    perColumn: Number(places.perColumn),
    inPlace: Number(!inspect && first?.config.type === 'dense'),
  });
  if (training && scalars.masks >= 0) emitter.emit('next_masks', { masks: scalars.masks });
  model.layers.forEach((layer, index) => {
    const isLast = index === model.layers.length - 1;
    const stops = isLast && last === 'netInput';
    const netInputOnly = stops || isApart(layer);
    const both = !netInputOnly && (inspect || (isLast && last === 'both'));
    const forward = { training, netInputOnly, both };
    if (layer.config.type === 'dense') emitProduct(context, index, forward);
    else if (isMask(layer) && !inspect) {
      if (training)
        further().emitMask(context, index, batch.outputs[index - 1] ?? batch.input, batch.outputs[index]);
      return;
    } else further().emitNormOrCopy(context, index, forward);
    if (!stops && isApart(layer)) emitApart(context, index);
  });
}

/** How a layer goes forward: `both` keeps its net inputs beside its outputs. */
export interface LayerForward {
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
