import type { Numbers, Rows } from './backends/backend.js';
import { fact, rangeError, typeError } from './errors.js';
import { Turns } from './event-loop.js';
import type { Matrix } from './matrix.js';
import type { Model } from './model.js';

/** A matrix, or an object of its form. */
export type MatrixLike = Pick<Matrix, 'data' | 'rows' | 'columns'>;

/** Rows of numbers: flat and row-major, or one array a row. A flat array of as many numbers as columns is one row. */
export type RowsLike =
  | Float32Array
  | Float64Array
  | Uint8Array
  | readonly number[]
  | readonly (readonly number[] | Float32Array | Float64Array)[]
  | MatrixLike;

/** Targets: rows of outputs, or, where the loss takes them, one integer label a row. */
export type TargetsLike = RowsLike | Int32Array;

export type Precision = 'float32' | 'float64';

/** Index of the first NaN or infinity; −1 without one. */
export type FiniteCheck = (values: Numbers) => number;

/** How rows are to be read: the precision of the backend, and its check for numbers that are not finite. */
export interface Reader {
  readonly precision: Precision;
  readonly firstNonFinite: FiniteCheck;
  /** Takes the check of what is too large for a turn of the event loop; without it everything is checked at once. */
  readonly defer?: (check: () => Promise<void>) => void;
}

/** `fresh` tells that `data` is a copy nobody else holds. */
interface Converted {
  readonly data: Numbers | Uint8Array;
  readonly fresh: boolean;
}

type Flat = Numbers | Uint8Array;

export const isNumbers = (value: unknown): value is Numbers =>
  value instanceof Float32Array || value instanceof Float64Array;

const isFlat = (value: unknown): value is Flat => isNumbers(value) || value instanceof Uint8Array;

export const isMatrix = (value: unknown): value is MatrixLike =>
  typeof value === 'object' && value !== null && 'data' in value && 'rows' in value && 'columns' in value;

/** An array of the precision with `length` zeros. */
export function numbersOf(precision: Precision, length: number): Numbers {
  try {
    return precision === 'float32' ? new Float32Array(length) : new Float64Array(length);
  } catch {
    throw rangeError(
      'Cannot reserve memory',
      'numbers must fit into memory',
      fact(`${length} of ${precision}`),
    );
  }
}

/** An array of the type of `source` with `length` zeros. */
export const numbersLike = (source: Numbers, length: number): Numbers =>
  numbersOf(source instanceof Float32Array ? 'float32' : 'float64', length);

const isOfPrecision = (value: Numbers, precision: Precision): boolean =>
  value instanceof (precision === 'float32' ? Float32Array : Float64Array);

function copied(values: ArrayLike<number>, precision: Precision): Converted {
  const data = numbersOf(precision, values.length);
  data.set(values);
  return { data, fresh: true };
}

/** Checks and flattens whatever `RowsLike` allows; the length has been found to divide by `columns`. */
function flatten(
  action: string,
  name: string,
  value: unknown,
  columns: number,
  precision: Precision,
): Converted {
  if (isMatrix(value)) {
    const { data, rows, columns: given } = value;
    if (given !== columns)
      throw typeError(action, `${name} must have ${columns} columns`, fact(`${given} columns`));
    if (!isNumbers(data) || data.length !== rows * columns) {
      throw typeError(action, `${name}.data must hold rows x columns = ${rows * columns} numbers`, data);
    }
    return flatten(action, name, data, columns, precision);
  }
  if (Array.isArray(value) && value.length > 0 && typeof value[0] !== 'number') {
    return copied(joinRows(action, name, value, columns), precision);
  }
  if (!isFlat(value) && !Array.isArray(value)) {
    const rule = `${name} must be a Float32Array, Float64Array, Uint8Array, number[], number[][] or Matrix`;
    throw typeError(action, rule, value);
  }
  if (value.length === 0) {
    throw rangeError(
      action,
      `${name} must not be empty, detached or out of the bounds of a shrunk buffer`,
      value,
    );
  }
  if (value.length % columns !== 0) {
    throw typeError(
      action,
      `the length of ${name} must divide by ${columns}`,
      fact(`length ${value.length}`),
    );
  }
  if (Array.isArray(value)) {
    requireAllNumbers(action, name, value, columns);
    return copied(value, precision);
  }
  if (value instanceof Uint8Array || isOfPrecision(value, precision)) return { data: value, fresh: false };
  return copied(value, precision);
}

function joinRows(action: string, name: string, rows: readonly unknown[], columns: number): Float64Array {
  const joined = new Float64Array(rows.length * columns);
  rows.forEach((row, index) => {
    if (!Array.isArray(row) && !isFlat(row)) {
      throw typeError(action, `row ${index} of ${name} must be an array of numbers`, row);
    }
    if (row.length !== columns) {
      throw typeError(
        action,
        `row ${index} of ${name} must have ${columns} numbers`,
        fact(`${row.length} numbers`),
      );
    }
    if (Array.isArray(row)) requireAllNumbers(action, name, row, columns, index);
    joined.set(row, index * columns);
  });
  return joined;
}

function requireAllNumbers(
  action: string,
  name: string,
  values: readonly unknown[],
  columns: number,
  row = 0,
): void {
  for (let index = 0; index < values.length; index++) {
    if (typeof values[index] !== 'number') {
      const place = `row ${row + Math.floor(index / columns)}, column ${index % columns} of ${name}`;
      throw typeError(action, `${place} must be a number`, values[index]);
    }
  }
}

/** Numbers that are looked through in a millisecond, and between two looks at the clock. */
const CHECKED_AT_ONCE = 2 ** 20;
const PIECE = 2 ** 18;

