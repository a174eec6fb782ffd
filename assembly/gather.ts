/** Rows of the data into the arena, and rows of the arena into the result. */
import { ElementCode } from '../src/opcodes';
import { Batch } from './batch';
import { Share } from './share';
import { F32x4 } from './simd';

class Element {
  /** Up to four float32 or uint8 numbers as float32 lanes. */
  @inline static load_first(element: i32, p: usize, n: i32): v128 {
    return element === ElementCode.uint8 ? Element.load_first_u8(p, n) : F32x4.load_first(p, n);
  }

  /** The same where one call a row is cheaper than a copy of the code. */
  @inline static load_last(element: i32, p: usize, n: i32): v128 {
    return element === ElementCode.uint8 ? Element.load_first_u8(p, n) : F32x4.load_last(p, n);
  }

  @inline private static load_first_u8(p: usize, n: i32): v128 {
    if (n >= 4) {
      const words = i16x8.extend_low_i8x16_u(v128.load32_zero(p));
      return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(words));
    }
    let lanes = f32x4.replace_lane(f32x4.splat(0.0), 0, <f32>load<u8>(p));
    if (n > 1) lanes = f32x4.replace_lane(lanes, 1, <f32>load<u8>(p + 1));
    return n > 2 ? f32x4.replace_lane(lanes, 2, <f32>load<u8>(p + 2)) : lanes;
  }

  /** Transforms the first n of four columns from j on, each by its own scale and offset. */
  @inline static transform(
    element: i32,
    row: usize,
    output: usize,
    j: i32,
    scale: usize,
    offset: usize,
    n: i32,
  ): void {
    const at = (<usize>j) << 2;
    const factor = scale === 0 ? f32x4.splat(1.0) : F32x4.load_last(scale + at, n);
    const shift = offset === 0 ? f32x4.splat(0.0) : F32x4.load_last(offset + at, n);
    const x = Element.load_first(element, row + (element === ElementCode.uint8 ? <usize>j : at), n);
    F32x4.store_last(output + at, F32x4.fma(x, factor, shift), n);
  }
}

function copy_row(row: usize, output: usize, columns: i32): void {
  for (; columns >= 4; columns -= 4, row += 16, output += 16) v128.store(output, v128.load(row));
  if (columns > 0) F32x4.store_last(output, F32x4.load_last(row, columns), columns);
}

/** output[j] = row[j] * factor + shift. */
function transform_row(
  element: i32,
  row: usize,
  output: usize,
  columns: i32,
  factor: v128,
  shift: v128,
): void {
  const stride: usize = element === ElementCode.uint8 ? 4 : 16;
  for (; columns >= 4; columns -= 4, row += stride, output += 16) {
    v128.store(output, F32x4.fma(Element.load_first(element, row, 4), factor, shift));
  }
  if (columns === 0) return;
  const x = Element.load_last(element, row, columns);
  F32x4.store_last(output, F32x4.fma(x, factor, shift), columns);
}

/** output[j] = row[j] * scale[j] + offset[j]; either may be absent. */
function transform_row_by_column(
  element: i32,
  row: usize,
  output: usize,
  columns: i32,
  scale: usize,
  offset: usize,
): void {
  let j: i32 = 0;
  for (; j + 4 <= columns; j += 4) Element.transform(element, row, output, j, scale, offset, 4);
  if (j < columns) Element.transform(element, row, output, j, scale, offset, columns - j);
}

export function gather_rows(output: usize, columns: i32, scale: usize, offset: usize, per_column: i32): void {
  const element = Batch.input_element;
  const row_bytes = (<usize>columns) << (element === ElementCode.uint8 ? 0 : 2);
  const is_plain = scale === 0 && offset === 0;
  const by_column = per_column !== 0 && !is_plain;
  const factor = f32x4.splat(scale === 0 || by_column ? 1 : load<f32>(scale));
  const shift = f32x4.splat(offset === 0 || by_column ? 0 : load<f32>(offset));
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  output += (<usize>(first * columns)) << 2;
  for (let r = first; r < end; r++, output += (<usize>columns) << 2) {
    const row = Batch.inputs + Batch.source_row(r) * row_bytes;
    if (by_column) transform_row_by_column(element, row, output, columns, scale, offset);
    else if (is_plain && element === ElementCode.float32) copy_row(row, output, columns);
    else transform_row(element, row, output, columns, factor, shift);
  }
}

export function gather_targets(output: usize, columns: i32, width: i32, first: i32): void {
  const from = Batch.targets + ((<usize>first) << 2);
  const row_bytes = (<usize>width) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++, output += (<usize>columns) << 2) {
    copy_row(from + Batch.source_row(r) * row_bytes, output, columns);
  }
}

export function gather_labels(output: usize): void {
  for (let r: i32 = 0; r < Batch.rows; r++, output += 4) {
    store<f32>(output, <f32>load<i32>(Batch.labels + (Batch.source_row(r) << 2)));
  }
}

export function store_rows(output: usize, units: i32): void {
  const row_bytes = (<usize>units) << 2;
  const result = Batch.result + <usize>Batch.position * row_bytes;
  memory.copy(result, output, <usize>Batch.rows * row_bytes);
}
