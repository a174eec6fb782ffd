import type { Dataset, Rows } from './backends/backend.js';
import type { FitCallbacks, FitContext } from './callbacks/callback.js';
import { Checkpoints } from './checkpoints.js';
import { type RowsLike, readRows, type TargetsLike } from './data.js';
import { hasFiniteBiases } from './divergence-signs.js';
import type { Metrics } from './engine.js';
import { fact, rangeError, requireKnownKeys, typeError } from './errors.js';
import type { FitHost } from './fit.js';
import { contextOf } from './fit-context.js';
import { checkFitOptions, type FitOptions } from './fit-options.js';
import { Watch } from './fit-watch.js';
import { type EndReason, type History, HistoryBuilder } from './history.js';
import { type Capture, JobState } from './job.js';
import type { JobControl } from './job-control.js';
import type { SaveTarget } from './model-storage.js';
import { ScalarCode } from './opcodes.js';
import { readValidation } from './row-weights.js';
import { requireStored, runOptionsOf } from './run-options.js';
import type { RunPosition } from './run-position.js';

/** Rows and targets of one optimizer step. */
export type Batch = readonly [x: RowsLike, t: TargetsLike];

/**
 * Batches that come one after the other: anew each time it is iterated, if there is more than one pass. A function with
 * a parameter is given the number of batches of the pass to leave out, so that a run can be resumed.
 */
export type Batches = AsyncIterable<Batch> | ((position: number) => AsyncIterable<Batch>);

/** Options of `fit` over a stream of batches. Without `stepsPerEpoch`, an epoch is a pass over all batches. */
export type StreamOptions = Pick<
  FitOptions,
  | 'epochs'
  | 'initialEpoch'
  | 'stepsPerEpoch'
  | 'validationData'
  | 'callbacks'
  | 'signal'
  | 'learningRate'
  | 'resume'
  | 'verbose'
>;

const action = 'Cannot fit';
const optionNames = [
  ...['epochs', 'initialEpoch', 'stepsPerEpoch', 'validationData', 'callbacks', 'signal', 'learningRate'],
  ...['resume', 'verbose'],
];

/** A batch in memory that the backend owns. */
interface Prepared {
  readonly rows: Rows;
  readonly dataset: Dataset;
}

/** Reads one batch ahead, and no further: the next is asked for when the one before it trains. */
class BatchReader {
  readonly #batches: Batches;
  readonly #prepare: (batch: Batch) => Prepared;
  /** Where the next pass begins. */
  #begin: number;
  #iterator: AsyncIterator<Batch> | null = null;
  #next: Promise<Prepared | null> | null = null;

  constructor(batches: Batches, begin: number, prepare: (batch: Batch) => Prepared) {
    this.#batches = batches;
    this.#begin = begin;
    this.#prepare = prepare;
  }

  /** Begins to prepare the next batch. */
  prefetch(): void {
    if (this.#next) return;
    this.#next = this.#read();
    // Whoever takes it hears of a failure.
    this.#next.catch(() => undefined);
  }

  /** The next batch, null at the end of a pass. */
  take(): Promise<Prepared | null> {
    this.prefetch();
    const next = this.#next as Promise<Prepared | null>;
    this.#next = null;
    return next;
  }

  async end(): Promise<void> {
    const prepared = await this.#next?.catch(() => null);
    prepared?.dataset.dispose();
    await this.#iterator?.return?.();
  }

  async #read(): Promise<Prepared | null> {
    const batches = this.#batches;
    this.#iterator ??= (typeof batches === 'function' ? batches(this.#begin) : batches)[
      Symbol.asyncIterator
    ]();
    this.#begin = 0;
    const { done, value } = await this.#iterator.next();
    if (!done) return this.#prepare(value);
    this.#iterator = null;
    return null;
  }
}

/** A call of `fit` over a stream of batches. */
export class StreamFit {
  readonly #host: FitHost;
  readonly #options: ReturnType<typeof checkFitOptions>;
  readonly #reader: BatchReader;
  readonly #validation: Rows | null;
  readonly #history: HistoryBuilder;
  readonly #watch: Watch;
  readonly #checkpoints: Checkpoints;
  readonly #resumed: RunPosition | null;
  #reason: EndReason | null = null;
  /** Steps of the run, those of the epoch under way with their metric sums, and batches of the pass. */
  #steps = 0;
  #step = 0;
  #sums = new Float64Array(ScalarCode.first_free);
  #inPass = 0;
  /** The callbacks are told of the end of an epoch. */
  #isBetweenEpochs = false;
  /** Checkpoints asked for while there is no state to go on from: in a batch, or while callbacks are told. */
  #asked: SaveTarget[] = [];
  #isAtRest = true;

