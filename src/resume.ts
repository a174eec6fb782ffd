import { fact, stateError, typeError } from './errors.js';
import type { CheckedOptions } from './fit-options.js';
import { crc32 } from './io/crc32.js';
import type { Fingerprint, RunOptions, RunPosition } from './run-position.js';

/** More epochs than a job ever has. */
const MOST_SKIPPED = 2 ** 18;

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

/** The run to go on with; throws unless there is one and the options are those of then. */
function requireSameOptions(action: string, position: RunPosition | null, now: RunOptions): RunPosition {
  if (!position) {
    const rule = 'resume needs a trainer loaded from a model file that was written during fit';
    throw stateError(action, rule, fact('a trainer without a run'));
  }
  for (const [name, value] of Object.entries(now)) {
    const then = position.options[name];
    if (then !== value) throw typeError(action, `resume needs ${name} as it was, ${then}`, value);
  }
  return position;
}

/** The run over a stream to go on with. */
export function requireSameStream(
  action: string,
  given: RunPosition | null,
  options: CheckedOptions,
  inputs: number,
): RunPosition {
  const now = runOptionsOf(options, true);
  const position = requireSameOptions(action, given, now);
  const { step, callbacks, data } = position;
  if (
    step > (options.stepsPerEpoch ?? step) ||
    callbacks.length !== now.callbacks ||
    data.columns !== inputs
  ) {
    const received = fact(`step ${step} of rows of ${data.columns}, ${callbacks.length} callbacks`);
    throw typeError(action, 'resume needs a position within an epoch of the run', received);
  }
  return position;
}

/** The run to go on with; throws unless there is one and options and data are those of then. */
export function requireSameRun(
  action: string,
  given: RunPosition | null,
  options: CheckedOptions,
  data: Fingerprint,
  parameters: number,
): RunPosition {
  const now = runOptionsOf(options);
  const position = requireSameOptions(action, given, now);
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
