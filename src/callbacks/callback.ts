import type { Numbers } from '../backends/backend.js';
import type { Metrics } from '../engine.js';
import type { EpochLogs } from '../history.js';
import type { SaveTarget } from '../model-storage.js';
import type { Snapshot } from '../snapshot.js';
import type { Trainer } from '../trainer.js';

/** What `onBatchEnd` gets: the batches and rows of the epoch done so far, and the metrics over those rows. */
export interface BatchLogs extends Metrics {
  readonly batch: number;
  readonly size: number;
  readonly rows: number;
}

/** Why a callback ends a run. */
export type CallbackReason = 'stopped' | 'earlyStopping' | 'terminateOnNaN';

/** The run that a callback belongs to. */
export interface FitContext {
  readonly trainer: Trainer;
  /** Epochs done, those before `initialEpoch` included. */
  readonly epoch: number;
  /** Optimizer steps done by this run. */
  readonly step: number;
  /** Learning rate of the next step; `trainer.setLearningRate` changes it. */
  readonly learningRate: number;
  /** Seconds that the last epoch took, without its validation; 0 before there is one. */
  readonly seconds: number;
  /** Whether the run goes on from a checkpoint. */
  readonly isResumed: boolean;
  /** Ends the run after the epoch under way, or at the next step. */
  stop(reason?: CallbackReason): void;
  snapshot(): Snapshot;
  /** Goes back to a snapshot; between epochs only. */
  restore(snapshot: Snapshot): void;
  /**
   * Writes a checkpoint from which the run can go on. The state is copied at once, or, during `onEpochEnd`, when all
   * callbacks have been called; it is written while the run goes on. A failure to write rejects `fit`.
   */
  save(target: SaveTarget): void;
}

/** What a callback has to remember where a run is resumed. */
export type CallbackState = Readonly<Record<string, number | Numbers>>;

/** Called during `fit`; a promise is waited for, an error ends the run and rejects `fit`. */
export interface FitCallbacks {
  onTrainBegin?(context: FitContext): unknown;
  onEpochBegin?(epoch: number, context: FitContext): unknown;
  onEpochEnd?(epoch: number, logs: EpochLogs, context: FitContext): unknown;
  /** At most about twenty times a second, and at the end of each epoch. */
  onBatchEnd?(batch: number, logs: BatchLogs, context: FitContext): unknown;
  /** After every `everySteps` optimizer steps of the run exactly, with no step running. */
  onSteps?(step: number, context: FitContext): unknown;
  readonly everySteps?: number;
  /** About every `everyMs` milliseconds, in the middle of an epoch. */
  onInterval?(context: FitContext): unknown;
  readonly everyMs?: number;
  /** The run has ended without an error. */
  onTrainEnd?(context: FitContext): unknown;
  /** What checkpoints keep for `setState`, which is called before `onTrainBegin` when the run is resumed. */
  getState?(): CallbackState;
  setState?(state: CallbackState): void;
}
