import type { Numbers } from './backends/backend.js';
import { checkThreads, type RejectedBackend, selectBackend } from './backends/select.js';
import { numbersOf, type RowsLike, readInputs, readRows, type TargetsLike } from './data.js';
import { argmaxOfRows, binaryOfRows } from './decisions.js';
import { Engine, type Metrics } from './engine.js';
import { fact, requireBoolean, requireInteger, requireKnownKeys, stateError, typeError } from './errors.js';
import { evaluate, overRows } from './evaluation.js';
import { Turns } from './event-loop.js';
import { Fit, type FitHost, type FitUnderWay } from './fit.js';
import type { FitOptions } from './fit-options.js';
import type { Batches, StreamOptions } from './fit-stream.js';
import { withFurther } from './further.js';
import { GradientStore, type Gradients } from './gradients.js';
import { type ComputationGraph, computationGraph } from './graph.js';
import type { History } from './history.js';
import { type Inspection, type InspectOptions, inspect } from './inspect.js';
import type { Capture } from './job.js';
import { JobControl } from './job-control.js';
import { isMask, shownLayer, type TrainerLayer } from './layers.js';
import { Matrix } from './matrix.js';
import type { EvaluateOptions, Evaluation, MetricLike } from './metrics/evaluate.js';
import { createModel, initialParameters, type Model, requireTrainable } from './model.js';
import { encodeModel } from './model-file.js';
import { checkSaveOptions, modelState } from './model-state.js';
import type { LoadOptions, ModelFiles, ModelSource, SaveOptions, SaveTarget } from './model-storage.js';
import {
  checkLayers,
  type LayerWeights,
  type LayerWeightsLike,
  readLayers,
  writeConstants,
  writeLayers,
  writeStoredLayers,
} from './parameters.js';
import { Random } from './random.js';
import { type RowWeights, rowWeightKeys, weighRows } from './row-weights.js';
import type { StoredRun } from './run-options.js';
import type { RunPosition } from './run-position.js';
import { checkLearningRate, type LearningRate } from './schedules.js';
import { restoreSnapshot, type Snapshot, takeSnapshot } from './snapshot.js';
import {
  type BatchOptions,
  configNames,
  type Platform,
  type TrainerBackend,
  type TrainerConfig,
} from './trainer-config.js';

export type { BatchOptions, Platform, TrainerBackend, TrainerConfig } from './trainer-config.js';

const isBatches = (value: unknown): value is Batches =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && Symbol.asyncIterator in value);

const loadStorage = () => import('./model-storage.js');

async function writeModel(
  target: SaveTarget,
  bytes: Uint8Array<ArrayBuffer>,
  files: ModelFiles,
): Promise<void> {
  const storage: typeof import('./model-storage.js') = await loadStorage();
  storage.requireTarget('Cannot save trainer', target);
  await storage.writeModel(target, bytes, files);
}

/** Largest safe seed. */
const MAXIMUM_SEED = Number.MAX_SAFE_INTEGER;

/** A multilayer perceptron with its optimizer, ready to train and predict. Made by `createTrainer`. */
export class Trainer {
  /** Seed of the initial weights, the splits and the order of rows. */
  readonly seed: number;
  readonly #rejected: readonly RejectedBackend[];
  readonly #threads: number;
  readonly #engine: Engine;
  readonly #model: Model;
  readonly #random: Random;
  readonly #config: TrainerConfig;
  readonly #platform: Platform;
  readonly #gradients: GradientStore;
  /** The last inspection, for `graph`. */
  #inspection: Inspection | null = null;
  #fit: FitUnderWay | null = null;
  #metadata: Readonly<Record<string, string>> = {};
  /** Where the run stands that a model file was written in the middle of, for `fit` to go on with. */
  #stored: StoredRun | null = null;

