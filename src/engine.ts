import {
  type Backend,
  type Dataset,
  type Executor,
  type Numbers,
  type Rows,
  type Run,
  type RunHandle,
  stepsPerEpoch,
} from './backends/backend.js';
import { numbersOf, type Reader } from './data.js';
import { fact, stateError } from './errors.js';
import { withFurther } from './further.js';
import { type Capture, type Job, type JobOptions, type JobResult, JobState, updatesBefore } from './job.js';
import { JobControl } from './job-control.js';
import type { Model } from './model.js';
import { ScalarCode } from './opcodes.js';
import { mayLeaveDomain, requireOutputDomain } from './output-domain.js';
import { flavourOf } from './plan/loss-lowering.js';
import {
  createPlan,
  isStep,
  type Plan,
  type PlanExtras,
  type Program,
  type ProgramName,
} from './plan/plan.js';
import type { PlateauState } from './plateau.js';
import { RateControl } from './rate-control.js';
import { firstRate, type LearningRate } from './schedules.js';

/** Rows a plan has room for at first; larger batches make it grow. */
const INITIAL_BATCH = 32;

/** Above so many parameters weights are large for a second-level cache, and are read for more rows at a time. */
const LARGE_MODEL = 2 ** 21;

/** Loss and accuracy over some rows. Accuracy is absent where the loss and outputs suggest no classes. */
export type Metrics = {
  readonly loss: number;
  readonly accuracy?: number;
};

/** Metrics of epochs, one after the other. */
export interface MetricSeries {
  readonly loss: Float64Array;
  readonly accuracy?: Float64Array;
}

/** How rows are evaluated. */
export interface EvaluationOptions {
  /** Some of the rows; default all. */
  readonly order?: Uint32Array | null;
  readonly control?: JobControl;
  /** With the average of the weights. */
  readonly ofAverage?: boolean;
  /** Where to put the outputs of the rows as well. */
  readonly result?: Numbers;
}

/** The program that evaluates such rows. */
const evaluationOf = (rows: Rows, { result, ofAverage }: EvaluationOptions): ProgramName =>
  `evaluate${result ? 'Storing' : ofAverage ? 'Average' : ''}${flavourOf(rows)}`;

/** A run off the event loop. */
interface ActiveRun {
  readonly handle: RunHandle;
  /** It makes optimizer steps. */
  readonly isTraining: boolean;
  /** The run was given its learning rates. */
  readonly hasRates: boolean;
  /** Optimizer steps done, with those of the run. */
  steps(): number;
}

/**
 * A model on an executor: keeps the plan fitting to what is asked, and lets one run at a time at the executor.
 * Synchronous calls during a run happen between two of its steps.
 */
export class Engine {
  /** How rows are read for this executor. */
  readonly reader: Reader;
  /** Metrics of synchronous runs. */
  readonly #metrics = new Float64Array(ScalarCode.first_free);
  #plan: Plan;
  #extras: PlanExtras = {};
  #inspectPlan: Plan | null = null;
  /** The learning rate, where it does not stay. */
  readonly #rates: RateControl;
  #active: ActiveRun | null = null;
  #queue: Promise<void> = Promise.resolve();
  /** Runs in the queue, with the one under way. */
  #queueLength = 0;
  /** A job is under way, perhaps paused, that adds to the gradients of batches before. */
  #accumulates = false;
  #disposed = false;
  /** Changes whenever something but a run or a number for the learning rate changes what the next step does. */
  revision = 0;
  /** Steps and whole epochs trained, without those of a run under way. */
  #steps = 0;
  #epochs = 0;

  private constructor(
    readonly model: Model,
    readonly backend: Backend,
    readonly executor: Executor,
    plan: Plan,
  ) {
    this.#plan = plan;
    this.#rates = new RateControl(model.optimizer.learningRate);
    this.reader = {
      precision: backend.precision,
      firstNonFinite: (values) => executor.firstNonFinite(values),
    };
  }

  static async create(model: Model, backend: Backend, threads: number, worker: boolean): Promise<Engine> {
    const plan = await withFurther(() => createPlan(model, INITIAL_BATCH));
    return new Engine(model, backend, await backend.createExecutor(plan, threads, worker), plan);
  }

  get plan(): Plan {
    return this.#plan;
  }

  get isRunning(): boolean {
    return this.#active !== null;
  }

  /** Optimizer steps done so far. */
  get steps(): number {
    return this.#active?.steps() ?? this.#steps;
  }

