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
  transpose_f32(b, b_column, columns, depth, panel, 32);
}

/** to[k][j] = from[j][k], where `from` is rows × columns: in blocks of four by four, the last of which overlap. */
export function transpose_f32(
  from: usize,
  from_row: usize,
  rows: i32,
  columns: i32,
  to: usize,
  to_row: usize,
): void {
  if (rows < 4 || columns < 4) {
    transpose_few_f32(from, from_row, rows, columns, to, to_row);
    return;
  }
  const last = (<usize>(columns - 4)) << 2;
  for (let j: i32 = 0; j < rows; j += 4) {
    const row = min(j, rows - 4);
    const r0 = from + <usize>row * from_row;
    const r1 = r0 + from_row;
    const r2 = r1 + from_row;
    const r3 = r2 + from_row;
    let at: usize = 0;
    let t0 = to + ((<usize>row) << 2);
    for (;;) {
      const t1 = t0 + to_row;
      const t2 = t1 + to_row;
      const x0 = v128.load(r0 + at);
      const x1 = v128.load(r1 + at);
      const x2 = v128.load(r2 + at);
      const x3 = v128.load(r3 + at);
      const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
      v128.store(t0, v128.shuffle<f64>(low01, low23, 0, 2));
      v128.store(t1, v128.shuffle<f64>(low01, low23, 1, 3));
      v128.store(t2, v128.shuffle<f64>(high01, high23, 0, 2));
      v128.store(t2 + to_row, v128.shuffle<f64>(high01, high23, 1, 3));
      if (at === last) break;
      at += 16;
      t0 = t2 + 2 * to_row;
      if (at <= last) continue;
      t0 -= ((at - last) >> 2) * to_row;
      at = last;
    }
  }
}

function transpose_few_f32(
  from: usize,
  from_row: usize,
  rows: i32,
  columns: i32,
  to: usize,
  to_row: usize,
): void {
  for (; rows > 0; rows--, from += from_row, to += 4) {
    for (let k: i32 = 0; k < columns; k++) {
      store<f32>(to + <usize>k * to_row, load<f32>(from + ((<usize>k) << 2)));
    }
  }
}
