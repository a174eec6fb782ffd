import type { BackendId } from './backends/backend.js';
import type { MetricSeries, Metrics } from './engine.js';
import type { StopReason } from './stop-when.js';

/** Numbers of each epoch, by the names of Keras and TensorFlow.js. */
export interface HistoryNumbers {
  readonly loss: number[];
  readonly accuracy?: number[];
  readonly val_loss?: number[];
  readonly val_accuracy?: number[];
}

/** What `fit` resolves with. */
export interface History {
  /** Numbers of the epochs done, from 0. */
  readonly epoch: readonly number[];
  readonly history: Readonly<HistoryNumbers>;
  /** Seed of the initial weights, the split and the order of rows. */
  readonly seed: number;
  readonly backend: BackendId;
  /** Why the run ended: all epochs done, its signal aborted, `stop` called, or the condition of `stopWhen` that came to hold. */
  readonly reason: 'completed' | 'aborted' | 'stopped' | StopReason;
  /** Whether a condition of `stopWhen` came to hold; null without `stopWhen`. */
  readonly converged: boolean | null;
}

/** Loss and metrics of one epoch, as callbacks get them. */
export type EpochLogs = Metrics & {
  readonly val_loss?: number;
  readonly val_accuracy?: number;
};

/** Collects the logs of epochs. */
export class HistoryBuilder {
  readonly #epoch: number[] = [];
  readonly #numbers: Partial<Record<keyof HistoryNumbers, number[]>> & { loss: number[] } = { loss: [] };

  get epochs(): number {
    return this.#epoch.length;
  }

  add(logs: EpochLogs): void {
    this.#epoch.push(this.#epoch.length);
    for (const name in logs) {
      const key = name as keyof EpochLogs;
      this.#numbers[key] ??= [];
      this.#numbers[key].push(logs[key] as number);
    }
  }

  /** Adds many epochs, without an object for each. */
  addSeries({ loss, accuracy }: MetricSeries): void {
    for (let index = 0; index < loss.length; index++) this.#epoch.push(this.#epoch.length);
    for (let index = 0; index < loss.length; index++) this.#numbers.loss.push(loss[index]);
    if (!accuracy) return;
    this.#numbers.accuracy ??= [];
    const accuracies = this.#numbers.accuracy;
    for (let index = 0; index < accuracy.length; index++) accuracies.push(accuracy[index]);
  }

  build(ended: Pick<History, 'seed' | 'backend' | 'reason' | 'converged'>): History {
    return { epoch: this.#epoch, history: this.#numbers, ...ended };
  }
}
