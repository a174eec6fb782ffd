import type { Numbers } from './backends/backend.js';
import type { CallbackState } from './callbacks/callback.js';
import { fact } from './errors.js';
import { formatError } from './io/format-wording.js';
import type { Tensor } from './io/safetensors-layout.js';
import { ScalarCode } from './opcodes.js';
import type { RandomState } from './random.js';
import type { RunPosition } from './run-position.js';

/** Whether a value is the state of a generator; one of zeros would draw zeros for ever. */
export const isRandomState = (value: unknown): value is RandomState =>
  Array.isArray(value) &&
  value.length === 4 &&
  value.every((word) => Number.isInteger(word) && word >= 0 && word < 2 ** 32) &&
  value.some((word) => word !== 0);

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
