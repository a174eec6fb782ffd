import { type Dataset, type Rows, type RunHandle, stepsPerEpoch } from './backends/backend.js';
import { yieldToEventLoop } from './backends/sliced-run.js';
import { type RowsLike, readRows, type TargetsLike } from './data.js';
import type { Engine, JobResult, Metrics } from './engine.js';
import {
  rangeError,
  requireInteger,
  requireKnownKeys,
  requireName,
  requireNumber,
  typeError,
} from './errors.js';
import { type EpochLogs, type History, HistoryBuilder } from './history.js';
import { checkLearningRate } from './optimizers.js';
import type { Random } from './random.js';
import { type StopReason, StopWatch, type StopWhen } from './stop-when.js';

/** What `onBatchEnd` gets: the batches and rows of the epoch done so far, and the metrics over those rows. */
export interface BatchLogs extends Metrics {
  readonly batch: number;
  readonly size: number;
  readonly rows: number;
}

/** Called during `fit`; a promise is waited for, an error ends the run and rejects `fit`. */
export interface FitCallbacks {
  onEpochBegin?(epoch: number): unknown;
  onEpochEnd?(epoch: number, logs: EpochLogs): unknown;
  /** At most about twenty times a second, and at the end of each epoch. */
  onBatchEnd?(batch: number, logs: BatchLogs): unknown;
}

export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Rows per optimizer step; the last batch of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** A new order of rows each epoch; default true. */
  readonly shuffle?: boolean;
  /** Share of the rows, in [0, 1), kept from training and evaluated after each epoch. */
  readonly validationSplit?: number;
  /** `'shuffled'` (default) takes rows at random by the seed, `'last'` the last ones. */
  readonly validationSplitMode?: 'shuffled' | 'last';
  /** Rows to evaluate after each epoch, instead of a split. */
  readonly validationData?: readonly [x: RowsLike, t: TargetsLike];
  readonly callbacks?: FitCallbacks;
  /** Aborting ends the run at the next step; `fit` then resolves with the epochs done. */
  readonly signal?: AbortSignal;
  /** Ends the run after the epoch in which a condition holds; the history says which. */
  readonly stopWhen?: StopWhen;
  /** Learning rate from this call on, as `setLearningRate` sets it. */
  readonly learningRate?: number;
  /** 1 prints a progress bar; default 0. */
  readonly verbose?: 0 | 1;
}

/** Shows how a run gets on. */
export interface Progress {
  update(state: { epoch: number; rows: number; loss: number; accuracy?: number }): void;
  endEpoch(logs: EpochLogs): void;
  stop(): void;
}

/** How a platform shows progress: a bar in a terminal, lines elsewhere. */
export type CreateProgress = (options: { totalRows: number; epochs: number }) => Promise<Progress>;

const action = 'Cannot fit';
const POLL_MS = 50;
/** Indices that the orders of several epochs, run without coming back, may take together. */
const MAXIMUM_ORDER = 2 ** 18;

/** To put so many rows into order takes a part of a frame: the event loop gets a turn before. */
const MANY_ROWS = 2 ** 13;

const optionNames = [
  ...['epochs', 'batchSize', 'shuffle', 'validationSplit', 'validationSplitMode', 'validationData'],
  ...['callbacks', 'signal', 'stopWhen', 'learningRate', 'verbose'],
];

type Optional = 'signal' | 'validationData' | 'stopWhen' | 'learningRate';

type CheckedOptions = Required<Omit<FitOptions, Optional>> & Pick<FitOptions, Optional>;

