import type { FitCallbacks } from './callbacks/callback.js';
import type { RowsLike, TargetsLike } from './data.js';
import { type DivergencePolicy, divergencePolicies } from './divergence.js';
import {
  fact,
  rangeError,
  requireBoolean,
  requireInteger,
  requireKnownKeys,
  requireName,
  requireNumber,
  typeError,
} from './errors.js';
import { type RowWeights, rowWeightKeys } from './row-weights.js';
import { checkLearningRate, type LearningRate } from './schedules.js';
import { type SplitMode, splitModes } from './split.js';
import type { StopWhen } from './stop-when.js';

export interface FitOptions extends RowWeights {
  /** Epochs to have done at the end; default 1. */
  readonly epochs?: number;
  /** Number of the first epoch, as in Keras: `epochs - initialEpoch` are trained. Default 0. */
  readonly initialEpoch?: number;
  /** Rows per optimizer step; the last batch of an epoch may be smaller. Default 32. */
  readonly batchSize?: number;
  /** Batches in an epoch; the pass over the rows goes on from epoch to epoch. Default: one pass. */
  readonly stepsPerEpoch?: number;
  /** A new order of rows each epoch, or each pass with `stepsPerEpoch`; default true. */
  readonly shuffle?: boolean;
  /** Share of the rows, in [0, 1), kept from training and evaluated after each epoch. */
  readonly validationSplit?: number;
  /**
   * `'shuffled'` (default) takes rows at random by the seed, `'stratified'` as many of each class as its share,
   * `'last'` the last ones.
   */
  readonly validationSplitMode?: SplitMode;
  /** Indices of the rows to keep from training and evaluate after each epoch, instead of a split; see `kFold`. */
  readonly validationRows?: ArrayLike<number>;
  /** Rows to evaluate after each epoch, instead of a split. */
  readonly validationData?:
    | readonly [x: RowsLike, t: TargetsLike]
    | readonly [x: RowsLike, t: TargetsLike, sampleWeight: ArrayLike<number>];
  readonly callbacks?: FitCallbacks | readonly FitCallbacks[];
  /** Aborting ends the run at the next step; `fit` then resolves with the epochs done. */
  readonly signal?: AbortSignal;
  /** Ends the run at the first step after so many milliseconds. */
  readonly maxTimeMs?: number;
  /** Ends the run after an epoch whose loss, the validation's where there is one, is at most this. */
  readonly targetLoss?: number;
  /** Ends the run after the epoch in which a condition holds; the history says which. */
  readonly stopWhen?: StopWhen;
  /**
   * Batches whose gradients are averaged for one optimizer step; the last step of an epoch may have fewer. Default 1.
   */
  readonly accumulateBatches?: number;
  /**
   * Learning rate from this call on, as `setLearningRate` sets it. With `resume` only a function counts, which no file
   * can hold.
   */
  readonly learningRate?: LearningRate;
  /** Puts the norm of the gradient of each epoch's last step into the history; default false. */
  readonly gradientNorm?: boolean;
  /**
   * After a step whose loss or gradients are NaN or infinite: `'stop'` (default) ends the run in the state before it;
   * `'skip'` leaves that batch out; `'rollback'` goes back to the last good state of which there is a copy, at most an
   * epoch or a few small ones, and halves the learning rate; `'ignore'` trains on.
   */
  readonly divergence?: DivergencePolicy;
  /**
   * Such a divergence is also a gradient more than this many times as long as usual, the median over batches of the
   * epoch with the weights of then, and longer than 1; looked for where the losses of an epoch rise far beyond the
   * largest before. Default 1000; Infinity for none.
   */
  readonly gradientLimit?: number;
  /** Go on with the run that stands in the model file of this trainer; data and other options must be those of then. */
  readonly resume?: boolean;
  /** 1 prints a progress bar; default 0. */
  readonly verbose?: 0 | 1;
}

const optionNames = [
  ...['epochs', 'initialEpoch', 'batchSize', 'stepsPerEpoch', 'shuffle', 'validationSplit'],
  ...['validationSplitMode', 'validationRows', 'validationData', 'callbacks', 'signal', 'maxTimeMs'],
  ...['targetLoss', 'stopWhen', 'learningRate', 'accumulateBatches', 'gradientNorm', 'divergence'],
  'gradientLimit',
  ...['resume', 'verbose', ...rowWeightKeys],
];

