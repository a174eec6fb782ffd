import { type BatchLogs, createTrainer, type Trainer } from 'fastmlp';
import { type DataSet, type Part, rowOf } from '../data/data-set.js';
import { randomFrom } from '../data/random.js';
import { shuffle } from '../data/shuffle.js';
import { RunHistory } from './history.js';
import { accuracyOf, type Measured, type MeasuredNetwork, measure, perRow } from './measure.js';
import { optimizerOf, trainerConfig } from './network.js';
import type { State } from './state.js';
import { encodeTargets, type Targets, targetForm } from './task.js';

/** Epochs a second, or as many as the machine can. */
export type Pace = 5 | 30 | 200 | 'full';

/** A call of `fit` aims at this long, so that the page can change rates and data in between. */
const CHUNK_MS = 60;
/** Rows that a call of `fit` goes through at most: their order is drawn at its beginning, in one go. */
const MAXIMUM_ROWS = 2 ** 15;
/** Rows over which a mean is worth a point of the curves. */
const MINIMUM_REPORT = 500;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One network in training: plays, steps, and measures. Everything shown on the page is read from here. */
export class Runner {
  readonly history = new RunHistory();
  /** Epochs done, with the part of the one under way. */
  epoch = 0;
  samplesPerSecond: number | null = null;
  pace: Pace = 30;
  #trainer: Trainer | null = null;
  #state: State;
  #data: DataSet;
  #targets: Targets = new Float32Array();
  #testTargets: Targets | null = null;
  #abort: AbortController | null = null;
  #playing: Promise<void> | null = null;
  #building: Promise<void> = Promise.resolve();
  #order: Uint32Array = new Uint32Array();
  #position = 0;
  #epochsAtOnce = 1;
  /** Means over the last rows of an epoch that is reported in parts. */
  #recent: Measured | null = null;
  #nextRandom: () => number = randomFrom(0);
  readonly #changed: () => void;
  readonly #failed: (error: Error) => void;

  /** `changed` is called when numbers or the playing state change, `failed` with what went wrong while training. */
  constructor(state: State, data: DataSet, changed: () => void, failed: (error: Error) => void) {
    this.#state = state;
    this.#data = data;
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
    return this.#playing !== null;
  }

  get classCount(): number | null {
    return this.#data.classes?.length ?? null;
  }

