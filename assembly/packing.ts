/** Copies of operands in the order in which a tile reads them. Strides are bytes. */
import { F32x4 } from './simd';

/** Up to eight columns of B, depth × columns, as rows of eight numbers, with zeros in columns that do not exist. */
export function pack_panel_f32(b: usize, b_row: usize, depth: i32, columns: i32, panel: usize): void {
  if (columns >= 8) {
    for (; depth > 0; depth--, b += b_row, panel += 32) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
    }
    return;
  }
  for (; depth > 0; depth--, b += b_row, panel += 32) {
    v128.store(panel, F32x4.load_last(b, columns));
    const rest = columns > 4 ? F32x4.load_last(b + 16, columns - 4) : f32x4.splat(0.0);
    v128.store(panel, rest, 16);
  }
}

/** As `pack_panel_f32` with B given as its transpose, columns × depth: `b_column` from one column to the next. */
export function pack_transposed_panel_f32(
  b: usize,
  b_column: usize,
  depth: i32,
  columns: i32,
  panel: usize,
): void {
  if (columns < 8) memory.fill(panel, 0, (<usize>depth) << 5);
  let j: i32 = 0;
  for (; j + 4 <= columns; j += 4, b += 4 * b_column) {
    transpose_four_f32(b, b_column, depth, panel + ((<usize>j) << 2));
  }
  for (; j < columns; j++, b += b_column) {
    for (let k: i32 = 0; k < depth; k++) {
      store<f32>(panel + ((<usize>k) << 5) + ((<usize>j) << 2), load<f32>(b + ((<usize>k) << 2)));
    }
  }
}

/** Four contiguous columns of B as the first four numbers of each row of a panel. */
function transpose_four_f32(b: usize, b_column: usize, depth: i32, panel: usize): void {
  const b1 = b + b_column;
  const b2 = b1 + b_column;
  const b3 = b2 + b_column;
  let at: usize = 0;
  for (; depth >= 4; depth -= 4, at += 16, panel += 128) {
    const r0 = v128.load(b + at);
    const r1 = v128.load(b1 + at);
    const r2 = v128.load(b2 + at);
    const r3 = v128.load(b3 + at);
    const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(panel, v128.shuffle<f64>(low01, low23, 0, 2));
    v128.store(panel, v128.shuffle<f64>(low01, low23, 1, 3), 32);
    v128.store(panel, v128.shuffle<f64>(high01, high23, 0, 2), 64);
    v128.store(panel, v128.shuffle<f64>(high01, high23, 1, 3), 96);
  }
  for (; depth > 0; depth--, at += 4, panel += 32) {
    store<f32>(panel, load<f32>(b + at));
    store<f32>(panel, load<f32>(b1 + at), 4);
    store<f32>(panel, load<f32>(b2 + at), 8);
    store<f32>(panel, load<f32>(b3 + at), 12);
  }
}

/** A tile of A, whose columns of `rows` <= 8 numbers are contiguous and `a_column` apart, without what lies between. */
export function pack_columns_of_a_f32(a: usize, a_column: usize, rows: i32, depth: i32, packed: usize): void {
  const row_bytes = (<usize>rows) << 2;
  for (; depth > 0; depth--, a += a_column, packed += row_bytes) {
    F32x4.store_last(packed, F32x4.load_last(a, rows), rows);
    if (rows > 4) F32x4.store_last(packed + 16, F32x4.load_last(a + 16, rows - 4), rows - 4);
  }
}
