import { ElementCode } from '../../opcodes.js';
import type { Rows } from '../backend.js';
import type { Copy } from './copying.js';
import { alignToLine, type MemoryViews } from './memory.js';

/** Rows in linear memory, by the address of row 0; 0 where a run has none. */
export interface PlacedRows {
  readonly inputs: number;
  readonly inputElement: ElementCode;
  readonly targets: number;
  readonly labels: number;
}

/** Bytes that one row of each kind takes in linear memory. */
interface RowBytes {
  readonly inputs: number;
  readonly targets: number;
  readonly labels: number;
}

const isBytes = ({ inputs }: Rows): boolean => inputs instanceof Uint8Array;

function bytesPerRow(rows: Rows): RowBytes {
  const { count, inputs, targets, labels } = rows;
  return {
    inputs: (inputs.length / count) * (isBytes(rows) ? 1 : Float32Array.BYTES_PER_ELEMENT),
    targets: ((targets?.length ?? 0) / count) * Float32Array.BYTES_PER_ELEMENT,
    labels: labels ? Int32Array.BYTES_PER_ELEMENT : 0,
  };
}

/** Bytes of linear memory that `count` of the rows take. */
export function placedBytes(rows: Rows, count: number): number {
  const { inputs, targets, labels } = bytesPerRow(rows);
  return alignToLine(count * inputs) + alignToLine(count * targets) + count * labels;
}

/** Which rows: `count` of them, either those in `order` from entry `first` on, or as they stand from row `first` on. */
export interface Selection {
  readonly first: number;
  readonly count: number;
  readonly order: Uint32Array | null;
}

/** Where `count` of the rows lie from `address` on; `placedBytes` must be free there. */
export function placeOf(rows: Rows, count: number, address: number): PlacedRows {
  const bytes = bytesPerRow(rows);
  const targetsAt = address + alignToLine(count * bytes.inputs);
  const labelsAt = targetsAt + alignToLine(count * bytes.targets);
  return {
    inputs: address,
    inputElement: isBytes(rows) ? ElementCode.uint8 : ElementCode.float32,
    targets: rows.targets ? targetsAt : 0,
    labels: rows.labels ? labelsAt : 0,
  };
}

/** Copies rows to `address`, where `placedBytes` are free; float64 numbers are rounded. */
export function placeRows(rows: Rows, selection: Selection, views: MemoryViews, address: number): PlacedRows {
  const { inputs, targets, labels } = rows;
  const placed = placeOf(rows, selection.count, address);
  if (inputs instanceof Uint8Array) copySelected(inputs, rows.count, selection, views.u8, placed.inputs);
  else copySelected(inputs, rows.count, selection, views.f32, placed.inputs / 4);
  if (targets) copySelected(targets, rows.count, selection, views.f32, placed.targets / 4);
  if (labels) copySelected(labels, rows.count, selection, views.i32, placed.labels / 4);
  return placed;
}

/** The copies that bring all rows to their place, in the order they stand. */
export function copiesOf(rows: Rows, placed: PlacedRows, views: () => MemoryViews): Copy[] {
  const { inputs, targets, labels } = rows;
  const copies: Copy[] = [
    inputs instanceof Uint8Array
      ? { values: inputs, target: () => views().u8, at: placed.inputs }
      : { values: inputs, target: () => views().f32, at: placed.inputs / 4 },
  ];
  if (targets) copies.push({ values: targets, target: () => views().f32, at: placed.targets / 4 });
  if (labels) copies.push({ values: labels, target: () => views().i32, at: placed.labels / 4 });
  return copies;
}

/** The placed rows with row 0 moved back by `count` rows: where it would be if those before had been copied too. */
export function withRowsBefore(placed: PlacedRows, rows: Rows, count: number): PlacedRows {
  const bytes = bytesPerRow(rows);
  return {
    ...placed,
    inputs: placed.inputs - count * bytes.inputs,
    targets: placed.targets - count * bytes.targets,
    labels: placed.labels - count * bytes.labels,
  };
}

type Numeric = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Up to this many numbers a loop is faster than copying them as an array. */
const SHORT = 16;

/** target[at + i] = values[from + i] for `length` numbers. */
export function copyStretch(
  values: Numeric,
  from: number,
  length: number,
  target: Numeric,
  at: number,
): void {
  if (length > SHORT) target.set(values.subarray(from, from + length), at);
  else for (let index = 0; index < length; index++) target[at + index] = values[from + index];
}

function copySelected(
  values: Numeric,
  rowCount: number,
  { first, count, order }: Selection,
  target: Numeric,
  at: number,
): void {
  const columns = values.length / rowCount;
  if (!order) {
    copyStretch(values, first * columns, count * columns, target, at);
    return;
  }
  for (let r = 0; r < count; r++) {
    copyStretch(values, order[first + r] * columns, columns, target, at + r * columns);
  }
}