  /** The copy of the journal of the last `fit`, as long as nothing else needs its memory. */
  spare: WeakRef<Capture> | undefined;

  /** Whole epochs trained so far by jobs. */
  get epochs(): number {
    return this.#epochs;
  }

  /** Goes on counting from elsewhere. */
  countFrom(steps: number, epochs: number): void {
    this.#steps = steps;
    this.#epochs = epochs;
  }

  /**
   * Copies of everything that training changes, taken between two steps; the metrics of a run under way stay in it.
   * `into` is a capture that is not needed any more, whose memory is used again.
   */
  capture(into?: Capture): Capture {
    const { setting } = this.#rates;
    const copy = (): Capture => ({
      ...this.#copies(into),
      learningRate: typeof setting === 'object' ? setting : this.learningRate,
      plateau: this.#rates.state,
      steps: this.steps,
      epochs: this.#epochs,
      runSteps: this.#active?.isTraining ? this.#active.handle.progress().steps : null,
    });
    return this.#active ? this.#active.handle.between(copy) : copy();
  }

  #copies(into: Capture | undefined): Pick<Capture, 'numbers' | 'scalars'> {
    const { scalars } = this.executor;
    const { persistentLength } = this.#plan;
    if (into?.numbers.length !== persistentLength || into.scalars.length !== scalars.length)
      return { numbers: this.executor.read(0, persistentLength), scalars: scalars.slice() };
    into.numbers.set(this.executor.view(0, persistentLength));
    into.scalars.set(scalars);
    return { numbers: into.numbers, scalars: into.scalars };
  }

  /** Goes back to a capture, with no run under way. */
  restore({ numbers, scalars, plateau, steps, epochs }: Omit<Capture, 'learningRate' | 'runSteps'>): void {
    this.revision++;
    this.executor.write(0, numbers);
    this.executor.scalars.set(scalars);
    this.executor.scalars.fill(0, 0, ScalarCode.first_free);
    this.#rates.state = plateau;
    this.countFrom(steps, epochs);
  }

  /** Throws after `dispose`. */
  requireAlive(action: string): void {
    if (this.#disposed)
      throw stateError(action, 'the trainer must not be disposed', fact('a disposed trainer'));
  }

  /** Calls `body` with the executor at rest: at once, or between two steps of the run under way. */
  atRest<T>(body: () => T): T {
    if (!this.#active) return body();
    const { handle } = this.#active;
    return handle.between(() => {
      const { scalars } = this.executor;
      const running = scalars.slice(0, ScalarCode.first_free);
      scalars.fill(0, 0, ScalarCode.first_free);
      try {
        return body();
      } finally {
        this.executor.scalars.set(running);
      }
    });
  }

  /** The learning rate of the next step. */
  get learningRate(): number {
    return this.#rates.at(this.steps) ?? this.executor.scalars[this.#plan.learningRate];
  }

  /** The learning rate, schedule or function as it was set last. */
  get rateSetting(): LearningRate {
    return this.#rates.setting;
  }

  /** The learning rate depends on the losses of epochs, of which `endEpoch` has to be told. */
  get followsEpochs(): boolean {
    return this.#rates.followsEpochs;
  }

  /** What was learnt from the losses of epochs so far. */
  get plateau(): PlateauState | null {
    return this.#rates.state;
  }

  set plateau(state: PlateauState | null) {
    this.#rates.state = state;
  }

  /** The learning rate after each of the epochs of a job before which `steps` were done; null where it stays. */
  ratesAfterEpochs(job: Job, steps: number): Float64Array | null {
    const batches = stepsPerEpoch(job);
    return this.#rates.series(0, job.epochs, (epoch) => steps + updatesBefore(job, (epoch + 1) * batches));
  }

  endEpoch(losses: { readonly loss: number; readonly val_loss?: number }): void {
    const { scalars } = this.executor;
    const { learningRate } = this.#plan;
    scalars[learningRate] = this.#rates.afterEpoch(losses, scalars[learningRate]);
  }

  /**
   * The program of training steps on batches of such rows; with `keepsGradients`, one after which `gradientNorm` can be
   * asked.
   */
  trainProgram(rows: Rows, batchSize: number, keepsGradients = false): ProgramName {
    const { programs } = this.#plan;
    const flavour = flavourOf(rows);
    if (flavour === 'Weighted' || flavour === 'WeightedLabels') return `train${flavour}`;
    const keeping = `trainKeepingGradients${flavour}` as const;
    if (keepsGradients && programs[keeping]) return keeping;
    const byRow = batchSize === 1 && !keepsGradients && !rows.labels && programs.trainRow;
    return byRow ? 'trainRow' : `train${flavour}`;
  }

  /** Makes room for batches of `rows`. */
  reserve(rows: number): void {
    if (rows > this.#plan.batchCapacity) this.#load(this.#createPlan(rows));
  }

  /** Makes sure of programs that not every trainer needs. */
  #provideFor(program: ProgramName, accumulate = 1): void {
    const { weighted = false, accumulating = false, storing = false } = this.#extras;
    const wanted = {
      weighted: weighted || program.includes('Weighted'),
      accumulating: accumulating || accumulate > 1,
      storing: storing || program.includes('Storing'),
    };
    if (wanted.weighted === weighted && wanted.accumulating === accumulating && wanted.storing === storing)
      return;
    this.#extras = wanted;
    this.replan();
  }

  #createPlan(rows: number): Plan {
    return createPlan(this.model, rows, 'train', this.#extras);
  }

  /** Plans anew after a layer was frozen or released. */
  replan(): void {
    this.#load(this.#createPlan(this.#plan.batchCapacity));
  }

  /** Runs one epoch of a program on the caller's thread. */
  runNow(
    program: ProgramName,
    rows: Rows,
    batchSize = this.#forwardBatch(rows.count),
    result: Numbers | null = null,
  ): Metrics {
    return this.atRest(() => {
      this.#provideFor(program);
      this.reserve(batchSize);
      if (!isStep(program)) return this.#runEpoch(this.#plan, program, rows, batchSize, result);
      const steps = stepsPerEpoch({ rowsPerEpoch: rows.count, batchSize });
      const before = this.#steps;
      this.executor.scalars[this.#plan.learningRate] = this.learningRate;
      const rates = steps > 1 ? this.#rates.series(0, steps, (index) => before + index) : null;
      this.#steps += steps;
      return this.#runEpoch(this.#plan, program, rows, batchSize, result, rates);
    });
  }

  /** Runs a program of an inspection plan; `read` finds its buffers in the executor, then the usual plan returns. */
  runInspection<T>(program: ProgramName, rows: Rows, read: (plan: Plan, metrics: Metrics) => T): T {
    return this.atRest(() => {
      if (this.#inspectPlan?.batchCapacity !== rows.count) {
        this.#inspectPlan = createPlan(this.model, rows.count, 'inspect');
      }
      const plan = this.#inspectPlan;
      this.executor.load(plan);
      const { offset, length } = plan.gradients;
      const gradients = this.#accumulates ? this.executor.read(offset, length) : null;
      try {
        return read(plan, this.#runEpoch(plan, program, rows, rows.count, null));
      } finally {
        this.executor.load(this.#plan);
        if (gradients) this.executor.write(offset, gradients);
      }
    });
  }

  /** The programs of a run; those that `accumulate` batches for each step stand in the place of that step. */
  #programsOf(name: ProgramName, accumulate: number): Pick<Run, 'program' | 'accumulation'> {
    const named = (program: string): Program => this.#programNamed(this.#plan, program as ProgramName);
    if (accumulate === 1) return { program: named(name) };
    const more = named(name.replace('train', 'accumulateMore'));
    const accumulation = { every: accumulate, more, update: named('updateAccumulated') };
    return { program: named(name.replace('train', 'accumulateFirst')), accumulation };
  }

  /** Runs `body` when the runs before it have ended; without any before it returns. */
  async #queued<T>(body: () => Promise<T>): Promise<T> {
    const before = this.#queueLength++ > 0 ? this.#queue : null;
    let end = (): void => {};
    this.#queue = new Promise((resolve) => {
      end = resolve;
    });
    if (before) await before;
    try {
      return await body();
    } finally {
      this.#queueLength--;
      end();
    }
  }

  /** Runs a job off the event loop from where it stands, in one run or, if it is paused or cut, in several. */
  async runJob(state: JobState, dataset: Dataset, options: JobOptions = {}): Promise<JobResult> {
    const { control = new JobControl(), partEnded, isDone } = options;
    const accumulates = (state.job.accumulate ?? 1) > 1;
    this.#accumulates ||= accumulates;
    try {
      while (state.done < state.steps && !control.isStopped) {
        const hasRun = await this.#queued(async () => {
          // What asks for a pause while this waits in the queue has been told that no step begins.
          if (control.isPaused || control.isStopped) return false;
          await this.#runPart(state, dataset, control, options);
          return true;
        });
        if (hasRun && isDone?.(state)) break;
        if (hasRun) await partEnded?.(state);
        await control.resumed();
      }
    } finally {
      if (accumulates) this.#accumulates = false;
    }
    this.requireAlive('Cannot go on');
    return { epochs: state.epochs, sums: state.sums };
  }

  /** Runs a job on to its end, to that of a part, or until it is stopped. */
  async #runPart(
    state: JobState,
    dataset: Dataset,
    control: JobControl,
    { started, partSteps }: JobOptions,
  ): Promise<void> {
    this.requireAlive('Cannot run');
    const { job, done: firstStep } = state;
    const { accumulate = 1 } = job;
    this.#provideFor(job.program, accumulate);
    this.reserve(job.batchSize);
    this.executor.scalars.set(state.running);
    const left = state.steps - firstStep;
    const steps = partSteps ? Math.min(left, partSteps(firstStep)) : left;
    const isTraining = isStep(job.program);
    const before = this.#steps - updatesBefore(job, firstStep);
    const stepOf = (index: number): number => before + updatesBefore(job, index);
    const values = isTraining ? this.#rates.series(firstStep, firstStep + steps, stepOf) : null;
    const handle = this.executor.start(dataset, {
      ...this.#programsOf(job.program, accumulate),
      rowsPerEpoch: job.rowsPerEpoch,
      batchSize: job.batchSize,
      order: job.order,
      firstStep,
      steps,
      metrics: state.sums,
      rates: values && { scalar: this.#plan.learningRate, values },
      result: job.result ?? null,
    });
    this.#active = {
      ...{ handle, isTraining, hasRates: values !== null },
      steps: () => (isTraining ? stepOf(firstStep + handle.progress().steps) : this.#steps),
    };
    try {
      control.begin(handle, firstStep);
      const finished = handle.finished;
      started?.();
      const done = await finished;
      this.requireAlive('Cannot go on');
      const epochs = state.epochs;
      state.done += done;
      if (isTraining) this.countFrom(stepOf(state.done), this.#epochs + state.epochs - epochs);
      state.running.set(this.executor.scalars.subarray(0, ScalarCode.first_free));
    } finally {
      control.end();
      this.#active = null;
    }
  }

  /**
   * Metrics over all rows at once, where that is done about as soon as another thread would be awake and have the rows,
   * and nothing else runs or waits; null elsewhere.
   */
  evaluateNow(rows: Rows, result?: Numbers): Metrics | null {
    const products = rows.count * this.#plan.gradients.length;
    if (this.#queueLength || products > (this.executor.briefProducts ?? 0)) return null;
    return this.runNow(evaluationOf(rows, { result }), rows, undefined, result);
  }

  /** Rows of a batch of `evaluate` and `predict`. */
  #forwardBatch(rows: number): number {
    return Math.min(rows, this.#plan.gradients.length > LARGE_MODEL ? 256 : 128);
  }

  /** One pass forwards over `rowsPerEpoch` rows, off the event loop. */
  #pass(
    program: ProgramName,
    rowsPerEpoch: number,
    dataset: Dataset,
    { order = null, control, result }: EvaluationOptions,
  ): Promise<JobResult> {
    const batchSize = this.#forwardBatch(rowsPerEpoch);
    const job = { program, epochs: 1, rowsPerEpoch, batchSize, order, result };
    return this.runJob(new JobState(job), dataset, { control });
  }

  /** Metrics over all rows, without an update and off the event loop; null if it was stopped. */
  async evaluate(rows: Rows, dataset: Dataset, options: EvaluationOptions = {}): Promise<Metrics | null> {
    const count = options.order?.length ?? rows.count;
    const { epochs, sums } = await this.#pass(evaluationOf(rows, options), count, dataset, options);
    return epochs === 1 ? this.firstMetrics(sums) : null;
  }

  /** Metrics of a validation. */
  validate(
    rows: Rows,
    dataset: Dataset,
    order: Uint32Array | null,
    control: JobControl,
  ): Promise<Metrics | null> {
    return this.evaluate(rows, dataset, { order, control, ofAverage: this.model.averaging?.validate });
  }

  /** Outputs of all rows into `result`. */
  predict(rows: Rows, result: Numbers): void {
    this.runNow('predict', rows, undefined, result);
  }

  /** Outputs of all rows, off the event loop. */
  async predictAsync({ count }: Rows, dataset: Dataset): Promise<Numbers> {
    const result = numbersOf(this.backend.precision, count * this.model.outputs);
    await this.#pass('predict', count, dataset, { result });
    return result;
  }

  /** Metrics of the part of an epoch that a run has done. */
  metricsOf(sums: { readonly loss: number; readonly correct: number; readonly rows: number }): Metrics {
    const { reduction, decision } = this.model;
    const loss = reduction === 'mean' ? sums.loss / sums.rows : sums.loss;
    return decision === null ? { loss } : { loss, accuracy: sums.correct / sums.rows };
  }

  /** Metrics of the first epoch of a job. */
  firstMetrics(sums: Float64Array): Metrics {
    const [loss, correct, rows] = [sums[ScalarCode.loss], sums[ScalarCode.correct], sums[ScalarCode.rows]];
    return this.metricsOf({ loss, correct, rows });
  }

  /** Metrics of all epochs of a job, by the formulas of `metricsOf`. */
  seriesOf({ epochs, sums }: JobResult): MetricSeries {
    const { reduction, decision } = this.model;
    const loss = new Float64Array(epochs);
    const accuracy = new Float64Array(decision === null ? 0 : epochs);
    for (let epoch = 0, at = 0; epoch < epochs; epoch++, at += ScalarCode.first_free) {
      const rows = sums[at + ScalarCode.rows];
      loss[epoch] = reduction === 'mean' ? sums[at + ScalarCode.loss] / rows : sums[at + ScalarCode.loss];
      if (decision !== null) accuracy[epoch] = sums[at + ScalarCode.correct] / rows;
    }
    return decision === null ? { loss } : { loss, accuracy };
  }

  /** Euclidean norm of the gradient of the last step before it was clipped, if its program kept it. */
  gradientNorm(): number {
    const { gradientNorm } = this.#plan;
    if (gradientNorm !== undefined && gradientNorm >= 0) return this.executor.scalars[gradientNorm];
    const { offset, length } = this.#plan.gradients;
    let sum = 0;
    for (const gradient of this.executor.read(offset, length)) sum += gradient * gradient;
    return Math.sqrt(sum);
  }

  /** Throws if the loss would take the logarithm of outputs that are not in its domain. */
  requireOutputs(action: string, rows: Rows): void {
    if (!mayLeaveDomain(this.model)) return;
    const output = numbersOf(this.backend.precision, rows.count * this.model.outputs);
    this.predict(rows, output);
    requireOutputDomain(action, this.model, rows, output);
  }

  /** From the next step on. A run that was given its rates ends, and its job goes on in another. */
  setLearningRate(setting: LearningRate): void {
    this.atRest(() => {
      if (typeof setting !== 'number' || typeof this.#rates.setting !== 'number') this.revision++;
      this.#rates.set(setting);
      const rate = this.#rates.at(this.steps) ?? firstRate(setting);
      this.executor.scalars[this.#plan.learningRate] = rate;
      if (this.#active?.hasRates || typeof setting !== 'number') this.#active?.handle.stop();
    });
  }

  /** Another rate in the place of a schedule of steps; a schedule of losses goes on from it. */
  lowerLearningRate(rate: number): void {
    if (!this.followsEpochs) this.setLearningRate(rate);
    else this.executor.scalars[this.#plan.learningRate] = rate;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#active?.handle.stop();
    void this.#queue.then(() => this.executor.dispose());
  }

  #load(plan: Plan): void {
    this.revision++;
    this.executor.load(plan);
    this.#plan = plan;
  }

  #programNamed(plan: Plan, name: ProgramName): Program {
    const program = plan.programs[name];
    if (!program) throw new Error(`plan has no program ${name}`);
    return program;
  }

  #runEpoch(
    plan: Plan,
    name: ProgramName,
    rows: Rows,
    batchSize: number,
    result: Numbers | null,
    rates: Float64Array | null = null,
  ): Metrics {
    const rowsPerEpoch = rows.count;
    this.executor.run(rows, {
      program: this.#programNamed(plan, name),
      rowsPerEpoch,
      batchSize,
      firstStep: 0,
      steps: stepsPerEpoch({ rowsPerEpoch, batchSize }),
      order: null,
      metrics: this.#metrics,
      rates: rates && { scalar: plan.learningRate, values: rates },
      result,
    });
    return this.firstMetrics(this.#metrics);
  }
}
