import { fact, stateError, typeError } from './errors.js';
import type { CheckedOptions } from './fit-options.js';
import { crc32 } from './io/crc32.js';
import type { Fingerprint, RunOptions, RunPosition } from './run-position.js';

/** More epochs than a job ever has. */
const MOST_SKIPPED = 2 ** 18;

/** What of the options decides which steps a run makes. */
export function runOptionsOf(options: CheckedOptions): RunOptions {
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
  };
}

/** The run to go on with; throws unless there is one and options and data are those of then. */
export function requireSameRun(
  action: string,
  position: RunPosition | null,
  options: CheckedOptions,
  data: Fingerprint,
  parameters: number,
): RunPosition {
  if (!position) {
    const rule = 'resume needs a trainer loaded from a model file that was written during fit';
    throw stateError(action, rule, fact('a trainer without a run'));
  }
  const now = runOptionsOf(options);
  for (const [name, value] of Object.entries(now)) {
    const then = position.options[name];
    if (then !== value) throw typeError(action, `resume needs ${name} as it was, ${then}`, value);
  }
  const { order, step, skip, callbacks, gradients } = position;
  if (
    order.used >= data.rows ||
    step > Math.max(data.rows, options.stepsPerEpoch ?? 0) ||
    skip > MOST_SKIPPED ||
    (gradients !== null && gradients.length !== parameters) ||
    callbacks.length !== now.callbacks
  ) {
    const received = fact(
      `step ${step} after ${skip} epochs and ${order.used} rows, ${callbacks.length} callbacks, ${gradients?.length ?? 'no'} gradients`,
    );
    throw typeError(action, 'resume needs a position within an epoch of the run', received);
  }
  const { rows, columns, labels, sample } = position.data;
  const isSame =
    rows === data.rows && columns === data.columns && labels === data.labels && sample === data.sample;
  if (!isSame) {
    const words = (one: Fingerprint): string =>
      `${one.rows} rows of ${one.columns} with ${one.labels ? 'labels' : 'targets'} and the checksum ${one.sample}`;
    throw typeError(action, `resume needs the data of the run, ${words(position.data)}`, fact(words(data)));
  }
  return position;
}
