import { type Dataset, type Rows, stepsPerEpoch } from './backends/backend.js';
import type { FitContext } from './callbacks/callback.js';
import { Checkpoints } from './checkpoints.js';
import { type RowsLike, readRows, type TargetsLike } from './data.js';
import { Guard } from './divergence.js';
import { hasFiniteBiases } from './divergence-signs.js';
import type { Engine } from './engine.js';
import { EpochOrders, type OrderOrigin } from './epoch-orders.js';
import { TAKEN_AT_ONCE_BYTES, Turns } from './event-loop.js';
import { contextOf } from './fit-context.js';
import { type CheckedOptions, checkFitOptions, type FitOptions } from './fit-options.js';
import { Watch } from './fit-watch.js';
import { type EndReason, type EpochLogs, type EpochRun, type History, HistoryBuilder } from './history.js';
import { type Capture, type Job, type JobResult, JobState, type Stepping, updatesBefore } from './job.js';
import { JobControl } from './job-control.js';
import type { SaveTarget } from './model-storage.js';
import { ScalarCode } from './opcodes.js';
import type { CreateProgress } from './progress.js';
import type { Random, RandomState } from './random.js';
import { readValidation, weighRows } from './row-weights.js';
import { requireStored, runOptionsOf, type StoredRun } from './run-options.js';
import { type Fingerprint, fingerprintOf, type RunPosition } from './run-position.js';
import { type Split, Splitter } from './split.js';
import { StopWatch } from './stop-when.js';
import type { Trainer } from './trainer.js';

const action = 'Cannot fit';
const POLL_MS = 50;
/**
 * Rows that the epochs of one job may take together where nobody is told of each: few at first, so that the first
 * orders are soon made, then twice as many each time.
 */
const FIRST_ROWS = 2 ** 14;
const MOST_ROWS = 2 ** 18;

/** What a trainer has of a `fit` under way, over rows or a stream. */
export interface FitUnderWay {
  readonly control: JobControl;
  position(capture: Capture): RunPosition | null;
}

