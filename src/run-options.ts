import { fact, stateError } from './errors.js';
import type { CheckedOptions } from './fit-options.js';
import { crc32 } from './io/crc32.js';
import type { RunOptions, RunPosition } from './run-position.js';

/** Where a run of a model file stands, and what checks that another call of `fit` can go on there. */
export interface StoredRun
  extends Pick<typeof import('./resume.js'), 'requireSameRun' | 'requireSameStream'> {
  readonly position: RunPosition;
}

/** The run to go on with; throws unless there is one. */
export function requireStored(action: string, run: StoredRun | null): StoredRun {
  if (run) return run;
  const rule = 'resume needs a trainer loaded from a model file that was written during fit';
  throw stateError(action, rule, fact('a trainer without a run'));
}

/** What of the options decides which steps a run makes. */
export function runOptionsOf(options: CheckedOptions, isStream = false): RunOptions {
  const { validationRows, validationData, stepsPerEpoch = null } = options;
  const rows = validationRows && new Uint8Array(Uint32Array.from(validationRows).buffer);
  return {
    batchSize: options.batchSize,
    accumulateBatches: options.accumulateBatches,
    initialEpoch: options.initialEpoch,
    stepsPerEpoch,
    shuffle: options.shuffle,
    validationSplit: options.validationSplit,
    validationSplitMode: options.validationSplitMode,
    validationRows: rows ? crc32(rows) : null,
    validationData: validationData !== undefined,
    callbacks: options.callbacks.length,
    stream: isStream,
  };
}
