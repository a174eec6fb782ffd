import type { RowsLike, TargetsLike } from './data.js';
import type { Metrics } from './engine.js';
import {
  rangeError,
  requireInteger,
  requireKnownKeys,
  requireName,
  requireNumber,
  typeError,
} from './errors.js';
import type { EpochLogs } from './history.js';
import { checkLearningRate } from './optimizers.js';
import type { StopWhen } from './stop-when.js';

/** What `onBatchEnd` gets: the batches and rows of the epoch done so far, and the metrics over those rows. */
export interface BatchLogs extends Metrics {
  readonly batch: number;
  readonly size: number;
  readonly rows: number;
}

/** Called during `fit`; a promise is waited for, an error ends the run and rejects `fit`. */
export interface FitCallbacks {
  onEpochBegin?(epoch: number): unknown;
  onEpochEnd?(epoch: number, logs: EpochLogs): unknown;
  /** At most about twenty times a second, and at the end of each epoch. */
  onBatchEnd?(batch: number, logs: BatchLogs): unknown;
}

export interface FitOptions {
  /** Default 1. */
  readonly epochs?: number;
  /** Rows per optimizer step; the last batch of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** A new order of rows each epoch; default true. */
  readonly shuffle?: boolean;
  /** Share of the rows, in [0, 1), kept from training and evaluated after each epoch. */
  readonly validationSplit?: number;
  /** `'shuffled'` (default) takes rows at random by the seed, `'last'` the last ones. */
  readonly validationSplitMode?: 'shuffled' | 'last';
  /** Rows to evaluate after each epoch, instead of a split. */
  readonly validationData?: readonly [x: RowsLike, t: TargetsLike];
  readonly callbacks?: FitCallbacks;
  /** Aborting ends the run at the next step; `fit` then resolves with the epochs done. */
  readonly signal?: AbortSignal;
  /** Ends the run after the epoch in which a condition holds; the history says which. */
  readonly stopWhen?: StopWhen;
  /** Learning rate from this call on, as `setLearningRate` sets it. */
  readonly learningRate?: number;
  /** 1 prints a progress bar; default 0. */
  readonly verbose?: 0 | 1;
}

const action = 'Cannot fit';

const optionNames = [
  ...['epochs', 'batchSize', 'shuffle', 'validationSplit', 'validationSplitMode', 'validationData'],
  ...['callbacks', 'signal', 'stopWhen', 'learningRate', 'verbose'],
];

type Optional = 'signal' | 'validationData' | 'stopWhen' | 'learningRate';

export type CheckedOptions = Required<Omit<FitOptions, Optional>> & Pick<FitOptions, Optional>;

export function checkFitOptions(options: FitOptions): CheckedOptions {
  requireKnownKeys(action, options, optionNames);
  const {
    epochs = 1,
    batchSize = 32,
    shuffle = true,
    validationSplit = 0,
    validationSplitMode = 'shuffled',
  } = options;
  const { validationData, callbacks = {}, signal, stopWhen, learningRate, verbose = 0 } = options;
  requireInteger(action, 'epochs', epochs, 1);
  requireInteger(action, 'batchSize', batchSize, 1);
  if (typeof shuffle !== 'boolean') throw typeError(action, 'shuffle must be a boolean', shuffle);
  requireNumber(action, 'validationSplit', validationSplit, 'in [0, 1)', (share) => share >= 0 && share < 1);
  requireName(action, 'validationSplitMode', validationSplitMode, ['shuffled', 'last']);
  if (validationData !== undefined && (!Array.isArray(validationData) || validationData.length !== 2)) {
    throw typeError(action, 'validationData must be [inputs, targets]', validationData);
  }
  requireKnownKeys(`${action}: callbacks`, callbacks, ['onEpochBegin', 'onEpochEnd', 'onBatchEnd']);
  for (const [name, callback] of Object.entries(callbacks)) {
    if (callback !== undefined && typeof callback !== 'function') {
      throw typeError(action, `callbacks.${name} must be a function`, callback);
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw typeError(action, 'signal must be an AbortSignal', signal);
  }
  if (learningRate !== undefined) checkLearningRate(action, learningRate);
  if (verbose !== 0 && verbose !== 1) throw rangeError(action, 'verbose must be 0 or 1', verbose);
  return {
    ...{ epochs, batchSize, shuffle, validationSplit, validationSplitMode, validationData },
    ...{ callbacks, signal, stopWhen, learningRate, verbose },
  };
}