  constructor(
    host: FitHost,
    batches: Batches,
    options: StreamOptions,
    readonly control: JobControl,
  ) {
    requireKnownKeys(action, options, optionNames);
    this.#host = host;
    this.#options = checkFitOptions(action, options);
    const { engine } = host;
    const { model, reader, executor } = engine;
    const { validationData, learningRate, callbacks, initialEpoch, resume } = this.#options;
    const stored = resume ? requireStored(action, host.stored) : null;
    stored?.requireSameStream(action, stored.position, this.#options, model.inputs);
    this.#resumed = stored?.position ?? null;
    if (resume) requirePosition(batches);
    this.#reader = new BatchReader(batches, this.#resumed?.order.used ?? 0, (batch) => {
      if (!Array.isArray(batch) || batch.length !== 2)
        throw typeError(action, 'a batch must be [inputs, targets]', batch);
      const rows = readRows(action, batch[0], batch[1], model, reader);
      engine.requireOutputs(action, rows);
      return { rows, dataset: executor.createDataset(rows) };
    });
    this.#validation = validationData ? readValidation(action, validationData, model, reader) : null;
    this.#history = new HistoryBuilder(initialEpoch);
    this.#watch = new Watch(callbacks as readonly FitCallbacks[], this.#context());
    this.#checkpoints = new Checkpoints(host.write, () => this.control.stop());
    if (learningRate !== undefined && (!resume || typeof learningRate === 'function'))
      engine.setLearningRate(learningRate);
  }

  /** Where the run stood when `capture` was taken; null in a batch that is done but not counted. */
  position({ runSteps }: Pick<Capture, 'runSteps'>): RunPosition | null {
    if (runSteps !== null && runSteps > 0) return null;
    return {
      options: runOptionsOf(this.#options, true),
      data: { rows: 0, columns: this.#host.engine.model.inputs, labels: false, sample: 0 },
      step: this.#step,
      steps: this.#steps,
      running: this.#sums.slice(),
      order: { random: null, used: this.#inPass },
      ...{ skip: 0, split: null, gradients: null, gradientNorm: null, stopWhen: {} },
      reason: this.#reason,
      callbacks: this.#options.callbacks.map((callback) => callback.getState?.() ?? {}),
      history: this.#history.series,
    };
  }

  #goOn({ step, steps, running, order, reason, callbacks, history }: RunPosition): void {
    this.#step = step;
    this.#steps = steps;
    this.#sums.set(running);
    this.#inPass = order.used;
    this.#reason = reason as EndReason | null;
    this.#history.assign(history);
    callbacks.forEach((state, index) => {
      this.#options.callbacks[index].setState?.(state);
    });
  }

  async run(): Promise<History> {
    const { signal, epochs, initialEpoch, stepsPerEpoch, verbose } = this.#options;
    const { engine, trainer } = this.#host;
    const stop = (): void => this.control.stop();
    const validation = this.#validation && engine.executor.createDataset(this.#validation);
    let stopIntervals = (): void => {};
    let failure: { readonly reason: unknown } | null = null;
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      if (verbose === 1) {
        const totalRows = stepsPerEpoch ?? Number.POSITIVE_INFINITY;
        this.#watch.progress = await this.#host.createProgress({ totalRows, epochs });
      }
      if (this.#resumed) this.#goOn(this.#resumed);
      await this.#watch.trainBegin();
      stopIntervals = this.#watch.startIntervals((reason) => {
        failure ??= { reason };
        stop();
      });
      while (this.#history.nextEpoch < epochs && !this.control.isStopped && !this.#reason) {
        if (this.#step === 0) await this.#watch.epochBegin(this.#history.nextEpoch);
        if (!(await this.#runEpoch(validation))) break;
      }
      if (failure) throw (failure as { readonly reason: unknown }).reason;
      engine.requireAlive('Cannot go on');
      await this.#watch.trainEnd();
      await this.#checkpoints.settled();
      const isWhole = this.#history.epochs === epochs - initialEpoch;
      return this.#history.build({
        seed: trainer.seed,
        backend: engine.backend.id,
        reason: this.#reason ?? (isWhole ? 'completed' : signal?.aborted ? 'aborted' : 'stopped'),
        converged: null,
        divergence: null,
      });
    } finally {
      stopIntervals();
      signal?.removeEventListener('abort', stop);
      this.#watch.progress?.stop();
      validation?.dispose();
      await this.#reader.end();
      await this.#checkpoints.settled().catch(() => undefined);
    }
  }

  /** Whether the epoch was done to its end. */
  async #runEpoch(validation: Dataset | null): Promise<boolean> {
    const { engine } = this.#host;
    const { stepsPerEpoch = Number.POSITIVE_INFINITY } = this.#options;
    const isPass = stepsPerEpoch === Number.POSITIVE_INFINITY;
    const epochsBefore = engine.epochs;
    const began = performance.now();
    const sums = this.#sums;
    let isFresh = false;
    while (this.#step < stepsPerEpoch) {
      const batch = await this.#reader.take();
      if (!batch) {
        if (isPass && this.#step > 0) break;
        if (isFresh || (isPass && this.#history.epochs > 0)) {
          const rule = 'the batches must come anew for each pass';
          throw rangeError(action, rule, fact('none after the first pass'));
        }
        isFresh = true;
        this.#inPass = 0;
        continue;
      }
      isFresh = false;
      const size = batch.rows.count;
      const program = engine.trainProgram(batch.rows, size);
      const job = { program, epochs: 1, rowsPerEpoch: size, batchSize: size, order: null } as const;
      const state = new JobState(job);
      this.#isAtRest = false;
      try {
        await engine.runJob(state, batch.dataset, {
          control: this.control,
          started: () => this.#reader.prefetch(),
        });
      } finally {
        batch.dataset.dispose();
        this.#isAtRest = true;
      }
      engine.countFrom(engine.steps, epochsBefore);
      if (state.done === 0) return false;
      for (let code = 0; code < sums.length; code++) sums[code] += state.sums[code];
      if (!state.isFinite || !hasFiniteBiases(engine)) {
        this.#reason = 'diverged';
        return false;
      }
      this.#steps++;
      this.#inPass++;
      const logs = { batch: this.#step++, size, rows: sums[ScalarCode.rows], ...engine.firstMetrics(sums) };
      this.#saveAsked();
      await this.#watch.batchEnd(this.#history.nextEpoch, logs);
      await this.#watch.stepEnd(this.#steps);
      if (this.control.isStopped) return false;
    }
    engine.countFrom(engine.steps, epochsBefore + 1);
    const seconds = (performance.now() - began) / 1000;
    await this.#endEpoch(engine.firstMetrics(sums), seconds, sums[ScalarCode.rows], validation, isPass);
    return true;
  }

  async #endEpoch(
    metrics: Metrics,
    seconds: number,
    rows: number,
    validation: Dataset | null,
    isPass: boolean,
  ): Promise<void> {
    const { engine } = this.#host;
    const validated =
      validation && (await engine.validate(this.#validation as Rows, validation, null, this.control));
    const logs = {
      ...metrics,
      ...(validated ? { val_loss: validated.loss } : {}),
      ...(validated?.accuracy === undefined ? {} : { val_accuracy: validated.accuracy }),
    };
    const epoch = this.#history.nextEpoch;
    this.#history.add(logs, { learningRate: engine.learningRate, seconds, rows });
    engine.endEpoch(logs);
    this.#step = 0;
    this.#sums.fill(0);
    if (isPass) this.#inPass = 0;
    this.#isBetweenEpochs = true;
    this.#isAtRest = false;
    try {
      await this.#watch.epochEnd(epoch, logs);
    } finally {
      this.#isBetweenEpochs = false;
      this.#isAtRest = true;
      this.#saveAsked();
    }
  }

  #context(): FitContext {
    return contextOf(this.#host, {
      epoch: () => this.#history.nextEpoch,
      step: () => this.#steps,
      seconds: () => this.#history.seconds,
      isResumed: this.#resumed !== null,
      stop: (reason) => {
        this.#reason ??= reason;
        if (!this.#isBetweenEpochs) this.control.stop();
      },
      save: (target) => {
        this.#asked.push(target);
        if (this.#isAtRest) this.#saveAsked();
      },
    });
  }

  #saveAsked(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const target of asked) {
      const capture = this.#host.engine.capture();
      this.#checkpoints.add(target, this.#host.encode(capture, this.position(capture)));
    }
  }
}

/** Throws unless the batches can begin at a position. */
function requirePosition(batches: Batches): void {
  if (typeof batches === 'function' && batches.length > 0) return;
  const rule = 'resume needs batches as a function of the number of batches to leave out';
  const received = typeof batches === 'function' ? 'a function without a parameter' : 'an async iterable';
  throw typeError(action, rule, fact(received));
}
