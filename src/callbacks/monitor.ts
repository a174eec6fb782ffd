import { fact, requireName, requireNumber, typeError } from '../errors.js';
import type { EpochLogs } from '../history.js';

export type MonitorMode = 'auto' | 'min' | 'max';

export interface MonitorOptions {
  /** A number of the epoch; default `'val_loss'`, or `'loss'` without validation. */
  readonly monitor?: keyof EpochLogs;
  /** `'auto'` (default) takes accuracies as better the larger, all else the smaller. */
  readonly mode?: MonitorMode;
  /** By how much a number has to be better than the best so far. */
  readonly minDelta?: number;
}

export const monitorNames = ['monitor', 'mode', 'minDelta'];

/** Follows a number of the epochs to its best. NaN is never better. */
export class Monitor {
  best: number | null = null;
  readonly #options: MonitorOptions;

  constructor(
    readonly action: string,
    options: MonitorOptions,
  ) {
    const { monitor, mode = 'auto', minDelta = 0 } = options;
    if (monitor !== undefined && typeof monitor !== 'string')
      throw typeError(action, 'monitor must be the name of a number', monitor);
    requireName(action, 'mode', mode, ['auto', 'min', 'max']);
    requireNumber(action, 'minDelta', minDelta, 'finite and >= 0', (delta) => delta >= 0);
    this.#options = options;
  }

  /** Whether the epoch is better than all before, which makes it the best. */
  improves(logs: EpochLogs): boolean {
    const name = this.#options.monitor ?? (logs.val_loss === undefined ? 'loss' : 'val_loss');
    const value = logs[name];
    if (value === undefined) {
      const known = Object.keys(logs).join(', ');
      throw typeError(this.action, `monitor must be one of ${known}`, fact(`'${name}'`));
    }
    const { mode = 'auto', minDelta = 0 } = this.#options;
    const rises = mode === 'max' || (mode === 'auto' && name.includes('accuracy'));
    const { best } = this;
    const isBetter =
      best === null ? !Number.isNaN(value) : rises ? value > best + minDelta : value < best - minDelta;
    if (isBetter) this.best = value;
    return isBetter;
  }
}