/** What a call of `fit` has from its trainer. */
export interface FitHost {
  readonly trainer: Trainer;
  readonly engine: Engine;
  readonly random: Random;
  readonly createProgress: CreateProgress;
  /** Where the run stood that the trainer's file holds. */
  readonly stored: StoredRun | null;
  encode(capture: Capture, position: RunPosition | null): () => Uint8Array<ArrayBuffer>;
  write(target: SaveTarget, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** The job under way, where its orders begin, and the time and the steps at which it was begun. */
interface Current {
  readonly state: JobState;
  readonly origin: OrderOrigin;
  readonly began: number;
  /** Optimizer steps of the trainer before the job. */
  readonly updates: number;
}

/** One call of `fit`: its data, and where its epochs stand. */
export class Fit {
  readonly #turns = new Turns();
  /** Pauses and ends the call. */
  readonly control = new JobControl();
  readonly #host: FitHost;
  readonly #engine: Engine;
  readonly #options: CheckedOptions;
  readonly #rows: Rows;
  /** What is still to be checked of them. */
  readonly #checks: (() => Promise<void>)[] = [];
  /** Of large data taken while they are copied, unless a run that goes on needs it at once. */
  #data: Fingerprint | null = null;
  readonly #splitter: Splitter;
  readonly #validation: Rows | null;
  readonly #stopWatch: StopWatch | null;
  readonly #resumed: RunPosition | null;
  readonly #history: HistoryBuilder;
  readonly #guard: Guard;
  readonly #watch: Watch;
  readonly #checkpoints: Checkpoints;
  /** Metric scalars of jobs, used in turn. */
  readonly #sums = [new Float64Array(0), new Float64Array(0)];
  /** Somebody wants to be told of each epoch. */
  #isWatched = false;
  #reason: EndReason | null = null;
  #orders: EpochOrders | null = null;
  #splitState: RandomState | null = null;
  #current: Current | null = null;
  /** A job whose numbers are still to be put into the history. */
  #before: { readonly result: JobResult; readonly run: EpochRun } | null = null;
  /** Batches of the run before the job under way. */
  #steps = 0;
  /** Checkpoints asked for while callbacks are told of the end of an epoch. */
  #asked: SaveTarget[] | null = null;

  /** Checks everything. */
  constructor(host: FitHost, x: RowsLike, t: TargetsLike, options: FitOptions) {
    this.#options = checkFitOptions(action, options);
    this.#host = host;
    this.#engine = host.engine;
    const { model, reader } = host.engine;
    // A backend on this thread, or in a worker, takes large data in turns of the event loop; so are they checked.
    const defer = (check: () => Promise<void>): void => void this.#checks.push(check);
    const inTurns = host.engine.backend.kind === 'native' ? reader : { ...reader, defer };
    const rows = readRows(action, x, t, model, inTurns);
    this.#rows = weighRows(action, rows, model, this.#options);
    const { validationData, stopWhen, learningRate, resume, initialEpoch } = this.#options;
    this.#stopWatch = stopWhen ? new StopWatch(action, stopWhen, model.decision !== null) : null;
    this.#engine.requireOutputs(action, rows);
    this.#validation = validationData ? readValidation(action, validationData, model, reader) : null;
    this.#splitter = new Splitter(action, rows, model, this.#options);
    const { length } = host.engine.plan.gradients;
    const stored = resume ? requireStored(action, host.stored) : null;
    if (stored || !this.#mayWait) this.#data = fingerprintOf(this.#rows);
    stored?.requireSameRun(action, stored.position, this.#options, this.#data as Fingerprint, length);
    this.#resumed = stored?.position ?? null;
    this.#history = new HistoryBuilder(initialEpoch, this.#options.epochs - initialEpoch);
    this.#guard = new Guard(this.#engine, this.#rows, this.#options.divergence, this.#options.gradientLimit);
    this.#watch = new Watch(this.#options.callbacks, this.#context());
    this.#checkpoints = new Checkpoints(host.write, () => this.control.stop());
    if (learningRate !== undefined && (!resume || typeof learningRate === 'function'))
      this.#engine.setLearningRate(learningRate);
  }

  /** Trains for the epochs asked for. */
  async run(): Promise<History> {
    const { executor } = this.#engine;
    // Before there is anything behind the plan in memory: then it can grow where it is.
    this.#engine.atRest(() => this.#engine.reserve(this.#options.batchSize));
    const beginsNow = this.#mayBeginNow;
    const dataset = executor.createDataset(this.#rows, beginsNow);
    let validation: Dataset | null = null;
    try {
      if (this.#validation) validation = executor.createDataset(this.#validation, beginsNow);
      const training = this.#train(dataset, validation, beginsNow);
      // Where the first run waits for another one, and what it does not need.
      dataset.complete?.();
      validation?.complete?.();
      return await training;
    } finally {
      dataset.dispose();
      validation?.dispose();
    }
  }

  /**
   * Whether the first run is to begin within the call, while its rows are copied: it is worth it, and nothing of the
   * caller's has to be called before.
   */
  get #mayBeginNow(): boolean {
    const { verbose, callbacks } = this.#options;
    const restores = this.#resumed !== null && callbacks.some(({ setState }) => setState !== undefined);
    if (verbose === 1 || this.#watch.ofBegin || restores || typeof this.#engine.rateSetting === 'function')
      return false;
    return this.#engine.executor.gainsWhileCopying?.(this.#rows) ?? false;
  }

  /** Trains; with `beginsNow` the first run has begun when this returns its promise, unless it has to wait for another. */
  async #train(dataset: Dataset, validation: Dataset | null, beginsNow: boolean): Promise<History> {
    const { signal, epochs, verbose, maxTimeMs, initialEpoch, batchSize } = this.#options;
    let failure: { readonly reason: unknown } | null = null;
    let stopIntervals = (): void => {};
    const stop = (): void => this.control.stop();
    const timeIsUp = (): void => this.#end('maxTime');
    const timer = maxTimeMs === undefined ? undefined : setTimeout(timeIsUp, maxTimeMs);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      if (verbose === 1)
        this.#watch.progress = await this.#host.createProgress({ totalRows: this.#rowsPerEpoch, epochs });
      if (!beginsNow) await this.#turns.take();
      this.#data ??= fingerprintOf(this.#rows);
      if (!beginsNow) await this.#turns.take();
      for (const check of this.#checks) await check();
      this.#prepareSplit();
      const { random } = this.#host;
      const split = beginsNow ? this.#splitter.splitNow(random) : await this.#splitter.split(random);
      if (this.#resumed) this.#goOn(this.#resumed);
      this.#isWatched = this.#watchesEpochs;
      if (!beginsNow) await this.#watch.trainBegin();
      stopIntervals = this.#watch.startIntervals((reason) => {
        failure ??= { reason };
        stop();
      });
      this.#engine.requireAlive('Cannot go on');
      this.#guard.begin(batchSize);
      if (!beginsNow) await this.#turns.take();
      await this.#runEpochs(dataset, validation, split, beginsNow);
      stopIntervals();
      if (failure) throw (failure as { readonly reason: unknown }).reason;
      this.#engine.requireAlive('Cannot go on');
      await this.#watch.trainEnd();
      await this.#checkpoints.settled();
      const isWhole = this.#history.epochs === epochs - initialEpoch;
      const whole = isWhole ? 'completed' : signal?.aborted ? 'aborted' : 'stopped';
      return this.#history.build({
        seed: this.#host.trainer.seed,
        backend: this.#engine.backend.id,
        reason: this.#reason ?? whole,
        converged: this.#stopWatch ? this.#stopWatch.hasEnded : null,
        divergence: this.#guard.last,
      });
    } finally {
      clearTimeout(timer);
      this.#guard.end();
      stopIntervals();
      signal?.removeEventListener('abort', stop);
      this.#watch.progress?.stop();
      await this.#checkpoints.settled().catch(() => undefined);
    }
  }

  /** Where the run stood when `capture` was taken, just now; null before its first order of rows. */
  position({ runSteps, scalars, numbers }: Capture): RunPosition | null {
    if (!this.#orders) return null;
    this.#putDown();
    const done = (this.#current?.state.done ?? 0) + (runSteps ?? 0);
    const shared = {
      options: runOptionsOf(this.#options),
      data: this.#data as Fingerprint,
      steps: this.#steps + done,
      gradients: null,
      gradientNorm: null,
      split: this.#splitState,
      reason: this.#reason,
      stopWhen: this.#stopWatch?.state ?? {},
      callbacks: this.#options.callbacks.map((callback) => callback.getState?.() ?? {}),
      history: this.#history.series,
    };
    const none = new Float64Array(ScalarCode.first_free);
    if (!this.#current) return { ...shared, step: 0, running: none, order: this.#orders.next, skip: 0 };
    const { state, origin } = this.#current;
    const epochs = Math.floor(done / state.stepsPerEpoch);
    if (epochs > 0 && this.#isWatched) {
      const running = state.sums.slice(0, ScalarCode.first_free);
      const gradientNorm = this.#watchesGradient ? this.#gradientNorm() : null;
      return { ...shared, gradientNorm, step: state.stepsPerEpoch, running, order: origin, skip: 0 };
    }
    const history = new HistoryBuilder();
    history.assign(this.#history.series);
    history.addSeries(this.#engine.seriesOf({ epochs, sums: state.sums }), this.#epochRun(epochs));
    const step = done % state.stepsPerEpoch;
    const { offset, length } = this.#engine.plan.gradients;
    const isSumming = step % this.#options.accumulateBatches > 0;
    return {
      ...shared,
      history: history.series,
      gradients: isSumming ? numbers.slice(offset, offset + length) : null,
      step,
      running: runSteps === null ? state.running.slice() : scalars.slice(0, ScalarCode.first_free),
      order: origin,
      skip: epochs,
    };
  }

  /** The caller leaves the rows as they are while turns of the event loop go by. */
  get #mayWait(): boolean {
    return this.#engine.backend.kind === 'wasm' && this.#rows.inputs.byteLength > TAKEN_AT_ONCE_BYTES;
  }

  /** Rows that an epoch takes. */
  get #rowsPerEpoch(): number {
    const { batchSize, stepsPerEpoch: steps } = this.#options;
    const rowsPerEpoch = this.#rows.count - this.#splitter.heldCount;
    const isPass = steps === undefined || steps === stepsPerEpoch({ rowsPerEpoch, batchSize });
    return isPass ? rowsPerEpoch : steps * batchSize;
  }

  get #stepping(): Stepping {
    const { batchSize, accumulateBatches: accumulate } = this.#options;
    return { rowsPerEpoch: this.#rowsPerEpoch, batchSize, accumulate };
  }

  get #watchesEpochs(): boolean {
    const { gradientNorm, targetLoss } = this.#options;
    const validates = this.#validation !== null || this.#splitter.heldCount > 0;
    const isAsked = gradientNorm || targetLoss !== undefined || this.#engine.followsEpochs;
    return validates || isAsked || this.#stopWatch !== null || this.#watch.ofEpochs;
  }

  get #watchesGradient(): boolean {
    return this.#options.gradientNorm || this.#stopWatch?.watchesGradient === true;
  }

  /** Norm of the gradient of the last step, which was before the checkpoint if nothing was left of its epoch. */
  #gradientNorm(): number {
    const isFirst = this.#resumed?.history.loss.length === this.#history.epochs;
    return (isFirst ? this.#resumed?.gradientNorm : null) ?? this.#engine.gradientNorm();
  }

  /** Ends the run at its next step. */
  #end(reason: EndReason): void {
    this.#reason ??= reason;
    this.control.stop();
  }

  /** Puts the generator where it was before the split. */
  #prepareSplit(): void {
    const { random } = this.#host;
    if (!this.#splitter.isRandom) return;
    if (this.#resumed?.split) random.state = this.#resumed.split;
    this.#splitState = random.state;
  }

  /** Puts everything but the order of rows where a run stood. */
  #goOn({ order, history, stopWhen, callbacks, reason, steps, step }: RunPosition): void {
    if (order.random) this.#host.random.state = order.random;
    this.#history.assign(history);
    this.#steps = steps - step;
    this.#reason = reason as EndReason | null;
    if (this.#stopWatch) this.#stopWatch.state = stopWhen as StopWatch['state'];
    callbacks.forEach((state, index) => {
      this.#options.callbacks[index].setState?.(state);
    });
  }

  /**
   * Runs the epochs in jobs of one if somebody is told of each, else of many. While a job runs, the orders of the next
   * are made and the numbers of the one before are put down.
   */
  async #runEpochs(
    dataset: Dataset,
    validation: Dataset | null,
    { train, held }: Split,
    beginsNow: boolean,
  ): Promise<void> {
    const { batchSize, shuffle, epochs: end, accumulateBatches: accumulate } = this.#options;
    const { control } = this;
    const rowsPerEpoch = this.#rowsPerEpoch;
    const used = this.#resumed?.order.used ?? 0;
    const orders = new EpochOrders(train, shuffle ? this.#host.random : null, rowsPerEpoch, used);
    const skip = this.#resumed?.skip ?? 0;
    for (let epoch = 0; epoch < skip; epoch++) {
      if (beginsNow) orders.takeNow(1);
      else await orders.take(1);
    }
    let isAtOnce = beginsNow;
    this.#orders = orders;
    const keepsGradients = accumulate === 1 && this.#watchesGradient;
    const isWatched = this.#isWatched;
    let resumed = this.#resumed;
    let left = end - this.#history.nextEpoch;
    let rows = FIRST_ROWS;
    const epochsAtOnce = (): number =>
      isWatched ? Math.min(1, left) : Math.min(left, Math.max(1, Math.floor(rows / rowsPerEpoch)));
    try {
      while (left > 0 && !control.isStopped && !this.#reason) {
        const epochs = epochsAtOnce();
        const origin = orders.next;
        const order = isAtOnce ? orders.takeNow(epochs) : await orders.take(epochs);
        const sums = this.#sumsFor(epochs);
        const program = this.#engine.trainProgram(
          this.#rows,
          accumulate === 1 ? batchSize : 0,
          keepsGradients,
        );
        const job = { program, epochs, sums, rowsPerEpoch, batchSize, order, accumulate };
        const state = new JobState(job);
        if (resumed) state.begin(resumed);
        if (resumed?.gradients)
          this.#engine.executor.write(this.#engine.plan.gradients.offset, resumed.gradients);
        const updates = this.#engine.steps - updatesBefore(job, state.done);
        this.#current = { state, origin, began: performance.now(), updates };
        if (!isAtOnce) await control.resumed();
        if (control.isStopped) break;
        if (state.done === 0 && !isAtOnce) await this.#watch.epochBegin(this.#history.nextEpoch);
        resumed = null;
        isAtOnce = false;
        left -= epochs;
        rows = Math.min(2 * rows, MOST_ROWS);
        await this.#runJob(state, dataset, () => {
          orders.prepare(epochsAtOnce());
          this.#putDown();
        });
        this.#putDown();
        if (isWatched && state.epochs === 1) await this.#endEpoch(state, dataset, validation, held);
        if (!isWatched) {
          this.#before = { result: state, run: this.#epochRun(state.epochs) };
          this.#endJob(state);
        }
        await this.#checkpoints.room();
      }
    } finally {
      orders.end();
    }
    this.#putDown();
  }

  /** Room for the metric scalars of a job, while those of the job before are in use. */
  #sumsFor(epochs: number): Float64Array {
    const length = epochs * ScalarCode.first_free;
    this.#sums.reverse();
    if (this.#sums[0].length < length) this.#sums[0] = new Float64Array(length);
    return this.#sums[0];
  }

  #endJob({ done }: JobState): void {
    this.#current = null;
    this.#steps += done;
  }

