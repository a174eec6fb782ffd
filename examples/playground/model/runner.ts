import { type BatchLogs, createTrainer, type FitCallbacks, type Trainer } from 'fastmlp';
import type { DataSet } from '../data/data-set.js';
import { Batches, gathered } from './batches.js';
import { EncodedTargets } from './encoded.js';
import { RunHistory } from './history.js';
import { type MeasuredNetwork, measure, perRow, RecentMeans } from './measure.js';
import { optimizerOf, trainerConfig } from './network.js';
import type { State } from './state.js';
import type { Targets } from './task.js';
import { type Pace, Tempo } from './tempo.js';

/** Epochs of one call of `fit`, whose history grows with them; another one follows. */
const EPOCHS_A_FIT = 200_000;
/** How often the curves get a point, at most. */
const REPORT_MS = 60;
/** Of more rows the loss is not measured anew for each point: it is the mean over the rows since the last one. */
const MEASURED_ROWS = 4000;
/** Rows over which a mean is worth a point. */
const MINIMUM_REPORT = 500;

/** One network in training: plays, pauses, steps, and measures. Everything shown on the page is read from here. */
export class Runner {
  readonly history = new RunHistory();
  readonly #tempo = new Tempo();
  #trainer: Trainer | null = null;
  #state: State;
  #data: DataSet;
  #targets: EncodedTargets;
  #batches = new Batches(0, 0);
  #isPlaying = false;
  /** The call of `fit` under way, paused or not. */
  #fit: Promise<void> | null = null;
  /** Resolves when nobody needs the call to rest any more. */
  #resting: Promise<void> = Promise.resolve();
  #building: Promise<void> = Promise.resolve();
  /** Epochs done when the trainer had done `steps`, since when batches and rows are what they are. */
  #origin = { epoch: 0, steps: 0 };
  readonly #changed: () => void;
  readonly #failed: (error: Error) => void;

  /** `changed` is called when numbers or the playing state change, `failed` with what went wrong while training. */
  constructor(state: State, data: DataSet, changed: () => void, failed: (error: Error) => void) {
    this.#state = state;
    this.#data = data;
    this.#targets = new EncodedTargets(state, data);
    this.#changed = changed;
    this.#failed = failed;
  }

  get trainer(): Trainer | null {
    return this.#trainer;
  }

  get data(): DataSet {
    return this.#data;
  }

  get state(): State {
    return this.#state;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  get classCount(): number | null {
    return this.#data.classes?.length ?? null;
  }

  get samplesPerSecond(): number | null {
    return this.#tempo.samplesPerSecond;
  }

  get pace(): Pace {
    return this.#tempo.pace;
  }

  /** Epochs done, with the part of the one under way. */
  get epoch(): number {
    const { epoch, steps } = this.#origin;
    return this.#trainer ? epoch + (this.#trainer.steps - steps) / this.#stepsPerEpoch : epoch;
  }

