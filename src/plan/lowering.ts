import { further } from '../further.js';
import { blockingLayer, lowestTrainable, type Model } from '../model.js';
import { emitBackward, emitInspectedBackward, emitLossGradient } from './backward-lowering.js';
import { mayBeTiny } from './basic-plan.js';
import { type Context, contextOf, type LayerScalars } from './context.js';
import type { Emitter } from './emitter.js';
import { emitForward } from './forward-lowering.js';
import type { Layout, PersistentPlaces } from './layout.js';
import { emitGatherTargets, emitLoss, emitMetrics, flavourOf, type TargetKind } from './loss-lowering.js';
import type { PlanExtras } from './plan.js';
import {
  averagePlaces,
  emitUpdate,
  placeSquares,
  type UpdateContext,
  type UpdateState,
  updatesInPlace,
} from './update-lowering.js';

/** Programs of a training plan: those with targets for each kind of target, `update`, and `predict`. */
export function trainPrograms(
  model: Model,
  places: PersistentPlaces,
  scalars: LayerScalars,
  layout: Layout,
  emitter: Emitter,
  state: UpdateState,
  extras: PlanExtras,
): void {
  const context = contextOf(model, places, scalars, layout, emitter, false, extras.weighted);
  const update: UpdateContext = {
    ...{ model, places, state, emitter },
    squares: placeSquares(places, state, layout),
  };
  const lowest = lowestTrainable(model);
  const trains = lowest >= 0 && blockingLayer(model, lowest) < 0;
  for (const kind of targetKinds(model, extras)) {
    const flavour = flavourOf(kind);
    const emitGradients = (inPlace: readonly number[], accumulates = false): void => {
      emitForward(context, { training: true, last: context.fused ? 'netInput' : 'output' });
      emitMetrics(context, kind);
      emitLossGradient(context, kind);
      emitBackward(context, inPlace, state.learningRate, accumulates);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    };
    const emitStep = (inPlace: readonly number[]): void => {
      emitGradients(inPlace);
      emitUpdate(update, inPlace, false);
    };
    if (trains) {
      const inPlace = kind.weighted ? [] : updatesInPlace(model);
      emitter.program(`train${flavour}`, () => emitStep(inPlace));
      if (!kind.weighted) {
        const suffix = kind.labels ? 'Labels' : '';
        emitter.program(`gradients${suffix}`, () => emitGradients([]));
        if (inPlace.length > 0) emitter.program(`trainKeepingGradients${suffix}`, () => emitStep([]));
      }
      if (extras.accumulating) {
        const { batches } = state;
        for (const first of [true, false]) {
          emitter.program(`accumulate${first ? 'First' : 'More'}${flavour}`, () => {
            emitter.emit('count_batches', { batches, first: Number(first) });
            emitGradients([], !first);
          });
        }
      }
    }
    emitter.program(`evaluate${flavour}`, () => emitEvaluation(context, kind));
    if (model.averaging?.validate) {
      const average = { ...context, places: averagePlaces(places) };
      emitter.program(`evaluateAverage${flavour}`, () => emitEvaluation(average, kind));
    }
    if (extras.storing) {
      emitter.program(`evaluateStoring${flavour}`, () => {
        emitEvaluation(context, kind, true);
        emitOutputs(context);
      });
    }
  }
  const tiny = trains && mayBeTiny(model) ? further().tinyNetwork(model, places, state.learningRate) : null;
  if (tiny) emitter.program('trainRow', () => emitter.emit('train_rows', tiny));
  if (trains) emitter.program('update', () => emitUpdate(update, [], false));
  if (trains && extras.accumulating) {
    emitter.program('updateAccumulated', () => emitUpdate(update, [], true));
  }
  emitter.program('predict', () => {
    emitForward(context, { training: false, last: 'output' });
    emitOutputs(context);
  });
}

/** Loss and metrics of a batch; with `outputs`, the outputs of a last layer that is fused with its loss as well. */
function emitEvaluation(context: Context, kind: TargetKind, outputs = false): void {
  const last = !context.fused ? 'output' : outputs ? 'both' : 'netInput';
  emitForward(context, { training: false, last });
  emitMetrics(context, kind);
  emitLoss(context, kind, -1);
  context.emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
}

function emitOutputs({ model, batch, emitter }: Context): void {
  emitter.emit('store_rows', { output: batch.outputs[model.layers.length - 1], units: model.outputs });
}

/** Programs of an inspection plan: nothing is fused away, nothing is updated. */
export function inspectPrograms(
  model: Model,
  places: PersistentPlaces,
  scalars: LayerScalars,
  layout: Layout,
  emitter: Emitter,
): void {
  const context = contextOf(model, places, scalars, layout, emitter, true);
  emitter.program('forward', () => emitForward(context, { training: false, last: 'output' }));
  if (blockingLayer(model, 0) >= 0) return;
  for (const kind of targetKinds(model, {})) {
    emitter.program(kind.labels ? 'inspectLabels' : 'inspect', () => {
      emitForward(context, { training: false, last: 'output' });
      emitGatherTargets(context, kind);
      emitInspectedBackward(context, kind);
      emitter.emit('sum_losses', { rowLosses: context.batch.rowLosses });
    });
  }
}

const targetKinds = (model: Model, { weighted }: PlanExtras): TargetKind[] =>
  [false, ...(weighted ? [true] : [])].flatMap((weighted) =>
    [false, ...(model.loss.takesLabels ? [true] : [])].map((labels) => ({ weighted, labels })),
  );
