/** What an update does besides the step of the optimizer: penalties, clipping, bounds, averages. */
import { ClipCode } from '../opcodes.js';
import type { ParameterSpan } from './optimizer-lowering.js';
import { spansOf } from './optimizer-lowering.js';
import { AVERAGE, emitClips, gradientOf, NORM_BLOCK, type UpdateContext } from './update-lowering.js';

export function emitPenalties(
  { model, places, state, emitter }: UpdateContext,
  updated: readonly number[],
): void {
  model.layers.forEach(({ trainable, inputs, units }, index) => {
    const { l1, l2 } = state.layers[index];
    if (!trainable || updated.includes(index) || (l1 < 0 && l2 < 0)) return;
    const { weights, weightGradient } = places.layers[index];
    const perRow = Number(model.layers[index].penaltyPerRow);
    emitter.emit('penalty', {
      ...{ parameters: weights, gradient: weightGradient, count: inputs * units },
      ...{ l1, l2, perRow },
    });
  });
}

export function emitClipping(context: UpdateContext, spans: readonly ParameterSpan[]): void {
  const { model, places, state, emitter, squares } = context;
  const { gradientClipping: clipping } = model;
  if (!clipping || spans.length === 0) return;
  if (clipping.kind === 'value') {
    emitClips(context, spans, ClipCode.value, state.clipLimit, -1);
    return;
  }
  const perLayer = clipping.kind === 'norm';
  const measured = perLayer ? model.layers.flatMap((_, index) => spansOf(model, places, [], index)) : spans;
  let sums = squares;
  const beginOf = measured.map((span) => {
    const begin = sums;
    emitter.emit('gradient_squares', {
      ...{ gradient: gradientOf(context, span), count: span.count, block: NORM_BLOCK },
      sums: begin,
    });
    sums += Math.ceil(span.count / NORM_BLOCK);
    return begin;
  });
  emitter.emit('gradient_norm', { sums: squares, count: sums - squares, norm: state.gradientNorm });
  if (!perLayer) {
    emitClips(context, spans, ClipCode.norm, state.clipLimit, state.gradientNorm);
    return;
  }
  measured.forEach((span, index) => {
    const count = Math.ceil(span.count / NORM_BLOCK);
    emitter.emit('gradient_norm', { sums: beginOf[index], count, norm: state.layerNorm });
    emitClips(context, [span], ClipCode.norm, state.clipLimit, state.layerNorm);
  });
}

/** Scales the weights of each unit down to their bound. */
export function emitBounds({ model, places, state, emitter }: UpdateContext): void {
  model.layers.forEach(({ trainable, inputs, units }, index) => {
    const limit = state.layers[index].maxNorm;
    if (!trainable || limit < 0) return;
    emitter.emit('max_norm', { weights: places.layers[index].weights, inputs, units, limit });
  });
}

/** Moves the average of the parameters, where there is one. */
export function emitAverage({ model, places, state, emitter }: UpdateContext): void {
  const average = places.state.get(AVERAGE);
  if (average === undefined) return;
  for (const { begin, count } of spansOf(model, places, [])) {
    emitter.emit('average_step', {
      parameters: begin,
      average: average + begin - places.parameters,
      count,
      decay: state.averageDecay,
    });
  }
}
