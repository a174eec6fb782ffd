import type { FitCallbacks, FitContext } from './callback.js';

/** Ends a run whose loss is no finite number any more, for runs that are not guarded (`divergence: 'ignore'`). */
export function terminateOnNaN(): FitCallbacks {
  const check = (_at: number, { loss }: { readonly loss: number }, context: FitContext): void => {
    if (!Number.isFinite(loss)) context.stop('terminateOnNaN');
  };
  return { onBatchEnd: check, onEpochEnd: check };
}