  /** Begins anew, with no history: weights from the seed, or a trainer that `create` makes. Rejects if the configuration is wrong; the old network stays. */
  build(
    state: State,
    data: DataSet,
    create: () => Promise<Trainer> = () => createTrainer(trainerConfig(state, data)),
  ): Promise<void> {
    const built = this.#building.then(async () => {
      await this.pause();
      const trainer = await create();
      this.#trainer?.dispose();
      this.#trainer = trainer;
      this.#state = state;
      this.#nextRandom = randomFrom(state.seed);
      this.#epochsAtOnce = 1;
      this.epoch = trainer.epochs;
      this.samplesPerSecond = null;
      this.history.clear();
      this.setData(data);
      await this.#measureStart();
      this.#changed();
    });
    this.#building = built.catch(() => undefined);
    return built;
  }

  /** Takes what may change during a run: learning rate and batch size. */
  adjust(state: State): void {
    if (state.learningRate !== this.#state.learningRate) {
      this.#trainer?.setLearningRate(optimizerOf(state).learningRate);
    }
    this.#state = state;
  }

  /** Other rows of the same shape, from the next call of `fit` on. */
  setData(data: DataSet): void {
    this.#data = data;
    const form = targetForm(this.#state, this.classCount);
    this.#targets = encodeTargets(data.train.y, form, this.classCount);
    this.#testTargets = data.test ? encodeTargets(data.test.y, form, this.classCount) : null;
    this.#order = new Uint32Array();
    this.#position = 0;
  }

  play(): void {
    if (this.#playing || !this.#trainer) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#playing = this.#run(this.#trainer, abort.signal)
      .catch((error: Error) => this.#failed(error))
      .finally(() => {
        this.#playing = null;
        this.#changed();
      });
    this.#changed();
  }

  /** Resolves when no step is under way. */
  async pause(): Promise<void> {
    this.#abort?.abort();
    await this.#playing;
  }

  /** One optimizer step on the next batch of an order drawn by the seed. Returns the rows of the batch. */
  async stepBatch(): Promise<Uint32Array> {
    await this.pause();
    await this.#building;
    const { train } = this.#data;
    if (!this.#trainer || train.count === 0) return new Uint32Array();
    if (this.#position >= this.#order.length) this.#drawOrder();
    const rows = this.#order.slice(this.#position, this.#position + this.#state.batchSize);
    this.#position += rows.length;
    const { loss: reduced, accuracy = null } = this.#trainer.trainBatch(...this.#gathered(rows));
    const loss = perRow(this.#state, reduced, rows.length);
    this.epoch += rows.length / train.count;
    const test = await this.#measureTest();
    this.history.add({ epoch: this.epoch, loss, accuracy, ...test });
    this.#requireFinite(loss);
    this.#changed();
    return rows;
  }

  /** Targets of rows of the training or test part, as the trainer takes them. */
  targetsOf(part: 'train' | 'test', row: number): Targets {
    const targets = part === 'train' ? this.#targets : (this.#testTargets as Targets);
    const source = part === 'train' ? this.#data.train : (this.#data.test as Part);
    const width = targets.length / source.count;
    return targets.slice(row * width, (row + 1) * width);
  }

  dispose(): void {
    this.#abort?.abort();
    this.#trainer?.dispose();
    this.#trainer = null;
  }

  async #run(trainer: Trainer, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#data.train.count === 0)
        throw new Error('There is nothing to train on: draw some points first.');
      const began = performance.now();
      const epochs = this.#epochsNow();
      await this.#fit(trainer, epochs, signal);
      if (signal.aborted || this.pace === 'full' || this.#data.imageSize !== null) continue;
      const due = (epochs / this.pace) * 1000 - (performance.now() - began);
      await sleep(Math.max(0, due));
    }
  }

  #epochsNow(): number {
    if (this.#data.imageSize !== null) return 1;
    return this.pace === 'full' ? this.#epochsAtOnce : Math.max(1, Math.round(this.pace / 20));
  }

  async #fit(trainer: Trainer, epochs: number, signal: AbortSignal): Promise<void> {
    const { train, imageSize } = this.#data;
    const { batchSize } = this.#state;
    const first = this.epoch;
    this.#recent = null;
    const began = performance.now();
    const callbacks = imageSize === null ? {} : { onBatchEnd: this.#progressOf(first, began) };
    const { epoch, history } = await trainer.fit(train.x, this.#targets, {
      epochs,
      batchSize,
      signal,
      callbacks,
    });
    const elapsed = performance.now() - began;
    if (epoch.length === 0) return;
    this.#noteSpeed((epoch.length * train.count) / (elapsed / 1000));
    if (elapsed < CHUNK_MS / 2)
      this.#epochsAtOnce = Math.max(
        1,
        Math.min(Math.floor(MAXIMUM_ROWS / train.count), this.#epochsAtOnce * 2),
      );
    else if (elapsed > CHUNK_MS * 2) this.#epochsAtOnce = Math.max(1, this.#epochsAtOnce >> 1);
    this.epoch = first + epoch.length;
    if (this.#data.train !== train) return;
    const last = {
      loss: perRow(this.#state, history.loss.at(-1) as number, train.count),
      accuracy: history.accuracy?.at(-1) ?? null,
    };
    const { loss, accuracy } = this.#recent ?? {
      ...last,
      accuracy: last.accuracy ?? (await accuracyOf(this.#measured, train)),
    };
    this.history.add({ epoch: this.epoch, loss, accuracy, ...(await this.#measureTest()) });
    this.#requireFinite(loss);
    this.#changed();
  }

  /** Adds the means since the last report, where an epoch takes long. */
  #progressOf(first: number, began: number): (batch: number, logs: BatchLogs) => void {
    let [rows, loss, right] = [0, 0, 0];
    return (_, logs) => {
      const { count } = this.#data.train;
      const added = logs.rows - rows;
      this.epoch = first + logs.rows / count;
      this.#noteSpeed(logs.rows / ((performance.now() - began) / 1000));
      if (added < Math.min(MINIMUM_REPORT, count)) return;
      const lossNow = perRow(this.#state, logs.loss, logs.rows) * logs.rows;
      const rightNow = (logs.accuracy ?? 0) * logs.rows;
      this.#recent = {
        loss: (lossNow - loss) / added,
        accuracy: logs.accuracy === undefined ? null : (rightNow - right) / added,
      };
      if (logs.rows < count) {
        this.history.add({ epoch: this.epoch, ...this.#recent, testLoss: null, testAccuracy: null });
      }
      [rows, loss, right] = [logs.rows, lossNow, rightNow];
      this.#changed();
    };
  }

  async #measureStart(): Promise<void> {
    const { train } = this.#data;
    if (train.count === 0) return;
    try {
      const { loss, accuracy } = await measure(this.#measured, train, this.#targets);
      this.history.add({ epoch: this.epoch, loss, accuracy, ...(await this.#measureTest()) });
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  async #measureTest(): Promise<{ testLoss: number | null; testAccuracy: number | null }> {
    const { test } = this.#data;
    if (!test || !this.#testTargets) return { testLoss: null, testAccuracy: null };
    const { loss, accuracy } = await measure(this.#measured, test, this.#testTargets);
    return { testLoss: loss, testAccuracy: accuracy };
  }

  get #measured(): MeasuredNetwork {
    return { trainer: this.#trainer as Trainer, state: this.#state, classes: this.classCount };
  }

  #noteSpeed(now: number): void {
    this.samplesPerSecond = this.samplesPerSecond === null ? now : 0.8 * this.samplesPerSecond + 0.2 * now;
  }

  #requireFinite(loss: number): void {
    if (Number.isFinite(loss)) return;
    throw new Error('The loss is no longer a number: lower the learning rate and reset.');
  }

  #drawOrder(): void {
    const order = Uint32Array.from({ length: this.#data.train.count }, (_, row) => row);
    shuffle(order, this.#nextRandom);
    this.#order = order;
    this.#position = 0;
  }

  #gathered(rows: Uint32Array): [Float32Array | Uint8Array, Targets] {
    const { train, columns } = this.#data;
    const x = train.x.slice(0, rows.length * columns.length);
    const width = this.#targets.length / train.count;
    const t = this.#targets.slice(0, rows.length * width);
    rows.forEach((row, index) => {
      x.set(rowOf(train, row), index * columns.length);
      t.set(this.#targets.subarray(row * width, (row + 1) * width), index * width);
    });
    return [x, t];
  }
}
