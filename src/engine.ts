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
import { JobControl } from './job-control.js';
import type { Model } from './model.js';
import { ScalarCode } from './opcodes.js';
import { mayLeaveDomain, requireOutputDomain } from './output-domain.js';
import { createPlan, type Plan, type Program, type ProgramName } from './plan/plan.js';

/** Rows a plan has room for at first; larger batches make it grow. */
const INITIAL_BATCH = 32;

/** Rows a batch of `evaluate` and `predict` has where there are that many. */
export const FORWARD_BATCH = 256;

/** Loss and accuracy over some rows. Accuracy is absent where the loss and outputs suggest no classes. */
export type Metrics = {
  readonly loss: number;
  readonly accuracy?: number;
};

/** Epochs of one program over a dataset; see `Run`. */
export interface Job extends Pick<Run, 'rowsPerEpoch' | 'batchSize' | 'order'> {
  readonly program: ProgramName;
  readonly epochs: number;
  /** Where `predict` puts the outputs of the rows. */
  readonly result?: Numbers;
  /** Where to put the metric scalars of the epochs; memory that was used before is there at once. */
  readonly sums?: Float64Array;
}

/** Metrics of epochs, one after the other. */
export interface MetricSeries {
  readonly loss: Float64Array;
  readonly accuracy?: Float64Array;
}

/** The whole epochs that a job did, and their metric scalars, `ScalarCode.first_free` each. */
export interface JobResult {
  readonly epochs: number;
  readonly sums: Float64Array;
}

