/**
 * The register tile of a product C = A B: up to six rows of C by eight columns, held in twelve vectors while A and B
 * stream by. Shapes: A is rows × depth, B depth × columns in panels of eight columns, C rows × columns.
 */
import { F32x4 } from './simd';
import { Workspace } from './workspace';

/** The number of rows of a tile as a type, its size in bytes, so that rows a tile lacks compile to nothing. */
class Rows1 {
  r0: u8;
}
class Rows2 extends Rows1 {
  r1: u8;
}
class Rows3 extends Rows2 {
  r2: u8;
}
class Rows4 extends Rows3 {
  r3: u8;
}
class Rows5 extends Rows4 {
  r4: u8;
}
class Rows6 extends Rows5 {
  r5: u8;
}

/** Where the operands of a row of tiles lie. Strides are bytes. */
export class Tiles {
  static columns: i32 = 0;
  static depth: i32 = 0;
  /** From one row of A, which is contiguous, to the next. */
  static a_row: usize = 0;
  /** From one panel of B to the next, and from one row within a panel to the next. */
  static b_panel: usize = 0;
  static b_row: usize = 0;
  /** The last panel if it has fewer than eight columns: packed, with zeros in the columns that it lacks. */
  static last_panel: usize = 0;
  static c_row: usize = 0;
  /** What the sums begin with: from one column, and from one row, to the next; 0 repeats. */
  static initial_column: usize = 0;
  static initial_row: usize = 0;
}

function copy_partial(from: usize, from_row: usize, to: usize, to_row: usize, rows: i32, columns: i32): void {
  for (; rows > 0; rows--, from += from_row, to += to_row) {
    F32x4.store_last(to, F32x4.load_last(from, columns), columns);
    if (columns > 4) F32x4.store_last(to + 16, F32x4.load_last(from + 16, columns - 4), columns - 4);
  }
}

/** A tile of C = initial + A B: `offsetof<Rows>()` rows of eight columns. */
function gemm_tile_f32<Rows>(
  a: usize,
  b: usize,
  b_row: usize,
  from: usize,
  from_row: usize,
  to: usize,
  to_row: usize,
): void {
  const rows = offsetof<Rows>();
  const a_row = Tiles.a_row;
  let c00 = v128.load(from);
  let c01 = v128.load(from, 16);
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  let c40 = c00;
  let c41 = c00;
  let c50 = c00;
  let c51 = c00;
  let a0 = a & ~3;
  let a1 = a0 + a_row;
  let a2 = a1 + a_row;
  let a3 = a2 + a_row;
  let a4 = a3 + a_row;
  let a5 = a4 + a_row;
  if (rows > 1) {
    from += from_row;
    c10 = v128.load(from);
    c11 = v128.load(from, 16);
  }
  if (rows > 2) {
    from += from_row;
    c20 = v128.load(from);
    c21 = v128.load(from, 16);
  }
  if (rows > 3) {
    from += from_row;
    c30 = v128.load(from);
    c31 = v128.load(from, 16);
  }
  if (rows > 4) {
    from += from_row;
    c40 = v128.load(from);
    c41 = v128.load(from, 16);
  }
  if (rows > 5) {
    from += from_row;
    c50 = v128.load(from);
    c51 = v128.load(from, 16);
  }
  b &= ~3;
  const b_end = b + <usize>Tiles.depth * b_row;
  // Tested at its head, one step a turn, pointers that begin with an operation: see "Loops in AssemblyScript" in
  // CONTRIBUTING.md.
  for (; b !== b_end; b += b_row) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a0);
    c00 = F32x4.fma(x, b0, c00);
    c01 = F32x4.fma(x, b1, c01);
    a0 += 4;
    if (rows > 1) {
      x = v128.load32_splat(a1);
      c10 = F32x4.fma(x, b0, c10);
      c11 = F32x4.fma(x, b1, c11);
      a1 += 4;
    }
    if (rows > 2) {
      x = v128.load32_splat(a2);
      c20 = F32x4.fma(x, b0, c20);
      c21 = F32x4.fma(x, b1, c21);
      a2 += 4;
    }
    if (rows > 3) {
      x = v128.load32_splat(a3);
      c30 = F32x4.fma(x, b0, c30);
      c31 = F32x4.fma(x, b1, c31);
      a3 += 4;
    }
    if (rows > 4) {
      x = v128.load32_splat(a4);
      c40 = F32x4.fma(x, b0, c40);
      c41 = F32x4.fma(x, b1, c41);
      a4 += 4;
    }
    if (rows > 5) {
      x = v128.load32_splat(a5);
      c50 = F32x4.fma(x, b0, c50);
      c51 = F32x4.fma(x, b1, c51);
      a5 += 4;
    }
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  if (rows > 1) {
    to += to_row;
    v128.store(to, c10);
    v128.store(to, c11, 16);
  }
  if (rows > 2) {
    to += to_row;
    v128.store(to, c20);
    v128.store(to, c21, 16);
  }
  if (rows > 3) {
    to += to_row;
    v128.store(to, c30);
    v128.store(to, c31, 16);
  }
  if (rows > 4) {
    to += to_row;
    v128.store(to, c40);
    v128.store(to, c41, 16);
  }
  if (rows > 5) {
    to += to_row;
    v128.store(to, c50);
    v128.store(to, c51, 16);
  }
}

/** Rows of C, tile by tile; a last tile of fewer than eight columns is computed aside. */
function gemm_tiles_f32<Rows>(a: usize, b: usize, initial: usize, c: usize): void {
  const initial_row = Tiles.initial_row;
  const c_row = Tiles.c_row;
  let left = Tiles.columns;
  for (; left >= 8; left -= 8) {
    gemm_tile_f32<Rows>(a, b, Tiles.b_row, initial, initial_row, c, c_row);
    b += Tiles.b_panel;
    initial += Tiles.initial_column;
    c += 32;
  }
  if (left === 0) return;
  const rows = <i32>offsetof<Rows>();
  const aside = Workspace.c;
  copy_partial(initial, initial_row, aside, 32, rows, left);
  gemm_tile_f32<Rows>(a, Tiles.last_panel, 32, aside, 32, aside, 32);
  copy_partial(aside, 32, c, c_row, rows, left);
}

/** `rows` rows of C, 1 to 6 of them. */
export function gemm_row_of_tiles_f32(rows: i32, a: usize, b: usize, initial: usize, c: usize): void {
  switch (rows) {
    case 1:
      gemm_tiles_f32<Rows1>(a, b, initial, c);
      break;
    case 2:
      gemm_tiles_f32<Rows2>(a, b, initial, c);
      break;
    case 3:
      gemm_tiles_f32<Rows3>(a, b, initial, c);
      break;
    case 4:
      gemm_tiles_f32<Rows4>(a, b, initial, c);
      break;
    case 5:
      gemm_tiles_f32<Rows5>(a, b, initial, c);
      break;
    default:
      // No tile has six rows where `Block.tile_rows` is five.
      if (ASC_FEATURE_RELAXED_SIMD) gemm_tiles_f32<Rows6>(a, b, initial, c);
  }
}
