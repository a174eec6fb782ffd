import type { BackendId } from './backends/backend.js';
import type { CallbackReason } from './callbacks/callback.js';
import type { Divergence } from './divergence.js';
import type { MetricSeries, Metrics } from './engine.js';
import type { StopReason } from './stop-when.js';

/** Numbers of each epoch, by the names of Keras and TensorFlow.js. */
export interface HistoryNumbers {
  readonly loss: number[];
  readonly accuracy?: number[];
  readonly val_loss?: number[];
  readonly val_accuracy?: number[];
  /** Euclidean norm of the gradient of the epoch's last step, with `gradientNorm: true`. */
  readonly gradient_norm?: number[];
}

export type EndReason =
  | 'completed'
  | 'aborted'
  | 'maxTime'
  | 'targetLoss'
  | 'diverged'
  | CallbackReason
  | StopReason;

/** What `fit` resolves with. */
export interface History {
  /** Numbers of the epochs done, from `initialEpoch`. */
  readonly epoch: readonly number[];
  readonly history: Readonly<HistoryNumbers>;
  /** The learning rate after each epoch. */
  readonly learningRate: readonly number[];
  /** Seconds of training that each epoch took, without its validation; of epochs that ran as one, the mean. */
  readonly seconds: readonly number[];
  readonly samplesPerSecond: readonly number[];
  /** Seed of the initial weights, the split and the order of rows. */
  readonly seed: number;
  readonly backend: BackendId;
  /**
   * Why the run ended: all epochs done, its signal aborted, `stop` called, the time of `maxTimeMs` or the loss of
   * `targetLoss` reached, a loss or gradient that was no finite number or exploded, a callback, or the condition of `stopWhen` that
   * came to hold.
   */
  readonly reason: EndReason;
  /** Whether a condition of `stopWhen` came to hold; null without `stopWhen`. */
  readonly converged: boolean | null;
  /** The last step that diverged, and how many there were; null without one. */
  readonly divergence: Divergence | null;
}

/** Loss and metrics of one epoch, as callbacks get them. */
export type EpochLogs = Metrics & {
  readonly val_loss?: number;
  readonly val_accuracy?: number;
  readonly gradient_norm?: number;
};

/** How an epoch was trained. */
export interface EpochRun {
  readonly learningRate: number;
  /** Of epochs that ran as one, the learning rate after each, where it does not stay. */
  readonly rates?: ArrayLike<number> | null;
  readonly seconds: number;
  readonly rows: number;
}

/** Series of a history, by name. */
export type HistorySeries = Readonly<Record<string, ArrayLike<number>>>;

const runNames = ['learningRate', 'seconds', 'samplesPerSecond'] as const;

/** Collects the logs of epochs. */
export class HistoryBuilder {
  readonly #initialEpoch: number;
  readonly #epoch: number[] = [];
  readonly #numbers: Partial<Record<keyof HistoryNumbers, number[]>> & { loss: number[] } = { loss: [] };
  readonly #run: Record<(typeof runNames)[number], number[]> = {
    learningRate: [],
    seconds: [],
    samplesPerSecond: [],
  };

  constructor(initialEpoch = 0) {
    this.#initialEpoch = initialEpoch;
  }

  /** Number of the next epoch. */
  get nextEpoch(): number {
    return this.#initialEpoch + this.#epoch.length;
  }

  get epochs(): number {
    return this.#epoch.length;
  }

  /** Seconds of the last epoch, 0 before there is one. */
  get seconds(): number {
    return this.#run.seconds.at(-1) ?? 0;
  }

  add(logs: EpochLogs, run: EpochRun): void {
    this.#addRun(run);
    for (const name in logs) {
      const key = name as keyof EpochLogs;
      this.#numbers[key] ??= [];
      this.#numbers[key].push(logs[key] as number);
    }
  }

  /** Adds many epochs, without an object for each. */
  addSeries({ loss, accuracy }: MetricSeries, run: EpochRun): void {
    for (let index = 0; index < loss.length; index++) this.#addRun(run, run.rates?.[index]);
    for (let index = 0; index < loss.length; index++) this.#numbers.loss.push(loss[index]);
    if (!accuracy) return;
    this.#numbers.accuracy ??= [];
    const accuracies = this.#numbers.accuracy;
    for (let index = 0; index < accuracy.length; index++) accuracies.push(accuracy[index]);
  }

  /** A copy of everything so far, for `assign`. */
  get series(): HistorySeries {
    const series = Object.entries({ ...this.#numbers, ...this.#run });
    return Object.fromEntries(series.map(([name, values]) => [name, values.slice()]));
  }

  /** Goes on from what `series` gave. */
  assign(series: HistorySeries): void {
    for (const [name, values] of Object.entries(series)) {
      if (name in this.#run) this.#run[name as (typeof runNames)[number]] = Array.from(values);
      else this.#numbers[name as keyof HistoryNumbers] = Array.from(values);
    }
    for (let index = 0; index < this.#numbers.loss.length; index++) this.#epoch.push(this.nextEpoch);
  }

  build(ended: Pick<History, 'seed' | 'backend' | 'reason' | 'converged' | 'divergence'>): History {
    return { epoch: this.#epoch, history: this.#numbers, ...this.#run, ...ended };
  }

  #addRun({ learningRate, seconds, rows }: EpochRun, rate = learningRate): void {
    this.#epoch.push(this.nextEpoch);
    this.#run.learningRate.push(rate);
    this.#run.seconds.push(seconds);
    this.#run.samplesPerSecond.push(rows / seconds);
  }
}
