import type { BatchLogs, FitCallbacks, FitContext } from './callbacks/callback.js';
import type { EpochLogs } from './history.js';
import { batchesBefore, type JobState, type Stepping, updatesBefore } from './job.js';
import type { Progress } from './progress.js';

/** Tells the callbacks of a run, in their order, and its progress bar how it gets on. */
export class Watch {
  progress: Progress | null = null;
  readonly #callbacks: readonly FitCallbacks[];
  readonly #context: FitContext;
  readonly #periods: readonly number[];

  constructor(callbacks: readonly FitCallbacks[], context: FitContext) {
    this.#callbacks = callbacks;
    this.#context = context;
    this.#periods = callbacks.flatMap(({ everySteps }) => everySteps ?? []);
  }

  /** Somebody wants to be told of each epoch. */
  get ofEpochs(): boolean {
    const tells = ({ onEpochBegin, onEpochEnd, onBatchEnd }: FitCallbacks): boolean =>
      Boolean(onEpochBegin ?? onEpochEnd ?? onBatchEnd);
    return this.progress !== null || this.#callbacks.some(tells);
  }

  /** Somebody wants to be told before the first step. */
  get ofBegin(): boolean {
    return this.#callbacks.some(({ onTrainBegin, onEpochBegin }) => Boolean(onTrainBegin ?? onEpochBegin));
  }

  /** Somebody wants to be told in the middle of an epoch. */
  get ofBatches(): boolean {
    return this.progress !== null || this.#callbacks.some(({ onBatchEnd }) => onBatchEnd !== undefined);
  }

  async trainBegin(): Promise<void> {
    for (const callback of this.#callbacks) await callback.onTrainBegin?.(this.#context);
  }

  async trainEnd(): Promise<void> {
    for (const callback of this.#callbacks) await callback.onTrainEnd?.(this.#context);
  }

  async epochBegin(epoch: number): Promise<void> {
    for (const callback of this.#callbacks) await callback.onEpochBegin?.(epoch, this.#context);
  }

  async epochEnd(epoch: number, logs: EpochLogs): Promise<void> {
    this.progress?.endEpoch(logs);
    for (const callback of this.#callbacks) await callback.onEpochEnd?.(epoch, logs, this.#context);
  }

  async batchEnd(epoch: number, logs: BatchLogs): Promise<void> {
    const { loss, accuracy, rows, batch } = logs;
    this.progress?.update({ epoch, rows, loss, ...(accuracy === undefined ? {} : { accuracy }) });
    for (const callback of this.#callbacks) await callback.onBatchEnd?.(batch, logs, this.#context);
  }

  /** How to cut a job that begins after `before` batches of the run, so that `onSteps` is called between its parts. */
  cuts(
    stepping: Stepping,
    before: number,
  ): {
    partSteps?: (done: number) => number;
    partEnded?: (state: JobState) => Promise<void>;
  } {
    if (this.#periods.length === 0) return {};
    return {
      partSteps: (done) => {
        const step = updatesBefore(stepping, before + done);
        const next = Math.min(...this.#periods.map((every) => step + every - (step % every)));
        return batchesBefore(stepping, next) - before - done;
      },
      partEnded: async ({ done }) => {
        const step = updatesBefore(stepping, before + done);
        if (batchesBefore(stepping, step) !== before + done) return;
        await this.stepEnd(step);
      },
    };
  }

  /** `step` optimizer steps of the run are done, and none is running. */
  async stepEnd(step: number): Promise<void> {
    for (const callback of this.#callbacks) {
      if (step % (callback.everySteps ?? Number.POSITIVE_INFINITY) === 0)
        await callback.onSteps?.(step, this.#context);
    }
  }

  /** Begins to call `onInterval`; returns what ends it. A failure goes to `failed`. */
  startIntervals(failed: (reason: unknown) => void): () => void {
    const timers = this.#callbacks.map((callback) =>
      callback.everyMs === undefined
        ? undefined
        : setInterval(() => {
            void Promise.resolve(this.#context)
              .then((context) => callback.onInterval?.(context))
              .catch(failed);
          }, callback.everyMs),
    );
    return () => timers.forEach(clearInterval);
  }
}
