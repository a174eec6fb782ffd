import { type Dataset, type Rows, stepsPerEpoch } from './backends/backend.js';
import { type RowsLike, readRows, type TargetsLike } from './data.js';
import type { Engine, Job, JobResult, Metrics } from './engine.js';
import { EpochOrders } from './epoch-orders.js';
import {
  rangeError,
  requireInteger,
  requireKnownKeys,
  requireName,
  requireNumber,
  typeError,
} from './errors.js';
import { type EpochLogs, type History, HistoryBuilder } from './history.js';
import { JobControl } from './job-control.js';
import { ScalarCode } from './opcodes.js';
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
/**
 * Rows that the epochs of one job may take together where nobody is told of each: few at first, so that the first
 * orders are soon made, then twice as many each time.
 */
const FIRST_ROWS = 2 ** 14;
const MOST_ROWS = 2 ** 18;

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

/** Rows kept for validation. */
function heldRows(count: number, { validationSplit }: CheckedOptions): number {
  const held = Math.floor(count * validationSplit);
  if (validationSplit > 0 && (held === 0 || held === count)) {
    throw rangeError(action, `validationSplit must leave rows on both sides of ${count}`, validationSplit);
  }
  return held;
}

/** One call of `fit`: its data, and where its epochs stand. */
export class Fit {
  /** Pauses and ends the call. */
  readonly control = new JobControl();
  readonly #options: CheckedOptions;
  readonly #history = new HistoryBuilder();
  readonly #engine: Engine;
  readonly #random: Random;
  readonly #rows: Rows;
  readonly #heldCount: number;
  readonly #validation: Rows | null;
  readonly #stopWatch: StopWatch | null;
  /** Used in turn. */
  readonly #sums = [new Float64Array(0), new Float64Array(0)];
  #stoppedBy: StopReason | null = null;
  #progress: Progress | null = null;

