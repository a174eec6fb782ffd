import { requireInteger, requireKnownKeys, requireNumber } from '../errors.js';
import { Patience } from '../plateau.js';
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
  // Keras ends its wait and its cooldown an epoch before PyTorch.
  const fall = { factor, minimum: minLearningRate };
  const rule = { ...fall, patience: Math.max(0, patience - 1), cooldown: Math.max(0, cooldown - 1) };
  let monitor: Monitor;
  let wait: Patience;
  const begin = (): void => {
    monitor = new Monitor(action, { minDelta: 1e-4, ...options });
    wait = new Patience(rule);
  };
  begin();
  return {
    onTrainBegin: ({ isResumed }) => {
      if (!isResumed) begin();
    },
    onEpochEnd: (_epoch, logs, { trainer, learningRate }) => {
      const rate = wait.after(monitor.improves(logs), learningRate);
      if (rate < learningRate) trainer.setLearningRate(rate);
    },
    getState: () => {
      const { waited, cooling } = wait;
      return { waited, cooling, ...(monitor.best === null ? {} : { best: monitor.best }) };
    },
    setState: ({ waited, cooling, best }) => {
      begin();
      monitor.best = (best as number | undefined) ?? null;
      Object.assign(wait, { waited, cooling });
    },
  };
}
