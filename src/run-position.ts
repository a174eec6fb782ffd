/**
 * Where a run of `fit` stands, as a model file keeps it: JSON in the metadata, and tensors in float64 (or of the type of
 * the backend) whose names begin with `run.`.
 */
import type { Numbers, Rows } from './backends/backend.js';
import type { CallbackState } from './callbacks/callback.js';
import type { OrderOrigin } from './epoch-orders.js';
import { fact } from './errors.js';
import type { HistorySeries } from './history.js';
import { crc32 } from './io/crc32.js';
import { formatError } from './io/format-error.js';
import type { Tensor } from './io/safetensors-layout.js';
import { ScalarCode } from './opcodes.js';
import { isRandomState, type RandomState } from './random.js';

/** What tells one set of data from another, cheaply. */
export interface Fingerprint {
  readonly rows: number;
  readonly columns: number;
  readonly labels: boolean;
  /** CRC-32 of up to `SAMPLES` inputs and as many labels, targets with weights, evenly spaced, in float32. */
  readonly sample: number;
}

/** What of the options must be the same for a run to go on. */
export type RunOptions = Readonly<Record<string, number | string | boolean | null>>;

export interface RunPosition {
  readonly options: RunOptions;
  readonly data: Fingerprint;
  /** Steps of the epoch under way that are done, all of them where only its validation is left. */
  readonly step: number;
  /** Metric sums of that epoch. */
  readonly running: Float64Array;
  /** Sums of gradients to which the next batch adds its own; null where it begins an optimizer step. */
  readonly gradients: Numbers | null;
  /** Norm of the gradient of the last step, where it counts and the epoch's steps are done; that is not kept. */
  readonly gradientNorm: number | null;
  /** Steps of the run that are done. */
  readonly steps: number;
  /** The generator before the split, null where it has no say in it. */
  readonly split: RandomState | null;
  /** Where the orders begin of which `skip` epochs are over. */
  readonly order: OrderOrigin;
  readonly skip: number;
  /** Why the run has ended, if it has. */
  readonly reason: string | null;
  readonly stopWhen: CallbackState;
  readonly callbacks: readonly CallbackState[];
  readonly history: HistorySeries;
}

const SAMPLES = 4096;

/** The same for the same data on every backend. */
export function fingerprintOf({ count, inputs, targets, labels }: Rows): Fingerprint {
  const sampleOf = (values: ArrayLike<number>): Uint8Array => {
    const sample = new Float32Array(Math.min(values.length, SAMPLES));
    const { length } = sample;
    for (let at = 0; at < length; at++) sample[at] = values[Math.floor((at * values.length) / length)];
    return new Uint8Array(sample.buffer);
  };
  const sample = [inputs, labels ?? [], targets ?? []].reduce((sum, one) => crc32(sampleOf(one), sum), 0);
  return { rows: count, columns: inputs.length / count, labels: labels !== null, sample };
}

/** Metadata and tensors of a model file. */
export interface EncodedPosition {
  readonly text: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const tensorOf = (values: ArrayLike<number>): Tensor => {
  if (values instanceof Float32Array) return { dtype: 'F32', shape: [values.length], data: values };
  const data = values instanceof Float64Array ? values : Float64Array.from(values);
  return { dtype: 'F64', shape: [data.length], data };
};

/** Numbers of a state go into tensors: JSON has no NaN and no infinity. */
export function encodePosition(position: RunPosition): EncodedPosition {
  const { running, gradients, history, stopWhen, callbacks, ...plain } = position;
  const tensors = new Map<string, Tensor>([['run.running', tensorOf(running)]]);
  if (gradients) tensors.set('run.gradients', tensorOf(gradients));
  for (const [name, values] of Object.entries(history)) tensors.set(`run.history.${name}`, tensorOf(values));
  const put = (prefix: string, state: CallbackState): readonly string[] =>
    Object.entries(state).map(([name, value]) => {
      tensors.set(`${prefix}.${name}`, tensorOf(typeof value === 'number' ? [value] : value));
      return typeof value === 'number' ? name : `${name}[]`;
    });
  const states = [stopWhen, ...callbacks].map((state, index) => put(`run.state.${index}`, state));
  return { text: JSON.stringify({ ...plain, history: Object.keys(history), states }), tensors };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads what `encodePosition` wrote; `tensors` must be those whose names begin with `run.` and no others. */
export function decodePosition(
  action: string,
  key: string,
  header: Record<string, unknown>,
  tensors: ReadonlyMap<string, Tensor>,
): RunPosition {
  const require = (name: string, holds: boolean, rule: string): void => {
    if (!holds) throw formatError(action, `${name} of '${key}' must be ${rule}`, header[name]);
  };
  const { options, data, step, steps, gradientNorm, split, order, skip, reason, history, states } = header;
  for (const [name, value] of Object.entries({ step, steps, skip }))
    require(name, isCount(value), 'an integer >= 0');
  require('gradientNorm', gradientNorm === null || typeof gradientNorm === 'number', 'a number or null');
  require('options', isObject(options), 'an object');
  require('data', isObject(data) && isCount(data.sample) && isCount(data.rows), 'a fingerprint');
  require('split', split === null || isRandomState(split), 'the state of a generator or null');
  const isOrder =
    isObject(order) && isCount(order.used) && (order.random === null || isRandomState(order.random));
  require('order', isOrder, 'where the orders begin');
  require('reason', reason === null || typeof reason === 'string', 'a text or null');
  require('history', isNames(history) && history.includes('loss'), 'names, loss among them');
  require('states', Array.isArray(states) && states.length > 0 && states.every(isNames), 'lists of names');
  const unread = new Set(tensors.keys());
  const read = (name: string): Numbers => {
    const tensor = tensors.get(name);
    if (!tensor || (tensor.dtype !== 'F64' && tensor.dtype !== 'F32') || tensor.shape.length !== 1) {
      const received = tensor ? fact(tensor.dtype) : fact('none');
      throw formatError(action, `${name} must be a list of numbers`, received);
    }
    unread.delete(name);
    return tensor.data as Numbers;
  };
  const running = Float64Array.from(read('run.running'));
  if (running.length !== ScalarCode.first_free)
    throw formatError(action, `run.running must be ${ScalarCode.first_free} numbers`, running);
  const gradients = tensors.has('run.gradients') ? read('run.gradients') : null;
  const series = Object.fromEntries((history as string[]).map((name) => [name, read(`run.history.${name}`)]));
  const epochs = series.loss.length;
  for (const [name, { length }] of Object.entries(series)) {
    if (length !== epochs)
      throw formatError(action, `run.history.${name} must have ${epochs} numbers`, fact(`${length} numbers`));
  }
  const [stopWhen, ...callbacks] = (states as string[][]).map((names, index): CallbackState => {
    const entries = names.map((named): [string, number | Numbers] => {
      const name = named.replace(/\[\]$/, '');
      const values = read(`run.state.${index}.${name}`);
      return [name, name === named ? values[0] : values];
    });
    return Object.fromEntries(entries);
  });
  const [stray] = unread;
  if (stray !== undefined) throw formatError(action, 'every tensor must belong to the run', fact(stray));
  return {
    ...header,
    running,
    gradients,
    history: series,
    stopWhen,
    callbacks,
  } as unknown as RunPosition;
}