  /** Checks everything. */
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
    this.#heldCount = heldRows(this.#rows.count, this.#options);
    if (learningRate !== undefined) engine.setLearningRate(learningRate);
  }

  /** Trains for the epochs asked for. */
  async run(seed: number, createProgress: CreateProgress): Promise<History> {
    const { signal, epochs, verbose } = this.#options;
    const { executor } = this.#engine;
    const dataset = executor.createDataset(this.#rows);
    let validation: Dataset | null = null;
    const stop = (): void => this.control.stop();
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      if (this.#validation) validation = executor.createDataset(this.#validation);
      if (verbose === 1) this.#progress = await createProgress({ totalRows: this.#trainCount, epochs });
      await this.#runEpochs(dataset, validation);
      this.#engine.requireAlive('Cannot go on');
      const whole = this.#history.epochs === epochs ? 'completed' : signal?.aborted ? 'aborted' : 'stopped';
      const converged = this.#stopWatch ? this.#stoppedBy !== null : null;
      return this.#history.build({
        seed,
        backend: this.#engine.backend.id,
        reason: this.#stoppedBy ?? whole,
        converged,
      });
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#progress?.stop();
      dataset.dispose();
      validation?.dispose();
    }
  }

  get #trainCount(): number {
    return this.#rows.count - this.#heldCount;
  }

  /** Somebody wants to be told of each epoch. */
  get #isWatched(): boolean {
    const { callbacks } = this.#options;
    const validates = this.#validation !== null || this.#heldCount > 0;
    return (
      validates ||
      this.#stopWatch !== null ||
      this.#progress !== null ||
      Object.values(callbacks).some(Boolean)
    );
  }

  /** Row indices to train on and to validate on. */
  async #splitRows(): Promise<{ train: Uint32Array; held: Uint32Array }> {
    const rows = new Uint32Array(this.#rows.count);
    for (let row = 0; row < rows.length; row++) rows[row] = row;
    const shuffles = this.#heldCount > 0 && this.#options.validationSplitMode === 'shuffled';
    const order = shuffles ? await new EpochOrders(rows, this.#random).take(1) : null;
    const split = order ?? rows;
    return { train: split.subarray(0, this.#trainCount), held: split.subarray(this.#trainCount) };
  }

  /**
   * Runs the epochs in jobs of one if somebody is told of each, else of many. While a job runs, the orders of the next
   * are made and the numbers of the one before are put down.
   */
  async #runEpochs(dataset: Dataset, validation: Dataset | null): Promise<void> {
    const { batchSize, shuffle, callbacks } = this.#options;
    const { control } = this;
    const { train, held } = await this.#splitRows();
    const orders = new EpochOrders(train, shuffle ? this.#random : null);
    const isWatched = this.#isWatched;
    let before: JobResult | null = null;
    const putDown = (): void => {
      if (before) this.#history.addSeries(this.#engine.seriesOf(before));
      before = null;
    };
    let left = this.#options.epochs;
    let rows = FIRST_ROWS;
    const epochsAtOnce = (): number =>
      isWatched ? Math.min(1, left) : Math.min(left, Math.max(1, Math.floor(rows / train.length)));
    try {
      while (left > 0 && !control.isStopped && !this.#stoppedBy) {
        const epochs = epochsAtOnce();
        const order = await orders.take(epochs);
        await control.resumed();
        if (control.isStopped) break;
        const epoch = this.#history.epochs;
        await callbacks.onEpochBegin?.(epoch);
        left -= epochs;
        rows = Math.min(2 * rows, MOST_ROWS);
        const program = this.#engine.trainProgram(this.#rows, batchSize, this.#stopWatch?.watchesGradient);
        const sums = this.#sumsFor(epochs);
        const job = { program, epochs, sums, rowsPerEpoch: train.length, batchSize, order } as const;
        const result = await this.#runJob(epoch, job, dataset, () => {
          orders.prepare(epochsAtOnce());
          putDown();
        });
        putDown();
        if (!isWatched) before = result;
        else if (result.epochs === 1) await this.#endEpoch(result, dataset, validation, held);
      }
    } finally {
      orders.end();
    }
    putDown();
  }

  /** Room for the metric scalars of a job, while those of the job before are in use. */
  #sumsFor(epochs: number): Float64Array {
    const length = epochs * ScalarCode.first_free;
    this.#sums.reverse();
    if (this.#sums[0].length < length) this.#sums[0] = new Float64Array(length);
    return this.#sums[0];
  }

  async #endEpoch(
    { sums }: JobResult,
    dataset: Dataset,
    validation: Dataset | null,
    held: Uint32Array,
  ): Promise<void> {
    const { callbacks, batchSize } = this.#options;
    const epoch = this.#history.epochs;
    const metrics = this.#engine.metricsAt(sums, 0);
    const rowsPerEpoch = this.#trainCount;
    await this.#tell(epoch, stepsPerEpoch({ rowsPerEpoch, batchSize }) - 1, rowsPerEpoch, metrics);
    const validated = await this.#validate(dataset, validation, held);
    if (validated === null) return;
    const logs = { ...metrics, ...validated };
    this.#history.add(logs);
    this.#progress?.endEpoch(logs);
    await callbacks.onEpochEnd?.(epoch, logs);
    const norm = (): number => this.#engine.gradientNorm();
    this.#stoppedBy = this.#stopWatch?.after(epoch, logs, rowsPerEpoch, norm) ?? null;
  }

  /** Runs a job while telling callbacks and progress bar how it gets on. */
  async #runJob(epoch: number, job: Job, dataset: Dataset, started: () => void): Promise<JobResult> {
    const { control } = this;
    let told: Promise<void> = Promise.resolve();
    const tell = async (): Promise<void> => {
      const progress = control.isPaused ? null : control.progress();
      if (!progress || progress.rows === 0) return;
      await this.#tell(epoch, progress.steps - 1, progress.rows, this.#engine.metricsOf(progress));
    };
    const poll = (): void => {
      told = told.then(tell);
      told.catch(() => control.stop());
    };
    const isTold = this.#progress !== null || this.#options.callbacks.onBatchEnd !== undefined;
    const timer = isTold ? setInterval(poll, POLL_MS) : undefined;
    try {
      const result = await this.#engine.runJob(job, dataset, control, started);
      clearInterval(timer);
      await told;
      return result;
    } finally {
      clearInterval(timer);
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

  /** Numbers of the validation; null if it was stopped. */
  async #validate(
    dataset: Dataset,
    validation: Dataset | null,
    held: Uint32Array,
  ): Promise<Partial<EpochLogs> | null> {
    const rows = this.#validation ?? this.#rows;
    const order = this.#validation ? null : held;
    if (order?.length === 0) return {};
    const metrics = await this.#engine.evaluate(rows, validation ?? dataset, order, this.control);
    if (metrics === null) return null;
    const { loss, accuracy } = metrics;
    return accuracy === undefined ? { val_loss: loss } : { val_loss: loss, val_accuracy: accuracy };
  }
}
