/**
 * Where a run of `fit` stands, as a model file keeps it: JSON in the metadata, and tensors in float64 (or of the type of
 * the backend) whose names begin with `run.`.
 */
import type { Numbers, Rows } from './backends/backend.js';
import type { CallbackState } from './callbacks/callback.js';
import type { OrderOrigin } from './epoch-orders.js';
import type { HistorySeries } from './history.js';
import { crc32 } from './io/crc32.js';
import type { Tensor } from './io/safetensors-layout.js';
import type { RandomState } from './random.js';

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
