/**
 * C = initial + A B, where C is rows × columns, A rows × depth and B depth × columns, and `initial` one row that every
 * row of C begins with (0 for zeros). C is contiguous. A and B come by the distances, in bytes, from one row and from
 * one column to the next; one of the two is 4.
 */
import { Epilogue } from './epilogue';
import { gemm_row_of_tiles_f32, Tiles } from './gemm-tile';
import { pack_panel_f32, pack_transposed_panel_f32, transpose_f32 } from './packing';
import { Share } from './share';
import { F32x4 } from './simd';
import { column_product_f32, outer_product_f32, row_product_f32, tiny_product_f32 } from './thin-products';
import { Block, Workspace, ZEROS } from './workspace';

/** Products of fewer multiplications than this are not worth a vector. */
export const TINY: i32 = 32;

/** What becomes of the sums of a product, and what they begin with. */
enum Sums {
  /** They are C, which is finished by the epilogue; every row begins with `initial`. */
  finished,
  /** They are C; `initial` has eight equal numbers for each row. */
  stored,
  /** They are added to C. */
  added,
}

/** Computes C by the kernel that suits its shape, and finishes it by the epilogue. */
export function product_f32(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  a_row: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  b_column: usize,
  initial: usize,
  c: usize,
): void {
  if (depth === 1) {
    outer_product_f32(rows, columns, a, a_row, b, initial, 0, c);
  } else if (rows < TINY && columns < TINY && depth < TINY && rows * columns * depth < TINY) {
    tiny_product_f32(rows, columns, depth, a, a_row, a_column, b, b_row, b_column, initial, c);
  } else if (columns === 1 && a_column === 4) {
    column_product_f32(rows, depth, a, a_row, b, initial === 0 ? 0 : load<f32>(initial), c);
  } else if (columns === 1) {
    row_product_f32(rows, depth, b, b_row, a, a_column, 0, c);
  } else if (b_column === 4 && rows === 1) {
    row_product_f32(columns, depth, a, a_column, b, b_row, initial, c);
  } else if (b_column !== 4 && rows <= Block.dot_rows) {
    for (let i: i32 = 0; i < rows; i++) {
      const y = c + ((<usize>(i * columns)) << 2);
      column_product_f32(columns, depth, b, b_column, a + <usize>i * a_row, 0, y);
    }
  } else if (pays_turned(rows, columns, a_column === 4)) {
    turned_gemm_f32(rows, columns, depth, a, a_row, a_column, b, b_row, b_column, initial, c);
  } else {
    gemm_f32(rows, columns, depth, a, a_row, a_column, b, b_row, b_column, initial, Sums.finished, c);
    return;
  }
  Epilogue.finish(c, 0, rows * columns);
}

/** C += A B, with the rows of B contiguous. The sum of A B is rounded by itself, so that small terms are not lost. */
export function add_product_f32(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  a_row: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  c: usize,
): void {
  if (depth === 1) outer_product_f32(rows, columns, a, a_row, b, c, (<usize>columns) << 2, c);
  else gemm_f32(rows, columns, depth, a, a_row, a_column, b, b_row, 4, 0, Sums.added, c);
}

/** Number `index` of `parts` nearly equal parts of `total` begins here. */
export function part_begin(total: i32, parts: i32, index: i32): i32 {
  const rest = total % parts;
  return (total / parts) * index + (index < rest ? index : rest);
}

export function parts_of(total: i32, at_most: i32): i32 {
  return (total + at_most - 1) / at_most;
}

/** This thread's share of any shape, by tiles: blocks of columns of C, within them blocks of depth, then rows of tiles. */
function gemm_f32(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  a_row: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  b_column: usize,
  initial: usize,
  sums: Sums,
  c: usize,
): void {
  const accumulate = sums === Sums.added;
  const spread = sums === Sums.stored && initial !== 0;
  const packs = b_column !== 4 || (rows >= Block.packing_rows && columns >= Block.packing_columns);
  const column_step = packs || accumulate ? Block.columns : columns;
  const depth_parts = parts_of(depth, Block.depth);
  const first_row = Share.first_row();
  const share_rows = Share.end_row(rows) - first_row;
  const end_column = Share.end_column(columns);
  const row_parts = parts_of(share_rows, Block.tile_rows);
  const c_row = (<usize>columns) << 2;
  Tiles.a_row = a_row;
  Tiles.c_row = accumulate ? (<usize>Block.columns) << 2 : c_row;
  for (let j = Share.first_column(); j < end_column; j += column_step) {
    const block_columns = min(end_column - j, column_step);
    Tiles.columns = block_columns;
    for (let part: i32 = 0; part < depth_parts; part++) {
      const k = part_begin(depth, depth_parts, part);
      Tiles.depth = part_begin(depth, depth_parts, part + 1) - k;
      const b_block = b + <usize>k * b_row + <usize>j * b_column;
      const panels = place_panels(b_block, b_row, b_column, packs);
      const is_first = accumulate || part === 0;
      Tiles.initial_row = !is_first ? c_row : spread ? 32 : 0;
      Tiles.initial_column = is_first && (initial === 0 || spread) ? 0 : 32;
      for (let tile: i32 = 0; tile < row_parts; tile++) {
        const i = first_row + part_begin(share_rows, row_parts, tile);
        const tile_rows = first_row + part_begin(share_rows, row_parts, tile + 1) - i;
        const at = c + <usize>i * c_row + ((<usize>j) << 2);
        const begins = initial === 0 ? ZEROS : initial + (spread ? (<usize>i) << 5 : (<usize>j) << 2);
        let a_tile = a + <usize>i * a_row + <usize>k * a_column;
        if (a_column !== 4) {
          Tiles.a_row = (<usize>Tiles.depth) << 2;
          transpose_f32(a_tile, a_column, Tiles.depth, tile_rows, Workspace.a, Tiles.a_row);
          a_tile = Workspace.a;
        }
        const to = accumulate ? Workspace.sums : at;
        gemm_row_of_tiles_f32(tile_rows, a_tile, panels, is_first ? begins : at, to);
        if (accumulate) add_rows_f32(to, tile_rows, block_columns, at, c_row);
        else if (sums === Sums.finished && part === depth_parts - 1)
          finish_tiles(c, i, tile_rows, j, block_columns, columns);
      }
    }
  }
}

