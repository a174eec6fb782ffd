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
  readonly rates?: Float64Array | null;
  readonly seconds: number;
  readonly rows: number;
}

/** Series of a history, by name. */
export type HistorySeries = Readonly<Record<string, ArrayLike<number>>>;

const runNames = ['learningRate', 'seconds', 'samplesPerSecond'] as const;

/** Numbers of epochs, of which there may be millions: room is made rarely, and in time. */
class Series {
  readonly #values: number[] = [];
  length = 0;

  get last(): number | undefined {
    return this.length === 0 ? undefined : this.#values[this.length - 1];
  }

  /** Makes room for `length` numbers, and for more if that is not the `most` there will be. */
  reserve(length: number, most: number): void {
    const values = this.#values;
    if (length > values.length) values.length = Math.max(length, Math.min(most, 4 * values.length));
  }

  push(value: number): void {
    this.#values[this.length++] = value;
  }

  append(added: ArrayLike<number>): void {
    const values = this.#values;
    const begin = this.length;
    for (let index = 0; index < added.length; index++) values[begin + index] = added[index];
    this.length += added.length;
  }

  /** Adds `first`, `first + step`, … */
  extend(first: number, step: number, count: number): void {
    const values = this.#values;
    const begin = this.length;
    for (let index = 0; index < count; index++) values[begin + index] = first + step * index;
    this.length += count;
  }

  copy(): number[] {
    return this.#values.slice(0, this.length);
  }

  /** The numbers themselves, when there will be no more. */
  end(): number[] {
    this.#values.length = this.length;
    return this.#values;
  }
}

/** Collects the logs of epochs. */
export class HistoryBuilder {
  readonly #initialEpoch: number;
  readonly #most: number;
  readonly #epoch = new Series();
  readonly #numbers = new Map<string, Series>([['loss', new Series()]]);
  readonly #run = {
    learningRate: new Series(),
    seconds: new Series(),
    samplesPerSecond: new Series(),
  } satisfies Record<(typeof runNames)[number], Series>;

  /** @param epochs how many there will be at most */
  constructor(initialEpoch = 0, epochs = 0) {
    this.#initialEpoch = initialEpoch;
    this.#most = epochs;
  }

  /** Number of the next epoch. */
  get nextEpoch(): number {
    return this.#initialEpoch + this.epochs;
  }

  get epochs(): number {
    return this.#epoch.length;
  }

  /** Seconds of the last epoch, 0 before there is one. */
  get seconds(): number {
    return this.#run.seconds.last ?? 0;
  }

  add(logs: EpochLogs, run: EpochRun): void {
    this.#addRun(run, 1);
    for (const name in logs) this.#series(name).push(logs[name as keyof EpochLogs] as number);
  }

  /** Adds many epochs, without an object for each; `following` more are expected. */
  addSeries({ loss, accuracy }: MetricSeries, run: EpochRun, following = 0): void {
    const epochs = this.epochs + loss.length + following;
    if (accuracy) this.#series('accuracy');
    for (const series of [this.#epoch, ...this.#numbers.values(), ...Object.values(this.#run)]) {
      series.reserve(epochs, this.#most);
    }
    this.#addRun(run, loss.length, run.rates);
    this.#series('loss').append(loss);
    if (accuracy) this.#series('accuracy').append(accuracy);
  }

  /** A copy of everything so far, for `assign`. */
  get series(): HistorySeries {
    const all = [...this.#numbers, ...Object.entries(this.#run)];
    return Object.fromEntries(all.map(([name, series]) => [name, series.copy()]));
  }

  /** Goes on from what `series` gave. */
  assign(series: HistorySeries): void {
    for (const [name, values] of Object.entries(series)) {
      const isOfRun = name in this.#run;
      (isOfRun ? this.#run[name as (typeof runNames)[number]] : this.#series(name)).append(values);
    }
    this.#epoch.extend(this.#initialEpoch, 1, this.#series('loss').length);
  }

  build(ended: Pick<History, 'seed' | 'backend' | 'reason' | 'converged' | 'divergence'>): History {
    const { learningRate, seconds, samplesPerSecond } = this.#run;
    const numbers = [...this.#numbers].map(([name, series]) => [name, series.end()]);
    return {
      epoch: this.#epoch.end(),
      history: Object.fromEntries(numbers) as HistoryNumbers,
      learningRate: learningRate.end(),
      seconds: seconds.end(),
      samplesPerSecond: samplesPerSecond.end(),
      ...ended,
    };
  }

  #series(name: string): Series {
    const series = this.#numbers.get(name) ?? new Series();
    this.#numbers.set(name, series);
    return series;
  }

  #addRun({ learningRate, seconds, rows }: EpochRun, count: number, rates?: Float64Array | null): void {
    this.#epoch.extend(this.nextEpoch, 1, count);
    if (rates) this.#run.learningRate.append(rates.subarray(0, count));
    else this.#run.learningRate.extend(learningRate, 0, count);
    this.#run.seconds.extend(seconds, 0, count);
    this.#run.samplesPerSecond.extend(rows / seconds, 0, count);
  }
}