  /** Begins anew, with no history: weights from the seed, or a trainer that `create` makes. Rejects if the configuration is wrong; the old network stays. */
  build(
    state: State,
    data: DataSet,
    create: () => Promise<Trainer> = () => createTrainer(trainerConfig(state, data)),
  ): Promise<void> {
    const built = this.#building.then(async () => {
      await this.stop();
      const trainer = await create();
      this.#trainer?.dispose();
      this.#trainer = trainer;
      this.#origin = { epoch: trainer.epochs, steps: trainer.steps };
      this.#tempo.clear();
      this.history.clear();
      this.#take(state, data);
      this.#batches = new Batches(data.train.count, state.seed);
      if (data.train.count > 0) await this.#report().catch(this.#failed);
      this.#changed();
    });
    this.#building = built.catch(() => undefined);
    return built;
  }

  /** Takes another learning rate or batch size, or other rows of the same shape, and goes on. */
  async adjust(state: State, data: DataSet): Promise<void> {
    if (state.learningRate !== this.#state.learningRate)
      this.#trainer?.setLearningRate(optimizerOf(state).learningRate);
    if (state.batchSize === this.#state.batchSize && data === this.#data) this.#state = state;
    else await this.#between(() => this.#take(state, data));
  }

  /** Epochs a second, from now on. */
  async setPace(pace: Pace): Promise<void> {
    const isOther = (pace === 'full') !== (this.#tempo.pace === 'full');
    const change = (): void => {
      this.#tempo.pace = pace;
    };
    if (isOther) await this.#between(change);
    else change();
  }

  /** Begins a call of `fit`, or lets a paused one go on. */
  play(): void {
    const trainer = this.#trainer;
    if (this.#isPlaying || !trainer) return;
    this.#isPlaying = true;
    this.#tempo.begin(trainer.steps);
    if (this.#fit) trainer.resume();
    else {
      this.#fit = this.#train(trainer)
        .catch(this.#failed)
        .finally(() => {
          this.#fit = null;
          this.#isPlaying = false;
          this.#changed();
        });
    }
    this.#changed();
  }

  /** Resolves when no step is under way. The call of `fit` stays, for `play` to go on with. */
  async pause(): Promise<void> {
    if (!this.#isPlaying) return;
    const paused = this.#direct('pause');
    this.#isPlaying = false;
    await paused;
    await this.#resting;
    if (this.#fit && !this.#isLarge) await this.#report().catch(this.#failed);
    this.#changed();
  }

  /**
   * Calls `body` while no step is running, so that what it asks of the network is answered at once: a page may not wait
   * for a worker but by turning in circles. One after the other.
   */
  rest(body: () => unknown): Promise<void> {
    const rested = this.#resting.then(async () => {
      await this.#direct('pause');
      try {
        await body();
      } finally {
        await this.#direct('resume');
      }
    });
    this.#resting = rested.catch(() => undefined);
    return rested;
  }

  /** Ends the call of `fit`. */
  async stop(): Promise<void> {
    this.#isPlaying = false;
    if (this.#fit) this.#trainer?.stop();
    await this.#fit;
    await this.#resting;
  }

  /** One optimizer step on the next batch of an order drawn by the seed. Returns the rows of the batch. */
  async stepBatch(): Promise<Uint32Array> {
    await this.stop();
    await this.#building;
    const { train } = this.#data;
    if (!this.#trainer || train.count === 0) return new Uint32Array();
    const rows = this.#batches.next(this.#state.batchSize);
    const batch = gathered(train, this.#targets.train, rows);
    const { loss: reduced, accuracy = null } = this.#trainer.trainBatch(...batch);
    const loss = perRow(this.#state, reduced, rows.length);
    this.history.add({ epoch: this.epoch, loss, accuracy, ...(await this.#measureTest()) });
    this.#changed();
    if (!Number.isFinite(loss))
      throw new Error('The loss is no longer a number: lower the learning rate and reset.');
    return rows;
  }

  /** Targets of a row of the training or test part, as the trainer takes them. */
  targetsOf(part: 'train' | 'test', row: number): Targets {
    return this.#targets.of(part, row);
  }

  get #stepsPerEpoch(): number {
    return Math.max(1, Math.ceil(this.#data.train.count / this.#state.batchSize));
  }

  get #isLarge(): boolean {
    return this.#data.imageSize !== null || this.#data.train.count > MEASURED_ROWS;
  }

  /** Calls `body` between two calls of `fit`. */
  async #between(body: () => void): Promise<void> {
    const wasPlaying = this.#isPlaying;
    await this.stop();
    body();
    if (wasPlaying && this.#data.train.count > 0) this.play();
  }

  #take(state: State, data: DataSet): void {
    this.#origin = { epoch: this.epoch, steps: this.#trainer?.steps ?? 0 };
    if (data !== this.#data) this.#batches = new Batches(data.train.count, state.seed);
    this.#state = state;
    this.#data = data;
    this.#targets = new EncodedTargets(state, data);
  }

  async #train(trainer: Trainer): Promise<void> {
    const { train } = this.#data;
    if (train.count === 0) throw new Error('There is nothing to train on: draw some points first.');
    for (;;) {
      const { reason, divergence } = await trainer.fit(train.x, this.#targets.train, {
        epochs: EPOCHS_A_FIT,
        batchSize: this.#state.batchSize,
        callbacks: this.#callbacks(),
      });
      if (divergence) {
        const { message } = divergence;
        throw new Error(`${message[0].toUpperCase()}${message.slice(1)}. Lower the learning rate and reset.`);
      }
      if (reason !== 'completed') return;
    }
  }

  /** Many epochs run as one where nobody has to be told of each: at full speed it is looked at now and then. */
  #callbacks(): FitCallbacks {
    const onEpochEnd = () => this.#endEpoch();
    const means = new RecentMeans();
    if (this.#isLarge) return { onBatchEnd: (_, logs) => this.#addMeans(means, logs), onEpochEnd };
    return this.#tempo.pace === 'full'
      ? { everyMs: REPORT_MS, onInterval: () => this.#look() }
      : { onEpochEnd };
  }

  async #endEpoch(): Promise<void> {
    if (this.#isLarge) {
      const { epoch } = this;
      this.history.add({ epoch, loss: null, accuracy: null, ...(await this.#measureTest()) });
    } else if (this.#tempo.isReportDue(REPORT_MS)) await this.#report();
    if (this.#data.imageSize === null) await this.#tempo.wait();
  }

  /** A point of the curves in the middle of an epoch that takes long. */
  #addMeans(means: RecentMeans, logs: BatchLogs): void {
    const point = means.next(this.#state, logs, MINIMUM_REPORT);
    if (!point) return;
    this.#noteSpeed();
    this.history.add({ epoch: this.epoch, ...point, testLoss: null, testAccuracy: null });
    this.#changed();
  }

  /** A point of the curves in the middle of a run. */
  async #look(): Promise<void> {
    if (this.#isPlaying && this.#tempo.isReportDue(REPORT_MS)) await this.rest(() => this.#report());
  }

  /** Pauses or resumes the call of `fit` unless it is to be at rest anyway, or has just ended. */
  async #direct(what: 'pause' | 'resume'): Promise<void> {
    const trainer = this.#trainer;
    const hasEnded = (): undefined => undefined;
    if (this.#isPlaying && this.#fit) await (async () => trainer?.[what]())().catch(hasEnded);
  }

  /** A point of the curves for the network as it is. */
  async #report(): Promise<void> {
    const { train } = this.#data;
    const epoch = this.epoch;
    this.#noteSpeed();
    const { loss, accuracy } = await measure(this.#measured, train, this.#targets.train);
    const test = await this.#measureTest();
    // What has diverged is found by the run itself, which goes back to the state before.
    if (Number.isFinite(loss)) this.history.add({ epoch, loss, accuracy, ...test });
    this.#tempo.begin(this.#trainer?.steps ?? 0);
    this.#changed();
  }

  #noteSpeed(): void {
    this.#tempo.note(this.#trainer?.steps ?? 0, this.#data.train.count / this.#stepsPerEpoch);
  }

  async #measureTest(): Promise<{ testLoss: number | null; testAccuracy: number | null }> {
    const { test } = this.#data;
    if (!test || !this.#targets.test) return { testLoss: null, testAccuracy: null };
    const { loss, accuracy } = await measure(this.#measured, test, this.#targets.test);
    return { testLoss: loss, testAccuracy: accuracy };
  }

  get #measured(): MeasuredNetwork {
    return { trainer: this.#trainer as Trainer, state: this.#state, classes: this.classCount };
  }
}