/** Throws if a number is NaN or infinite, naming its place. */
function requireFinite(action: string, name: string, values: Flat, columns: number, reader: Reader): void {
  if (values instanceof Uint8Array) return;
  const check = (begin: number, end: number): void => {
    const found = reader.firstNonFinite(values.subarray(begin, end));
    if (found < 0) return;
    const index = begin + found;
    const place = `${values[index]} in row ${Math.floor(index / columns)}, column ${index % columns}`;
    const suffix = values instanceof Float32Array ? ' in float32' : '';
    throw rangeError(action, `${name} must be finite${suffix}`, fact(place));
  };
  const { length } = values;
  const inTurns = async (): Promise<void> => {
    const turns = new Turns();
    for (let begin = 0; begin < length; begin += PIECE) {
      await turns.take();
      check(begin, begin + PIECE);
    }
  };
  if (reader.defer && length > CHECKED_AT_ONCE) reader.defer(inTurns);
  else check(0, length);
}

/** Arrays up to this size may have no buffer yet; asking for it would make one, and copying them costs nothing. */
const TINY_BYTES = 64;

/** True where nobody but us can change, shrink or detach the array, or where it cannot be detached at all. */
const isShared = ({ data, fresh }: Converted): boolean =>
  fresh ||
  (data.byteLength > TINY_BYTES &&
    typeof SharedArrayBuffer !== 'undefined' &&
    data.buffer instanceof SharedArrayBuffer);

/** Rows of inputs alone. */
export function readInputs(action: string, x: unknown, model: Model, reader: Reader, name = 'inputs'): Rows {
  const converted = flatten(action, name, x, model.inputs, reader.precision);
  requireFinite(action, name, converted.data, model.inputs, reader);
  const count = converted.data.length / model.inputs;
  return { count, inputs: converted.data, targets: null, labels: null, shared: isShared(converted) };
}

/** Rows of inputs with their targets or labels. */
export function readRows(action: string, x: unknown, t: unknown, model: Model, reader: Reader): Rows {
  const rows = readInputs(action, x, model, reader);
  if (areLabels(t, rows.count, model)) {
    // Labels are used as indices: they are copied before they are checked if the rows are to be read in place.
    const own = rows.shared && t instanceof Int32Array ? t.slice() : t;
    return { ...rows, labels: readLabels(action, own, rows.count, model) };
  }
  const { outputs } = model;
  const { data, fresh } = flatten(action, 'targets', t, outputs, reader.precision);
  requireFinite(action, 'targets', data, outputs, reader);
  if (data.length !== rows.count * outputs) {
    const labels = model.loss.takesLabels ? `, or ${rows.count} integer labels` : '';
    const rule = `targets must have ${rows.count} rows of ${outputs}, like the inputs${labels}`;
    throw typeError(action, rule, fact(`${data.length / outputs} rows`));
  }
  requireDomain(action, data, model);
  const targets = data instanceof Uint8Array ? copied(data, reader.precision) : { data, fresh };
  return { ...rows, targets: targets.data as Numbers, shared: rows.shared && isShared(targets) };
}

const targetRules = {
  nonNegative: { rule: '>= 0', holds: (t: number) => t >= 0 },
  unitInterval: { rule: 'in [0, 1]', holds: (t: number) => t >= 0 && t <= 1 },
  signs: { rule: '-1 or 1', holds: (t: number) => t === -1 || t === 1 },
} as const;

/** Throws if a target lies outside the domain of the loss. */
function requireDomain(action: string, targets: Flat, { loss, outputs }: Model): void {
  if (loss.targets === 'any') return;
  const { rule, holds } = targetRules[loss.targets];
  for (let index = 0; index < targets.length; index++) {
    if (holds(targets[index])) continue;
    const place = `${targets[index]} in row ${Math.floor(index / outputs)}, column ${index % outputs}`;
    throw rangeError(action, `targets of ${loss.name} must be ${rule}`, fact(place));
  }
}

type Labels = Int32Array | Uint8Array | readonly number[];

/** One integer a row: an Int32Array always; a flat Uint8Array or number[] where it cannot be rows of outputs. */
function areLabels(t: unknown, count: number, model: Model): t is Labels {
  if (!model.loss.takesLabels) return false;
  if (t instanceof Int32Array) return true;
  const isFlatArray = t instanceof Uint8Array || (Array.isArray(t) && typeof t[0] === 'number');
  return isFlatArray && t.length === count && model.outputs > 1;
}

function readLabels(action: string, t: Labels, count: number, model: Model): Int32Array {
  if (t.length !== count) throw typeError(action, `targets must have one label for each of ${count} rows`, t);
  const { outputs } = model;
  for (let row = 0; row < count; row++) {
    const label = t[row];
    if (label >>> 0 !== label || label >= outputs) {
      throw rangeError(
        action,
        `labels must be integers from 0 to ${outputs - 1}`,
        fact(`${label} in row ${row}`),
      );
    }
  }
  return t instanceof Int32Array ? t : new Int32Array(t);
}

/** A parameter as given by a user, in float64 and checked: `rows` × `columns` finite numbers. */
export function readParameter(
  action: string,
  name: string,
  value: unknown,
  rows: number,
  columns: number,
  reader: Reader,
): Numbers {
  const { data } = flatten(action, name, value, columns, reader.precision);
  if (data.length !== rows * columns) {
    throw typeError(action, `${name} must have ${rows} x ${columns} numbers`, fact(`${data.length} numbers`));
  }
  requireFinite(action, name, data, columns, reader);
  return data instanceof Uint8Array ? (copied(data, reader.precision).data as Numbers) : data;
}
