import { requireBoolean, requireInteger, requireKnownKeys } from '../errors.js';
import type { Snapshot } from '../snapshot.js';
import type { CallbackState, FitCallbacks, FitContext } from './callback.js';
import { Monitor, type MonitorOptions, monitorNames } from './monitor.js';

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without an improvement after which the run ends; default 0: at the first. */
  readonly patience?: number;
  /** At the end, however it comes, go back to the best epoch: weights and optimizer state; default true. */
  readonly restoreBestWeights?: boolean;
}

/** Ends a run when a number has stopped improving. One object serves one run at a time and starts afresh with each. */
export function earlyStopping(options: EarlyStoppingOptions = {}): FitCallbacks {
  const action = 'Cannot stop early';
  requireKnownKeys(action, options, [...monitorNames, 'patience', 'restoreBestWeights']);
  const { patience = 0, restoreBestWeights = true } = options;
  requireInteger(action, 'patience', patience, 0);
  requireBoolean(action, 'restoreBestWeights', restoreBestWeights);
  let monitor = new Monitor(action, options);
  let waited = 0;
  let snapshot: Pick<Snapshot, 'numbers' | 'scalars'> | null = null;
  return {
    onTrainBegin: ({ isResumed }) => {
      if (isResumed) return;
      monitor = new Monitor(action, options);
      waited = 0;
      snapshot = null;
    },
    onEpochEnd: (_epoch, logs, context) => {
      if (monitor.improves(logs)) {
        waited = 0;
        if (restoreBestWeights) snapshot = context.snapshot();
      } else if (++waited >= patience) {
        context.stop('earlyStopping');
      }
    },
    onTrainEnd: (context: FitContext) => {
      if (snapshot) context.restore({ ...context.snapshot(), ...snapshot });
      snapshot = null;
    },
    getState: (): CallbackState => ({
      waited,
      ...(monitor.best === null ? {} : { best: monitor.best }),
      ...(snapshot ? { numbers: snapshot.numbers, scalars: snapshot.scalars } : {}),
    }),
    setState: (state) => {
      monitor = new Monitor(action, options);
      monitor.best = (state.best as number | undefined) ?? null;
      waited = state.waited as number;
      const { numbers, scalars } = state;
      snapshot = numbers
        ? { numbers: numbers as Snapshot['numbers'], scalars: scalars as Float64Array }
        : null;
    },
  };
}