  private constructor(
    engine: Engine,
    seed: number,
    random: Random,
    threads: number,
    rejected: readonly RejectedBackend[],
    config: TrainerConfig,
    platform: Platform,
  ) {
    this.#engine = engine;
    this.#model = engine.model;
    this.seed = seed;
    this.#random = random;
    this.#threads = threads;
    this.#rejected = rejected;
    this.#config = config;
    this.#platform = platform;
    this.#gradients = new GradientStore(engine);
  }

  /** @internal */
  static async create(config: TrainerConfig, platform: Platform): Promise<Trainer> {
    requireKnownKeys('Cannot create trainer', config, configNames);
    const { seed = Math.floor(Math.random() * 2 ** 32) } = config;
    requireInteger('Cannot create trainer', 'seed', seed, 0, MAXIMUM_SEED);
    const wantedThreads = checkThreads(config.threads);
    const { worker = true } = config;
    requireBoolean('Cannot create trainer', 'worker', worker);
    const model = await withFurther(() => createModel(config));
    const turns = new Turns();
    const { backend, rejected } = await selectBackend(platform.providers, config.backend);
    await turns.take();
    const threads = backend.threadsFor(wantedThreads, model.parameterCount);
    const engine = await Engine.create(model, backend, threads, worker);
    const random = new Random(seed, backend.draws);
    await turns.take();
    const initial = await initialParameters(model, random, backend.precision, turns);
    await turns.take();
    writeStoredLayers(engine.executor, engine.plan, initial, model);
    writeConstants(engine.executor, engine.plan);
    const { masks = -1 } = engine.plan;
    if (masks >= 0) engine.executor.scalars[masks] = new Random(seed).nextUint32();
    await turns.end();
    return new Trainer(engine, seed, random, threads, rejected, config, platform);
  }

