import { type Dataset, type Rows, stepsPerEpoch } from './backends/backend.js';
import { type RowsLike, readRows, type TargetsLike } from './data.js';
import type { Engine, Job, JobResult, Metrics } from './engine.js';
import { EpochOrders } from './epoch-orders.js';
import { type CheckedOptions, checkFitOptions, type FitOptions } from './fit-options.js';
import { type EpochLogs, type History, HistoryBuilder } from './history.js';
import { JobControl } from './job-control.js';
import type { CreateProgress, Progress } from './progress.js';
import type { Random } from './random.js';
import { heldRows, splitRows } from './split.js';
import { type StopReason, StopWatch } from './stop-when.js';

const action = 'Cannot fit';
const POLL_MS = 50;
/**
 * Rows that the epochs of one job may take together where nobody is told of each: few at first, so that the first
 * orders are soon made, then twice as many each time.
 */
const FIRST_ROWS = 2 ** 14;
const MOST_ROWS = 2 ** 18;

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
  #stoppedBy: StopReason | null = null;
  #progress: Progress | null = null;

  /** Checks everything. */
  constructor(engine: Engine, random: Random, x: RowsLike, t: TargetsLike, options: FitOptions) {
    this.#options = checkFitOptions(options);
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
    this.#heldCount = heldRows(action, this.#rows.count, this.#options);
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

  /**
   * Runs the epochs in jobs of one if somebody is told of each, else of many. While a job runs, the orders of the next
   * are made and the numbers of the one before are put down.
   */
  async #runEpochs(dataset: Dataset, validation: Dataset | null): Promise<void> {
    const { batchSize, shuffle, callbacks } = this.#options;
    const { control } = this;
    const { train, held } = await splitRows(this.#rows.count, this.#heldCount, this.#options, this.#random);
    const orders = new EpochOrders(train, shuffle ? this.#random : null);
    const program = this.#engine.trainProgram(this.#rows, this.#stopWatch?.watchesGradient);
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
        const job = { program, epochs, rowsPerEpoch: train.length, batchSize, order } as const;
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