const isTraining = (program: ProgramName): boolean => program.startsWith('train') || program === 'update';

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
  #inspectPlan: Plan | null = null;
  #active: RunHandle | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;
  /** Steps and whole epochs trained, without those of a run under way. */
  #steps = 0;
  #epochs = 0;
  #training: RunHandle | null = null;

  private constructor(
    readonly model: Model,
    readonly backend: Backend,
    readonly executor: Executor,
    plan: Plan,
  ) {
    this.#plan = plan;
    this.reader = {
      precision: backend.precision,
      firstNonFinite: (values) => executor.firstNonFinite(values),
    };
  }

  static async create(model: Model, backend: Backend, threads: number, worker: boolean): Promise<Engine> {
    const plan = createPlan(model, INITIAL_BATCH);
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
    return this.#steps + (this.#training?.progress().steps ?? 0);
  }

  /** Whole epochs trained so far by jobs. */
  get epochs(): number {
    return this.#epochs;
  }

  /** Goes on counting from elsewhere. */
  countFrom(steps: number, epochs: number): void {
    this.#steps = steps;
    this.#epochs = epochs;
  }

  /** Throws after `dispose`. */
  requireAlive(action: string): void {
    if (this.#disposed)
      throw stateError(action, 'the trainer must not be disposed', fact('a disposed trainer'));
  }

  /** Calls `body` with the executor at rest: at once, or between two steps of the run under way. */
  atRest<T>(body: () => T): T {
    if (!this.#active) return body();
    return this.#active.between(() => {
      const running = this.executor.scalars.slice(0, ScalarCode.first_free);
      this.executor.scalars.fill(0, 0, ScalarCode.first_free);
      try {
        return body();
      } finally {
        this.executor.scalars.set(running);
      }
    });
  }

  /**
   * The program of training steps on batches of such rows; with `keepsGradients`, one after which `gradientNorm` can be
   * asked.
   */
  trainProgram({ labels }: Rows, batchSize: number, keepsGradients = false): ProgramName {
    const { programs } = this.#plan;
    const keeping = labels ? 'trainKeepingGradientsLabels' : 'trainKeepingGradients';
    if (keepsGradients && programs[keeping]) return keeping;
    if (labels) return 'trainLabels';
    return batchSize === 1 && !keepsGradients && programs.trainRow ? 'trainRow' : 'train';
  }

  /** Makes room for batches of `rows`. */
  reserve(rows: number): void {
    if (rows > this.#plan.batchCapacity) this.#load(createPlan(this.model, rows));
  }

  /** Plans anew after a layer was frozen or released. */
  replan(): void {
    this.#load(createPlan(this.model, this.#plan.batchCapacity));
  }

  /** Runs one epoch of a program on the caller's thread. */
  runNow(program: ProgramName, rows: Rows, batchSize: number, result: Numbers | null = null): Metrics {
    return this.atRest(() => {
      this.reserve(batchSize);
      if (isTraining(program)) this.#steps++;
      return this.#runEpoch(this.#plan, program, rows, batchSize, result);
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
      try {
        return read(plan, this.#runEpoch(plan, program, rows, rows.count, null));
      } finally {
        this.executor.load(this.#plan);
      }
    });
  }

  /** Runs `body` when the runs before it have ended. */
  #queued<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(body);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /**
   * Runs a job off the event loop, in one run or, if it is paused, in several. `started` is called when a run is under
   * way.
   */
  async runJob(
    job: Job,
    dataset: Dataset,
    control = new JobControl(),
    started?: () => void,
  ): Promise<JobResult> {
    const length = job.epochs * ScalarCode.first_free;
    const sums = job.sums?.subarray(0, length) ?? new Float64Array(length);
    const running = new Float64Array(ScalarCode.first_free);
    const steps = job.epochs * stepsPerEpoch(job);
    let done = 0;
    while (done < steps && !control.isStopped) {
      done += await this.#queued(() => this.#runPart(job, dataset, done, sums, running, control, started));
      await control.resumed();
    }
    this.requireAlive('Cannot go on');
    return { epochs: Math.floor(done / stepsPerEpoch(job)), sums };
  }

  /** Runs a job from `firstStep` on to its end or until it is stopped; returns the number of steps done. */
  async #runPart(
    job: Job,
    dataset: Dataset,
    firstStep: number,
    sums: Float64Array,
    running: Float64Array,
    control: JobControl,
    started?: () => void,
  ): Promise<number> {
    this.requireAlive('Cannot run');
    this.reserve(job.batchSize);
    this.executor.scalars.set(running);
    const handle = this.executor.start(dataset, {
      program: this.#programNamed(this.#plan, job.program),
      rowsPerEpoch: job.rowsPerEpoch,
      batchSize: job.batchSize,
      order: job.order,
      firstStep,
      steps: job.epochs * stepsPerEpoch(job) - firstStep,
      metrics: sums,
      result: job.result ?? null,
    });
    this.#active = handle;
    if (isTraining(job.program)) this.#training = handle;
    try {
      control.begin(handle, firstStep);
      const finished = handle.finished;
      started?.();
      const done = await finished;
      this.requireAlive('Cannot go on');
      if (this.#training) {
        const epochsAt = (step: number): number => Math.floor(step / stepsPerEpoch(job));
        this.countFrom(this.#steps + done, this.#epochs + epochsAt(firstStep + done) - epochsAt(firstStep));
      }
      running.set(this.executor.scalars.subarray(0, ScalarCode.first_free));
      return done;
    } finally {
      control.end();
      this.#active = null;
      this.#training = null;
    }
  }

  /** Metrics over all rows, or those of `order`, without an update and off the event loop; null if it was stopped. */
  async evaluate(
    rows: Rows,
    dataset: Dataset,
    order: Uint32Array | null = null,
    control?: JobControl,
  ): Promise<Metrics | null> {
    const rowsPerEpoch = order?.length ?? rows.count;
    const { epochs, sums } = await this.runJob(
      {
        program: rows.labels ? 'evaluateLabels' : 'evaluate',
        epochs: 1,
        rowsPerEpoch,
        batchSize: Math.min(rowsPerEpoch, FORWARD_BATCH),
        order,
      },
      dataset,
      control,
    );
    return epochs === 1 ? this.metricsAt(sums, 0) : null;
  }

  /** Outputs of all rows into `result`. */
  predict(rows: Rows, result: Numbers): void {
    this.runNow('predict', rows, Math.min(rows.count, FORWARD_BATCH), result);
  }

  /** Outputs of all rows, off the event loop. */
  async predictAsync({ count }: Rows, dataset: Dataset): Promise<Numbers> {
    const result = numbersOf(this.backend.precision, count * this.model.outputs);
    const batchSize = Math.min(count, FORWARD_BATCH);
    const job = {
      program: 'predict',
      epochs: 1,
      rowsPerEpoch: count,
      batchSize,
      order: null,
      result,
    } as const;
    await this.runJob(job, dataset);
    return result;
  }

  /** Metrics of the part of an epoch that a run has done. */
  metricsOf(sums: { readonly loss: number; readonly correct: number; readonly rows: number }): Metrics {
    const { reduction, decision } = this.model;
    const loss = reduction === 'mean' ? sums.loss / sums.rows : sums.loss;
    return decision === null ? { loss } : { loss, accuracy: sums.correct / sums.rows };
  }

  /** Metrics of one of the epochs of a job. */
  metricsAt(sums: Float64Array, epoch: number): Metrics {
    const at = (code: ScalarCode): number => sums[epoch * ScalarCode.first_free + code];
    const [loss, correct, rows] = [at(ScalarCode.loss), at(ScalarCode.correct), at(ScalarCode.rows)];
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

  /** Euclidean norm of the gradient of the last step, if its program kept it. */
  gradientNorm(): number {
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

  setLearningRate(rate: number): void {
    this.atRest(() => {
      this.executor.scalars[this.#plan.learningRate] = rate;
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#active?.stop();
    void this.#queue.then(() => this.executor.dispose());
  }

  #load(plan: Plan): void {
    this.executor.load(plan);
    this.#plan = plan;
  }

  #programNamed(plan: Plan, name: ProgramName): Program {
    const program = plan.programs[name];
    if (!program) throw new Error(`plan has no program ${name}`);
    return program;
  }

  #runEpoch(plan: Plan, name: ProgramName, rows: Rows, batchSize: number, result: Numbers | null): Metrics {
    const rowsPerEpoch = rows.count;
    this.executor.run(rows, {
      program: this.#programNamed(plan, name),
      rowsPerEpoch,
      batchSize,
      firstStep: 0,
      steps: stepsPerEpoch({ rowsPerEpoch, batchSize }),
      order: null,
      metrics: this.#metrics,
      result,
    });
    return this.metricsAt(this.#metrics, 0);
  }
}