function checkOptions(options: FitOptions): CheckedOptions {
  requireKnownKeys(action, options, optionNames);
  const {
    epochs = 1,
    batchSize = 32,
    shuffle = true,
    validationSplit = 0,
    validationSplitMode = 'shuffled',
  } = options;
  const { validationData, callbacks = {}, signal, stopWhen, learningRate, verbose = 0 } = options;
  requireInteger(action, 'epochs', epochs, 1);
  requireInteger(action, 'batchSize', batchSize, 1);
  if (typeof shuffle !== 'boolean') throw typeError(action, 'shuffle must be a boolean', shuffle);
  requireNumber(action, 'validationSplit', validationSplit, 'in [0, 1)', (share) => share >= 0 && share < 1);
  requireName(action, 'validationSplitMode', validationSplitMode, ['shuffled', 'last']);
  if (validationData !== undefined && (!Array.isArray(validationData) || validationData.length !== 2)) {
    throw typeError(action, 'validationData must be [inputs, targets]', validationData);
  }
  requireKnownKeys(`${action}: callbacks`, callbacks, ['onEpochBegin', 'onEpochEnd', 'onBatchEnd']);
  for (const [name, callback] of Object.entries(callbacks)) {
    if (callback !== undefined && typeof callback !== 'function') {
      throw typeError(action, `callbacks.${name} must be a function`, callback);
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw typeError(action, 'signal must be an AbortSignal', signal);
  }
  if (learningRate !== undefined) checkLearningRate(action, learningRate);
  if (verbose !== 0 && verbose !== 1) throw rangeError(action, 'verbose must be 0 or 1', verbose);
  return {
    ...{ epochs, batchSize, shuffle, validationSplit, validationSplitMode, validationData },
    ...{ callbacks, signal, stopWhen, learningRate, verbose },
  };
}

/** Row indices to train on and to validate on. */
function splitRows(
  count: number,
  options: CheckedOptions,
  random: Random,
): { train: Uint32Array; held: Uint32Array } {
  const rows = new Uint32Array(count);
  for (let row = 0; row < count; row++) rows[row] = row;
  const heldCount = Math.floor(count * options.validationSplit);
  if (options.validationSplit > 0 && (heldCount === 0 || heldCount === count)) {
    throw rangeError(
      action,
      `validationSplit must leave rows on both sides of ${count}`,
      options.validationSplit,
    );
  }
  if (heldCount > 0 && options.validationSplitMode === 'shuffled') random.shuffle(rows);
  return { train: rows.slice(0, count - heldCount), held: rows.slice(count - heldCount) };
}

/** One call of `fit`: its data, and where its epochs stand. */
class Fit {
  readonly #options: CheckedOptions;
  readonly #history = new HistoryBuilder();
  readonly #engine: Engine;
  readonly #random: Random;
  readonly #rows: Rows;
  readonly #train: Uint32Array;
  readonly #held: Uint32Array;
  readonly #validation: Rows | null;
  readonly #stopWatch: StopWatch | null;
  #stoppedBy: StopReason | null = null;
  #progress: Progress | null = null;

  constructor(engine: Engine, random: Random, x: RowsLike, t: TargetsLike, options: FitOptions) {
    this.#options = checkOptions(options);
    this.#engine = engine;
    this.#random = random;
    const { model, reader } = engine;
    this.#rows = readRows(action, x, t, model, reader);
    const { validationData, stopWhen, learningRate } = this.#options;
    this.#stopWatch = stopWhen ? new StopWatch(action, stopWhen, model.decision !== null) : null;
    engine.requireOutputs(action, this.#rows);
    this.#validation = validationData
      ? readRows(`${action}: validationData`, ...validationData, model, reader)
      : null;
    const { train, held } = splitRows(this.#rows.count, this.#options, random);
    if (learningRate !== undefined) engine.setLearningRate(learningRate);
    this.#train = train;
    this.#held = held;
  }

  async run(seed: number, createProgress: CreateProgress): Promise<History> {
    const { signal, epochs, verbose } = this.#options;
    const { executor } = this.#engine;
    const dataset = executor.createDataset(this.#rows);
    let validation: Dataset | null = null;
    try {
      if (this.#validation) validation = executor.createDataset(this.#validation);
      if (verbose === 1) this.#progress = await createProgress({ totalRows: this.#train.length, epochs });
      while (this.#history.epochs < epochs && !signal?.aborted && !this.#stoppedBy) {
        await this.#runEpochs(dataset, validation);
      }
      const whole = this.#history.epochs < epochs ? 'aborted' : 'completed';
      const converged = this.#stopWatch ? this.#stoppedBy !== null : null;
      return this.#history.build({
        seed,
        backend: this.#engine.backend.id,
        reason: this.#stoppedBy ?? whole,
        converged,
      });
    } finally {
      this.#progress?.stop();
      dataset.dispose();
      validation?.dispose();
    }
  }

  /** As many epochs as nobody wants to be told of one by one, at least one. */
  get #epochsAtOnce(): number {
    if (this.#isWatched) return 1;
    const fitting = Math.max(1, Math.floor(MAXIMUM_ORDER / this.#train.length));
    return Math.min(this.#options.epochs - this.#history.epochs, fitting);
  }

  /** Somebody wants to be told of each epoch. */
  get #isWatched(): boolean {
    const { callbacks } = this.#options;
    const validates = this.#validation !== null || this.#held.length > 0;
    return (
      validates ||
      this.#stopWatch !== null ||
      this.#progress !== null ||
      Object.values(callbacks).some(Boolean)
    );
  }

  async #runEpochs(dataset: Dataset, validation: Dataset | null): Promise<void> {
    const { callbacks, batchSize } = this.#options;
    const epoch = this.#history.epochs;
    if (this.#train.length > MANY_ROWS) await yieldToEventLoop();
    await callbacks.onEpochBegin?.(epoch);
    const epochs = this.#epochsAtOnce;
    const program = this.#rows.labels ? 'trainLabels' : 'train';
    const order = this.#orderOf(epochs);
    const job = { program, epochs, rowsPerEpoch: this.#train.length, batchSize, order } as const;
    const result = await this.#watched(epoch, (started) => this.#engine.runJob(job, dataset, started));
    if (this.#isWatched)
      for (const metrics of result.epochs) await this.#endEpoch(metrics, dataset, validation);
    else for (const metrics of result.epochs) this.#history.add(metrics);
  }

  async #endEpoch(metrics: Metrics, dataset: Dataset, validation: Dataset | null): Promise<void> {
    const { callbacks, batchSize } = this.#options;
    const epoch = this.#history.epochs;
    const { length } = this.#train;
    await this.#tell(epoch, stepsPerEpoch({ rowsPerEpoch: length, batchSize }) - 1, length, metrics);
    const logs = { ...metrics, ...(await this.#validate(dataset, validation)) };
    this.#history.add(logs);
    this.#progress?.endEpoch(logs);
    await callbacks.onEpochEnd?.(epoch, logs);
    const norm = (): number => this.#engine.gradientNorm();
    this.#stoppedBy = this.#stopWatch?.after(epoch, logs, length, norm) ?? null;
  }

  /** Orders of the next epochs, one after the other. */
  #orderOf(epochs: number): Uint32Array {
    const train = this.#train;
    const { length } = train;
    const order = new Uint32Array(epochs * length);
    for (let begin = 0; begin < order.length; begin += length) {
      // A call of `set` costs more than an epoch of a handful of rows.
      if (length < 64) for (let row = 0; row < length; row++) order[begin + row] = train[row];
      else order.set(train, begin);
      if (this.#options.shuffle) this.#random.shuffle(order, begin, begin + length);
    }
    return order;
  }

  /** Runs a job while telling callbacks and progress bar how it gets on, and while listening to the signal. */
  async #watched(
    epoch: number,
    start: (started: (handle: RunHandle) => void) => Promise<JobResult>,
  ): Promise<JobResult> {
    const { callbacks, signal } = this.#options;
    let handle: RunHandle | null = null;
    let told: Promise<void> = Promise.resolve();
    const stop = (): void => handle?.stop();
    const tell = async (): Promise<void> => {
      const { steps, ...sums } = (handle as RunHandle).progress();
      if (sums.rows > 0) await this.#tell(epoch, steps - 1, sums.rows, this.#engine.metricsOf(sums));
    };
    const poll = (): void => {
      if (handle) told = told.then(tell);
      told.catch(stop);
    };
    const isWatched = this.#progress !== null || callbacks.onBatchEnd !== undefined;
    const timer = isWatched ? setInterval(poll, POLL_MS) : undefined;
    signal?.addEventListener('abort', stop);
    try {
      const result = await start((started) => {
        handle = started;
        if (signal?.aborted) stop();
      });
      clearInterval(timer);
      await told;
      return result;
    } finally {
      clearInterval(timer);
      signal?.removeEventListener('abort', stop);
    }
  }

  async #tell(epoch: number, batch: number, rows: number, metrics: Metrics): Promise<void> {
    this.#progress?.update({ epoch, rows, ...metrics });
    await this.#options.callbacks.onBatchEnd?.(batch, {
      batch,
      size: this.#options.batchSize,
      rows,
      ...metrics,
    });
  }

  async #validate(dataset: Dataset, validation: Dataset | null): Promise<Partial<EpochLogs>> {
    const rows = this.#validation ?? this.#rows;
    const order = this.#validation ? null : this.#held;
    if (order?.length === 0) return {};
    const { loss, accuracy } = await this.#engine.evaluate(rows, validation ?? dataset, order);
    return accuracy === undefined ? { val_loss: loss } : { val_loss: loss, val_accuracy: accuracy };
  }
}

/** Trains for the epochs asked for. Everything is checked before the first step. */
export function fit(
  engine: Engine,
  random: Random,
  seed: number,
  x: RowsLike,
  t: TargetsLike,
  options: FitOptions,
  createProgress: CreateProgress,
): Promise<History> {
  return new Fit(engine, random, x, t, options).run(seed, createProgress);
}
