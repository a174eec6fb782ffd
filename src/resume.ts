import { fact, typeError } from './errors.js';
import type { CheckedOptions } from './fit-options.js';
import { runOptionsOf } from './run-options.js';
import type { Fingerprint, RunOptions, RunPosition } from './run-position.js';

/** More epochs than a job ever has. */
const MOST_SKIPPED = 2 ** 18;

/** Throws unless the options are those of then. */
function requireSameOptions(action: string, position: RunPosition, now: RunOptions): void {
  for (const [name, value] of Object.entries(now)) {
    const then = position.options[name];
    if (then !== value) throw typeError(action, `resume needs ${name} as it was, ${then}`, value);
  }
}

/** Throws unless a run over a stream can go on. */
export function requireSameStream(
  action: string,
  position: RunPosition,
  options: CheckedOptions,
  inputs: number,
): void {
  const now = runOptionsOf(options, true);
  requireSameOptions(action, position, now);
  const { step, callbacks, data } = position;
  if (
    step > (options.stepsPerEpoch ?? step) ||
    callbacks.length !== now.callbacks ||
    data.columns !== inputs
  ) {
    const received = fact(`step ${step} of rows of ${data.columns}, ${callbacks.length} callbacks`);
    throw typeError(action, 'resume needs a position within an epoch of the run', received);
  }
}

/** Throws unless options and data are those of then. */
export function requireSameRun(
  action: string,
  position: RunPosition,
  options: CheckedOptions,
  data: Fingerprint,
  parameters: number,
): void {
  const now = runOptionsOf(options);
  requireSameOptions(action, position, now);
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
}