type Optional =
  | 'stepsPerEpoch'
  | 'validationRows'
  | 'validationData'
  | 'signal'
  | 'maxTimeMs'
  | 'targetLoss'
  | 'stopWhen'
  | 'learningRate'
  | keyof RowWeights;

export type CheckedOptions = Required<Omit<FitOptions, Optional | 'callbacks'>> &
  Pick<FitOptions, Optional> & { readonly callbacks: readonly FitCallbacks[] };

/** Throws unless everything that can be told without the data is right. */
export function checkFitOptions(action: string, options: FitOptions): CheckedOptions {
  requireKnownKeys(action, options, optionNames);
  const { callbacks = [], ...given } = options;
  const checked = {
    epochs: 1,
    initialEpoch: 0,
    batchSize: 32,
    shuffle: true,
    validationSplit: 0,
    validationSplitMode: 'shuffled' as SplitMode,
    accumulateBatches: 1,
    gradientNorm: false,
    divergence: 'stop' as DivergencePolicy,
    gradientLimit: 1000,
    resume: false,
    verbose: 0 as 0 | 1,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    callbacks: Array.isArray(callbacks) ? callbacks : [callbacks as FitCallbacks],
  } as CheckedOptions;
  const { epochs, batchSize, validationSplit, validationData, validationRows, signal, verbose } = checked;
  requireInteger(action, 'epochs', epochs, 1);
  requireInteger(action, 'initialEpoch', checked.initialEpoch, 0, epochs - 1);
  requireInteger(action, 'batchSize', batchSize, 1);
  requireInteger(action, 'accumulateBatches', checked.accumulateBatches, 1);
  if (checked.stepsPerEpoch !== undefined) requireInteger(action, 'stepsPerEpoch', checked.stepsPerEpoch, 1);
  if (checked.maxTimeMs !== undefined) requireInteger(action, 'maxTimeMs', checked.maxTimeMs, 1);
  if (checked.targetLoss !== undefined) requireNumber(action, 'targetLoss', checked.targetLoss);
  for (const name of ['shuffle', 'gradientNorm', 'resume'] as const)
    requireBoolean(action, name, checked[name]);
  requireNumber(action, 'validationSplit', validationSplit, 'in [0, 1)', (share) => share >= 0 && share < 1);
  requireName(action, 'validationSplitMode', checked.validationSplitMode, splitModes);
  requireName(action, 'divergence', checked.divergence, divergencePolicies);
  if (checked.gradientLimit !== Number.POSITIVE_INFINITY)
    requireNumber(action, 'gradientLimit', checked.gradientLimit, '> 1', (limit) => limit > 1);
  const isData =
    Array.isArray(validationData) && (validationData.length === 2 || validationData.length === 3);
  if (validationData !== undefined && !isData) {
    const rule = 'validationData must be [inputs, targets] or [inputs, targets, sampleWeight]';
    throw typeError(action, rule, validationData);
  }
  if (validationRows !== undefined && (validationData !== undefined || validationSplit > 0)) {
    throw typeError(action, 'validationRows must come without validationData and validationSplit', options);
  }
  for (const callback of checked.callbacks) checkCallback(action, callback);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw typeError(action, 'signal must be an AbortSignal', signal);
  }
  if (checked.learningRate !== undefined) checkLearningRate(action, checked.learningRate);
  if (verbose !== 0 && verbose !== 1) throw rangeError(action, 'verbose must be 0 or 1', verbose);
  return checked;
}

const handlerNames = [
  ...['onTrainBegin', 'onEpochBegin', 'onEpochEnd', 'onBatchEnd', 'onSteps', 'onInterval', 'onTrainEnd'],
  ...['getState', 'setState'],
];
const periods = { everySteps: 'onSteps', everyMs: 'onInterval' } as const;

function checkCallback(action: string, callback: FitCallbacks): void {
  requireKnownKeys(`${action}: callbacks`, callback, [...handlerNames, ...Object.keys(periods)]);
  for (const name of handlerNames) {
    const handler = callback[name as keyof FitCallbacks];
    if (handler !== undefined && typeof handler !== 'function') {
      throw typeError(action, `callbacks.${name} must be a function`, handler);
    }
  }
  for (const [period, handler] of Object.entries(periods) as ['everySteps', 'onSteps'][]) {
    const every = callback[period];
    if ((every === undefined) !== (callback[handler] === undefined)) {
      throw typeError(action, `callbacks.${handler} and ${period} must come together`, fact('one of them'));
    }
    if (every !== undefined) requireInteger(action, `callbacks.${period}`, every, 1);
  }
}