/** Whether few columns are better computed as rows: if a panel lacks some, or if tiles need A, given by columns, turned. */
function pays_turned(rows: i32, columns: i32, is_by_row: bool): bool {
  if (rows < 8) return false;
  return is_by_row ? columns < 13 && (-columns & 7) > 1 : columns < 21;
}

/**
 * C by way of its transpose Bᵀ Aᵀ, as many rows of A at a time as the workspace holds. Products of so few columns are
 * never divided among threads (`partition.ts`).
 */
function turned_gemm_f32(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  a_row: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  b_column: usize,
  initial: usize,
  c: usize,
): void {
  const c_row = (<usize>columns) << 2;
  const turned = Workspace.sums;
  const most = (Block.sums / columns - 8) & ~7;
  let spread: usize = 0;
  if (initial !== 0) {
    spread = turned + <usize>most * c_row;
    for (let j: i32 = 0; j < columns; j++) {
      const first = v128.load32_splat(initial + ((<usize>j) << 2));
      const to = spread + ((<usize>j) << 5);
      v128.store(to, first);
      v128.store(to, first, 16);
    }
  }
  for (let i: i32 = 0; i < rows; i += most) {
    const n = min(rows - i, most);
    const rows_of_a = a + <usize>i * a_row;
    gemm_f32(columns, n, depth, b, b_column, b_row, rows_of_a, a_column, a_row, spread, Sums.stored, turned);
    transpose_f32(turned, (<usize>n) << 2, columns, n, c + <usize>i * c_row, c_row);
  }
}

/** Adds rows of sums, `Block.columns` apart, to rows of C. */
function add_rows_f32(sums: usize, rows: i32, columns: i32, c: usize, c_row: usize): void {
  for (; rows > 0; rows--, sums += (<usize>Block.columns) << 2, c += c_row) {
    let at: usize = 0;
    let n = columns;
    for (; n >= 4; n -= 4, at += 16) v128.store(c + at, f32x4.add(v128.load(c + at), v128.load(sums + at)));
    if (n > 0) {
      const sum = f32x4.add(F32x4.load_last(c + at, n), F32x4.load_last(sums + at, n));
      F32x4.store_last(c + at, sum, n);
    }
  }
}

/** Packs the panels of a block of B, or the last one only if it is not whole; returns the first. */
function place_panels(b: usize, b_row: usize, b_column: usize, packs: bool): usize {
  const depth = Tiles.depth;
  const columns = Tiles.columns;
  const panel_bytes = (<usize>depth) << 5;
  Tiles.b_panel = packs ? panel_bytes : 32;
  Tiles.b_row = packs ? 32 : b_row;
  Tiles.last_panel = Workspace.panels;
  if (packs) {
    let panel = Workspace.panels;
    for (let left = columns; left > 0; left -= 8, b += 8 * b_column, panel += panel_bytes) {
      Tiles.last_panel = panel;
      if (b_column === 4) pack_panel_f32(b, b_row, depth, left, panel);
      else pack_transposed_panel_f32(b, b_column, depth, min(left, 8), panel);
    }
    return Workspace.panels;
  }
  const rest = columns & 7;
  if (rest !== 0) pack_panel_f32(b + ((<usize>(columns - rest)) << 2), b_row, depth, rest, Workspace.panels);
  return b;
}

/** Finishes `rows` × `columns` numbers of C, which has `row_length` columns. */
export function finish_tiles(
  c: usize,
  row: i32,
  rows: i32,
  column: i32,
  columns: i32,
  row_length: i32,
): void {
  if (columns === row_length) {
    Epilogue.finish(c, row * row_length, rows * row_length);
    return;
  }
  for (let i = row; i < row + rows; i++) Epilogue.finish(c, i * row_length + column, columns);
}
