import { requireInteger, requireKnownKeys, requireNumber } from '../errors.js';
import type { FitCallbacks } from './callback.js';
import { Monitor, type MonitorOptions, monitorNames } from './monitor.js';

export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** What the learning rate is multiplied by; default 0.1. */
  readonly factor?: number;
  /** Epochs without an improvement after which it is; default 10. */
  readonly patience?: number;
  /** Epochs after a reduction that do not count; default 0. */
  readonly cooldown?: number;
  /** The rate falls no further than this; default 0. */
  readonly minLearningRate?: number;
}

/** Lowers the learning rate when a number has stopped improving; `minDelta` is 1e-4 by default. */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): FitCallbacks {
  const action = 'Cannot reduce learning rate on plateau';
  requireKnownKeys(action, options, [
    ...monitorNames,
    ...['factor', 'patience', 'cooldown', 'minLearningRate'],
  ]);
  const { factor = 0.1, patience = 10, cooldown = 0, minLearningRate = 0 } = options;
  requireNumber(action, 'factor', factor, 'in (0, 1)', (value) => value > 0 && value < 1);
  requireInteger(action, 'patience', patience, 0);
  requireInteger(action, 'cooldown', cooldown, 0);
  requireNumber(action, 'minLearningRate', minLearningRate, 'finite and >= 0', (value) => value >= 0);
  const create = (): Monitor => new Monitor(action, { minDelta: 1e-4, ...options });
  let monitor = create();
  let waited = 0;
  let cooling = 0;
  return {
    onTrainBegin: ({ isResumed }) => {
      if (isResumed) return;
      monitor = create();
      waited = 0;
      cooling = 0;
    },
    onEpochEnd: (_epoch, logs, { trainer, learningRate }) => {
      if (cooling > 0) {
        cooling--;
        waited = 0;
      }
      if (monitor.improves(logs)) waited = 0;
      else if (cooling === 0 && ++waited >= patience) {
        const reduced = Math.max(learningRate * factor, minLearningRate);
        if (reduced < learningRate) trainer.setLearningRate(reduced);
        cooling = cooldown;
        waited = 0;
      }
    },
    getState: () => ({ waited, cooling, ...(monitor.best === null ? {} : { best: monitor.best }) }),
    setState: (state) => {
      monitor = create();
      monitor.best = (state.best as number | undefined) ?? null;
      waited = state.waited as number;
      cooling = state.cooling as number;
    },
  };
}