  /** Puts the numbers of the job before into the history. */
  #putDown(): void {
    if (!this.#before) return;
    const following = this.#current?.state.job.epochs ?? 0;
    this.#history.addSeries(this.#engine.seriesOf(this.#before.result), this.#before.run, following);
    this.#before = null;
  }

  /** How each of the `epochs` epochs done by the job under way was trained. */
  #epochRun(epochs: number): EpochRun {
    const { state, began, updates } = this.#current as Current;
    const seconds = (performance.now() - began) / 1000 / Math.max(1, epochs);
    const rates = this.#engine.ratesAfterEpochs(state.job, updates);
    return { learningRate: this.#engine.learningRate, rates, seconds, rows: this.#rowsPerEpoch };
  }

  async #endEpoch(
    state: JobState,
    dataset: Dataset,
    validation: Dataset | null,
    held: Uint32Array,
  ): Promise<void> {
    const run = this.#epochRun(1);
    const epoch = this.#history.nextEpoch;
    const metrics = this.#engine.firstMetrics(state.sums);
    const { rowsPerEpoch: rows, batchSize: size } = state.job;
    await this.#watch.batchEnd(epoch, { batch: state.stepsPerEpoch - 1, size, rows, ...metrics });
    const norm = (): number => this.#gradientNorm();
    const gradient = this.#options.gradientNorm ? { gradient_norm: norm() } : {};
    const validated = await this.#validate(dataset, validation, held);
    if (validated === null) return;
    const logs = { ...metrics, ...validated, ...gradient };
    const learnt = this.#stopWatch?.after(epoch, logs, rows, norm) ?? null;
    this.#history.add(logs, run);
    this.#engine.endEpoch(logs);
    this.#endJob(state);
    this.#asked = [];
    try {
      await this.#watch.epochEnd(epoch, logs);
      this.#reason ??= learnt ?? this.#reachedTarget(logs);
    } finally {
      const asked = this.#asked;
      this.#asked = null;
      for (const target of asked) this.#save(target);
    }
  }

  #reachedTarget({ loss, val_loss }: EpochLogs): EndReason | null {
    const { targetLoss } = this.#options;
    return targetLoss !== undefined && (val_loss ?? loss) <= targetLoss ? 'targetLoss' : null;
  }

  /** Runs a job while telling callbacks and progress bar how it gets on. */
  async #runJob(state: JobState, dataset: Dataset, started: () => void): Promise<void> {
    const { control } = this;
    const epoch = this.#history.nextEpoch;
    const { batchSize: size } = state.job as Job;
    let told: Promise<void> = Promise.resolve();
    const tell = async (): Promise<void> => {
      const progress = control.isPaused ? null : control.progress();
      if (!progress || progress.rows === 0) return;
      const { steps, rows } = progress;
      await this.#watch.batchEnd(epoch, {
        batch: steps - 1,
        size,
        rows,
        ...this.#engine.metricsOf(progress),
      });
    };
    const poll = (): void => {
      told = told.then(tell);
      told.catch(() => control.stop());
    };
    const timer = this.#watch.ofBatches ? setInterval(poll, POLL_MS) : undefined;
    try {
      const cuts = this.#watch.cuts(this.#stepping, this.#steps);
      const { isDiverged } = await this.#guard.run(state, epoch, dataset, { control, started, ...cuts });
      clearInterval(timer);
      await told;
      if (isDiverged) this.#reason ??= 'diverged';
    } finally {
      clearInterval(timer);
    }
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
    const metrics = await this.#engine.validate(rows, validation ?? dataset, order, this.control);
    if (metrics === null) return null;
    const { loss, accuracy } = metrics;
    return accuracy === undefined ? { val_loss: loss } : { val_loss: loss, val_accuracy: accuracy };
  }

  /** Copies the state and has it written; not one that has diverged, of which the next step will tell. */
  #save(target: SaveTarget): void {
    const capture = this.#engine.capture();
    const isLost = !hasFiniteBiases(this.#engine) || !Number.isFinite(capture.scalars[ScalarCode.loss]);
    if (isLost && this.#options.divergence !== 'ignore') return;
    this.#checkpoints.add(target, this.#host.encode(capture, this.position(capture)));
  }

  #context(): FitContext {
    return contextOf(this.#host, {
      epoch: () => this.#history.nextEpoch,
      step: () => {
        const done = this.control.progress()?.steps ?? this.#current?.state.done ?? 0;
        return updatesBefore(this.#stepping, this.#steps + done);
      },
      seconds: () => this.#history.seconds,
      isResumed: this.#resumed !== null,
      stop: (reason) => {
        this.#reason ??= reason;
        if (!this.#asked) this.control.stop();
      },
      save: (target) => {
        if (this.#asked) this.#asked.push(target);
        else this.#save(target);
      },
    });
  }
}