  /** The backend that runs this trainer, and how. */
  get backend(): TrainerBackend {
    const { backend, executor } = this.#engine;
    const { id, kind, instructionSet } = backend;
    const usual = { worker: kind === 'native', threads: this.#threads, notes: [] };
    return { id, kind, instructionSet, ...(executor.placement ?? usual), rejected: this.#rejected };
  }

  /** @internal */
  static async load(source: ModelSource, options: LoadOptions, platform: Platform): Promise<Trainer> {
    const { readModel, restoreModel, requireSameRun, requireSameStream } = await loadStorage();
    const decoded = await readModel(source, options, platform.files);
    const { backend, threads } = options;
    const trainer = await Trainer.create({ ...decoded.config, backend, threads }, platform);
    restoreModel(trainer.#engine, trainer.#random, decoded);
    const { run: position } = decoded;
    trainer.#stored = position && { position, requireSameRun, requireSameStream };
    trainer.#metadata = decoded.metadata;
    return trainer;
  }

  get layers(): readonly TrainerLayer[] {
    return this.#model.layers.map(shownLayer);
  }

  get parameterCount(): number {
    return this.#model.parameterCount;
  }

  get loss(): string {
    return this.#model.loss.name;
  }

  /** @internal */
  get model(): Model {
    return this.#model;
  }

  /** The texts of `save` in the file that the trainer was loaded from. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#metadata;
  }

  /** Optimizer steps done so far, those before `loadTrainer` included; what schedules count. */
  get steps(): number {
    return this.#engine.steps;
  }

  /** Whole epochs of `fit` done so far. */
  get epochs(): number {
    return this.#engine.epochs;
  }

  /** How the losses of the rows of a batch become one. */
  get reduction(): Model['reduction'] {
    return this.#model.reduction;
  }

  /**
   * One optimizer step on exactly these rows, synchronous.
   *
   * @param x rows × inputs
   * @param t rows × outputs, or one integer label a row with cross-entropy
   * @param options the learning rate from this call on, and weights of the rows
   * @returns loss (and accuracy) of the rows before the update
   * @throws TypeError or RangeError before anything is computed
   */
  trainBatch(x: RowsLike, t: TargetsLike, options: BatchOptions = {}): Metrics {
    const action = 'Cannot train batch';
    this.#requireIdle(action);
    requireTrainable(action, this.#model);
    requireKnownKeys(action, options, ['learningRate', ...rowWeightKeys]);
    const rows = readRows(action, x, t, this.#model, this.#engine.reader);
    const weighed = weighRows(action, rows, this.#model, options);
    this.#engine.requireOutputs(action, rows);
    if (options.learningRate !== undefined) {
      checkLearningRate(action, options.learningRate);
      this.#engine.setLearningRate(options.learningRate);
    }
    const program = this.#engine.trainProgram(weighed, weighed.count);
    return this.#engine.runNow(program, weighed, weighed.count);
  }

  /**
   * One pass over these rows in the order they stand, synchronous: for streams, whose rows are seen once. One row is one
   * step. Returns loss (and accuracy) of the rows, each before the update it led to.
   */
  partialFit(x: RowsLike, t: TargetsLike, options: { readonly batchSize?: number } = {}): Metrics {
    const action = 'Cannot partially fit';
    this.#requireIdle(action);
    requireTrainable(action, this.#model);
    requireKnownKeys(action, options, ['batchSize']);
    const { batchSize = 32 } = options;
    requireInteger(action, 'batchSize', batchSize, 1);
    const rows = readRows(action, x, t, this.#model, this.#engine.reader);
    this.#engine.requireOutputs(action, rows);
    const size = Math.min(batchSize, rows.count);
    return this.#engine.runNow(this.#engine.trainProgram(rows, size), rows, size);
  }

  /**
   * Trains for some epochs of mini-batches, without holding the event loop. Native backends have copied the rows when
   * the call returns; over large data training is then under way, and what is called next happens between two steps.
   *
   * @returns the losses of every epoch, the seed, the backend, and why the run ended
   * @throws TypeError or RangeError (as a rejection) before anything is computed
   */
  async fit(x: RowsLike, t: TargetsLike, options?: FitOptions): Promise<History>;
  /** The same over batches that come one by one: the next is prepared while one trains, and no more are asked for. */
  async fit(batches: Batches, options?: StreamOptions): Promise<History>;
  async fit(
    x: RowsLike | Batches,
    t?: TargetsLike | StreamOptions,
    options: FitOptions = {},
  ): Promise<History> {
    const action = 'Cannot fit';
    this.#requireNoFit(action);
    requireTrainable(action, this.#model);
    if (isBatches(x)) return this.#fitStream(x, (t ?? {}) as StreamOptions);
    const fit = new Fit(this.#fitHost(), x, t as TargetsLike, options);
    return this.#run(fit);
  }

  async #fitStream(batches: Batches, options: StreamOptions): Promise<History> {
    const control = new JobControl();
    const host = this.#fitHost();
    this.#fit = { control, position: () => this.#stored?.position ?? null };
    try {
      const { StreamFit } = await import('./fit-stream.js');
      this.#engine.requireAlive('Cannot fit');
      return await this.#run(new StreamFit(host, batches, options, control));
    } finally {
      this.#fit = null;
    }
  }

  async #run(fit: FitUnderWay & { run(): Promise<History> }): Promise<History> {
    this.#fit = fit;
    this.#stored = null;
    try {
      return await fit.run();
    } finally {
      this.#fit = null;
    }
  }

  /**
   * Lets the `fit` under way do no further step until `resume`; its promise stays pending. Resolves when no step of it
   * is running. Between `pause` and `resume` everything but training can be called, and `setTrainable`.
   */
  async pause(): Promise<void> {
    await this.#fitUnderWay('Cannot pause').control.pause();
  }

  /** Lets a paused `fit` go on from the step at which it rests; does nothing to one that runs. */
  resume(): void {
    this.#fitUnderWay('Cannot resume').control.resume();
  }

  /** Ends the `fit` under way, paused or not, at its next step; it resolves with the epochs done. */
  stop(): void {
    this.#fitUnderWay('Cannot stop').control.stop();
  }

  /**
   * Loss (and accuracy) over all rows, without an update and without holding the event loop. The native backends keep
   * the memory of the copied rows, up to 64 MiB, for the next call within ten seconds.
   *
   * @param options the metrics to compute from the outputs besides, such as `['f1', 'rocAuc', 'confusionMatrix']`
   * @throws TypeError or RangeError (as a rejection) for metrics that the outputs or targets do not allow
   */
  async evaluate(x: RowsLike, t: TargetsLike, options?: RowWeights): Promise<Metrics>;
  async evaluate<const M extends readonly MetricLike[]>(
    x: RowsLike,
    t: TargetsLike,
    options: EvaluateOptions<M> & RowWeights,
  ): Promise<Evaluation<M>>;
  async evaluate(
    x: RowsLike,
    t: TargetsLike,
    options?: RowWeights | (EvaluateOptions & RowWeights),
  ): Promise<Metrics | Evaluation> {
    return evaluate(this.#engine, x, t, options);
  }

  /** Outputs of the network, rows × units of the last layer. */
  predict(x: RowsLike): Matrix {
    const action = 'Cannot predict';
    this.#engine.requireAlive(action);
    const rows = readInputs(action, x, this.#model, this.#engine.reader);
    const { outputs } = this.#model;
    const data = numbersOf(this.#engine.backend.precision, rows.count * outputs);
    this.#engine.predict(rows, data);
    return new Matrix(data, rows.count, outputs);
  }

  /** As `predict`, without holding the event loop; waits for the epoch under way where `fit` is running. */
  async predictAsync(x: RowsLike): Promise<Matrix> {
    const action = 'Cannot predict';
    this.#engine.requireAlive(action);
    const rows = readInputs(action, x, this.#model, this.#engine.reader);
    const data = await overRows(this.#engine, rows, (dataset) => this.#engine.predictAsync(rows, dataset));
    return new Matrix(data, rows.count, this.#model.outputs);
  }

  /**
   * As `predict`, into an array of the backend's precision (Float32Array; Float64Array on the reference backend),
   * which must hold exactly rows × outputs numbers. Returns `out`.
   */
  predictInto<T extends Numbers>(x: RowsLike, out: T): T {
    const action = 'Cannot predict';
    this.#engine.requireAlive(action);
    const { precision } = this.#engine.backend;
    if (!(out instanceof (precision === 'float32' ? Float32Array : Float64Array))) {
      const name = precision === 'float32' ? 'Float32Array' : 'Float64Array';
      throw typeError(action, `out must be a ${name} on the backend ${this.backend.id}`, out);
    }
    const rows = readInputs(action, x, this.#model, this.#engine.reader);
    const { outputs } = this.#model;
    if (out.length !== rows.count * outputs) {
      throw typeError(action, `out must hold ${rows.count} rows x ${outputs} outputs`, out);
    }
    this.#engine.predict(rows, out);
    return out;
  }

  /**
   * The class of each row: the first largest output; with one output 1 where it is at least 0.5
   * (at least 0 where the loss takes net inputs), else 0.
   */
  predictClasses(x: RowsLike): Int32Array {
    const { data, columns } = this.predict(x);
    const { includes, decides } = this.#model.loss;
    const threshold = includes || decides === 'sign' ? 0 : 0.5;
    return columns === 1 ? binaryOfRows(data, threshold) : argmaxOfRows(data, columns);
  }

  /** Everything computed on the way forward, and with targets `t` the gradients on the way back; updates nothing. */
  inspect(x: RowsLike, t?: TargetsLike, options?: InspectOptions): Inspection {
    this.#engine.requireAlive('Cannot inspect');
    this.#inspection = inspect(this.#engine, x, t, options);
    return this.#inspection;
  }

  /**
   * The computation graph of the network and its loss. After `inspect`, each node carries its value and, if there were
   * targets, its gradient, as they were then; null as argument leaves them out.
   */
  graph(inspection: Inspection | null = this.#inspection): ComputationGraph {
    this.#engine.requireAlive('Cannot make graph');
    return computationGraph(this.#model, inspection);
  }

  /** Copies of the weights (units × inputs), biases and running statistics of every layer. */
  getWeights(): LayerWeights[] {
    const { executor, plan } = this.#engine;
    this.#engine.requireAlive('Cannot get weights');
    return this.#engine.atRest(() => readLayers(executor, plan, this.#model));
  }

  /** The average of the weights and biases of every layer, with `averaging`; `setWeights` takes it as it is. */
  averageWeights(): LayerWeights[] {
    const action = 'Cannot get average weights';
    this.#engine.requireAlive(action);
    if (!this.#model.averaging) throw stateError(action, 'the trainer must have averaging', fact('none'));
    const { executor, plan } = this.#engine;
    return this.#engine.atRest(() => readLayers(executor, plan, this.#model, 'average.'));
  }

  /** Sets all weights and biases, and their average; nothing changes unless every one of them is right. */
  setWeights(list: readonly LayerWeightsLike[]): void {
    const action = 'Cannot set weights';
    this.#engine.requireAlive(action);
    const layers = checkLayers(action, list, this.#model, this.#engine.reader);
    this.#engine.revision++;
    this.#engine.atRest(() => writeLayers(this.#engine.executor, this.#engine.plan, layers, this.#model));
  }

  /** Freezes (false) or releases (true) layer `layer`, counted from 0, from the next step on. */
  setTrainable(layer: number, trainable: boolean): void {
    const action = 'Cannot set trainable';
    this.#engine.requireAlive(action);
    requireInteger(action, 'layer', layer, 0, this.#model.layers.length - 1);
    requireBoolean(action, 'trainable', trainable);
    if (this.#engine.isRunning) {
      throw stateError(action, 'no epoch may be under way', fact('a call in mid-epoch'));
    }
    const placed = this.#model.layers[layer];
    if (isMask(placed)) throw stateError(action, 'the layer must be one that learns', placed.config.type);
    placed.trainable = trainable;
    this.#engine.replan();
  }

  /**
   * Gradients of the loss of these rows, without an update. They wait for `applyGradients`, in the place of any
   * computed before.
   */
  computeGradients(x: RowsLike, t: TargetsLike): Gradients {
    this.#requireIdle('Cannot compute gradients');
    return this.#gradients.compute('Cannot compute gradients', x, t, false);
  }

  /** As `computeGradients`, added to the gradients that wait. Returns those of these rows alone. */
  accumulateGradients(x: RowsLike, t: TargetsLike): Gradients {
    this.#requireIdle('Cannot accumulate gradients');
    return this.#gradients.compute('Cannot accumulate gradients', x, t, true);
  }

  /** One optimizer step with the gradients that wait; none wait afterwards. */
  applyGradients(): void {
    this.#requireIdle('Cannot apply gradients');
    this.#gradients.apply('Cannot apply gradients');
  }

  /** A copy of everything that training changes, for `restore`. */
  snapshot(): Snapshot {
    this.#engine.requireAlive('Cannot take snapshot');
    return this.#engine.atRest(() => takeSnapshot(this.#engine));
  }

  /** Goes back to a snapshot of this trainer, or of one of the same shape on any backend. */
  restore(snapshot: Snapshot): void {
    this.#requireIdle('Cannot restore snapshot');
    restoreSnapshot('Cannot restore snapshot', this.#engine, snapshot);
  }

  /**
   * The model file: safetensors with everything that `loadTrainer` needs to go on, and that PyTorch reads as the
   * state_dict of an `nn.Sequential`. Gradients that wait for `applyGradients` are not in it. During `fit` it also tells
   * where the run stands, and `fit` with `resume: true` goes on there.
   */
  toBytes(options: SaveOptions = {}): Uint8Array<ArrayBuffer> {
    const action = 'Cannot save trainer';
    this.#engine.requireAlive(action);
    const { metadata } = checkSaveOptions(action, options);
    const capture = this.#engine.capture();
    return this.#encode(
      capture,
      this.#fit ? this.#fit.position(capture) : (this.#stored?.position ?? null),
      metadata,
    )();
  }

  /**
   * Writes the model file: in Node to a path, whole or not at all (temporary file, flush, rename); in a browser to
   * `indexeddb://name`, whole or not at all (one transaction), or as a download, `downloads://name`; everywhere to a
   * `WritableStream`, which is closed, or to a function that takes the bytes.
   */
  async save(target: SaveTarget, options: SaveOptions = {}): Promise<void> {
    await writeModel(target, this.toBytes(options), this.#platform.files);
  }

  /** A second trainer in the same state, on the same backend or another. */
  async clone(options: Pick<TrainerConfig, 'backend' | 'threads' | 'worker'> = {}): Promise<Trainer> {
    const action = 'Cannot clone trainer';
    this.#engine.requireAlive(action);
    requireKnownKeys(action, options, ['backend', 'threads', 'worker']);
    const { backend = this.backend.id } = options;
    const snapshot = this.snapshot();
    const config = { ...this.#config, ...options, seed: this.seed, backend };
    const copy = await Trainer.create(config, this.#platform);
    copy.#engine.setLearningRate(this.#engine.rateSetting);
    copy.restore(snapshot);
    for (const [layer, { trainable }] of this.layers.entries()) {
      if (copy.layers[layer].trainable !== trainable) copy.setTrainable(layer, trainable);
    }
    return copy;
  }

  /** The learning rate of the next step. */
  get learningRate(): number {
    this.#engine.requireAlive('Cannot get learning rate');
    return this.#engine.learningRate;
  }

  /** Sets the learning rate, or a schedule, from the next step on; a schedule counts the steps of the trainer. */
  setLearningRate(learningRate: LearningRate): void {
    const action = 'Cannot set learning rate';
    this.#engine.requireAlive(action);
    checkLearningRate(action, learningRate);
    this.#engine.setLearningRate(learningRate);
  }

  /** The plan that the backend executes, as text: buffers, scalars, and every program. */
  describePlan(): string {
    this.#engine.requireAlive('Cannot describe plan');
    return this.#engine.plan.toString();
  }

  /** Frees everything. A run under way ends at its next step and its promise rejects. */
  dispose(): void {
    this.#inspection = null;
    this.#engine.dispose();
    this.#fit?.control.stop();
  }

  /** What makes the bytes of a model file from a copy of the state. */
  #encode(
    capture: Capture,
    position: RunPosition | null,
    metadata = this.#metadata,
  ): () => Uint8Array<ArrayBuffer> {
    const random = this.#random.state;
    return () => encodeModel(modelState(this.#engine, capture, random, this.seed, position, metadata));
  }

  #fitHost(): FitHost {
    return {
      trainer: this,
      engine: this.#engine,
      random: this.#random,
      createProgress: this.#platform.createProgress,
      stored: this.#stored,
      encode: (capture, position) => this.#encode(capture, position),
      write: (target, bytes) => writeModel(target, bytes, this.#platform.files),
    };
  }

  #fitUnderWay(action: string): FitUnderWay {
    this.#engine.requireAlive(action);
    if (!this.#fit) throw stateError(action, 'a fit must be under way', fact('a call without one'));
    return this.#fit;
  }

  #requireNoFit(action: string): void {
    this.#engine.requireAlive(action);
    if (this.#fit) throw stateError(action, 'no other fit may be under way', fact('a call during fit'));
  }

  #requireIdle(action: string): void {
    this.#requireNoFit(action);
    if (this.#engine.isRunning)
      throw stateError(action, 'no run may be under way', fact('a call during evaluate'));
  }
}
