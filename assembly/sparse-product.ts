/**
 * C = initial + A B, or C += A B, for an A of mostly zeros, whose terms are left out: no finite sum depends on them.
 * Shapes and strides as in gemm.ts; the rows of B are contiguous.
 */
import { finish_tiles, part_begin, parts_of } from './gemm';
import { Share } from './share';
import { F32x4 } from './simd';
import { Block, Workspace, ZEROS } from './workspace';

/** One number of A in so many may be other than zero: a term takes longer than one of a tile. */
const ZEROS_PER_TERM: i32 = 3;
/** Terms from which on looking for zeros pays, and columns of C. */
const MANY_TERMS: i64 = 65536;
const MANY_COLUMNS: i32 = 16;
/** Rows of the matrix that are looked at. */
const SAMPLES: i32 = 8;
/** Rows of a block of A, and its columns where sums may go on in C: 32 columns of B stay in the first-level cache. */
const ROWS: i32 = 64;
const DEPTH: i32 = 128;
/** Bytes of a packed row of B. From so many rows of A on B is packed: rows a power of two apart share few cache lines. */
const PACKED_ROW: usize = 128;
const PACKING_ROWS: i32 = 24;
/** Terms of a row of a block: where the row of B lies, in bytes from the first, and the factor. */
const ROW_BYTES: usize = ((<usize>Block.depth) << 3) + 64;
const COUNTS: usize = <usize>ROWS * ROW_BYTES;
const PACKED: usize = COUNTS + ((<usize>ROWS) << 2);

function filled_lanes(v: v128): i32 {
  return i32x4.bitmask(f32x4.ne(v, f32x4.splat(0)));
}

/** Whether a row-major matrix has so many zeros that products with it leave them out. All shares ask for all of it. */
export function is_sparse(matrix: usize, rows: i32, width: i32, columns: i32): bool {
  if (columns < MANY_COLUMNS || <i64>rows * width * columns < MANY_TERMS) return false;
  const samples = min(rows, SAMPLES);
  let filled: i32 = 0;
  for (let sample: i32 = 0; sample < samples; sample++) {
    let at = matrix + ((<usize>(((<i64>rows * sample) / samples) * width)) << 2);
    for (let n = width; n > 0; n -= 4, at += 16) filled += popcnt(filled_lanes(F32x4.load_first(at, n)));
  }
  return filled * ZEROS_PER_TERM <= samples * width;
}

/** Adds a term to row `row` of a block. */
function add_term(row: i32, from: usize, factor: f32): void {
  const count = Workspace.panels + COUNTS + ((<usize>row) << 2);
  const at = load<i32>(count);
  store<i32>(count, at + 1);
  const term = Workspace.panels + <usize>row * ROW_BYTES + ((<usize>at) << 3);
  store<u32>(term, <u32>from);
  store<f32>(term, factor, 4);
}

/** Finds the terms of a block of A. */
function find_terms(a: usize, a_row: usize, a_column: usize, rows: i32, depth: i32, b_row: usize): void {
  memory.fill(Workspace.panels + COUNTS, 0, (<usize>rows) << 2);
  const is_by_row = a_column === 4;
  const lines = is_by_row ? rows : depth;
  const length = is_by_row ? depth : rows;
  const step = is_by_row ? a_row : a_column;
  for (let line: i32 = 0; line < lines; line++, a += step) {
    for (let first: i32 = 0; first < length; first += 4) {
      const at = a + ((<usize>first) << 2);
      let lanes = filled_lanes(F32x4.load_first(at, length - first));
      for (; lanes !== 0; lanes &= lanes - 1) {
        const lane = ctz(lanes);
        const factor = load<f32>(at + ((<usize>lane) << 2));
        if (is_by_row) add_term(line, <usize>(first + lane) * b_row, factor);
        else add_term(first + lane, <usize>line * b_row, factor);
      }
    }
  }
}

/** The sums of 32 columns of a row of C, which begin with what lies at `from`. */
function add_terms_f32(term: usize, end: usize, b: usize, from: usize, to: usize, accumulate: bool): void {
  // From the last to the first: see "Loops in AssemblyScript" in CONTRIBUTING.md.
  let s7 = v128.load(from, 112);
  let s6 = v128.load(from, 96);
  let s5 = v128.load(from, 80);
  let s4 = v128.load(from, 64);
  let s3 = v128.load(from, 48);
  let s2 = v128.load(from, 32);
  let s1 = v128.load(from, 16);
  let s0 = v128.load(from);
  for (; term < end; term += 8) {
    const row = b + <usize>load<u32>(term);
    const factor = v128.load32_splat(term, 4);
    s0 = F32x4.fma(factor, v128.load(row), s0);
    s1 = F32x4.fma(factor, v128.load(row, 16), s1);
    s2 = F32x4.fma(factor, v128.load(row, 32), s2);
    s3 = F32x4.fma(factor, v128.load(row, 48), s3);
    s4 = F32x4.fma(factor, v128.load(row, 64), s4);
    s5 = F32x4.fma(factor, v128.load(row, 80), s5);
    s6 = F32x4.fma(factor, v128.load(row, 96), s6);
    s7 = F32x4.fma(factor, v128.load(row, 112), s7);
  }
  if (accumulate) {
    s0 = f32x4.add(v128.load(to), s0);
    s1 = f32x4.add(v128.load(to, 16), s1);
    s2 = f32x4.add(v128.load(to, 32), s2);
    s3 = f32x4.add(v128.load(to, 48), s3);
    s4 = f32x4.add(v128.load(to, 64), s4);
    s5 = f32x4.add(v128.load(to, 80), s5);
    s6 = f32x4.add(v128.load(to, 96), s6);
    s7 = f32x4.add(v128.load(to, 112), s7);
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
  v128.store(to, s5, 80);
  v128.store(to, s6, 96);
  v128.store(to, s7, 112);
}

/** As `add_terms_f32`, of up to four columns. */
function add_terms_of_few_f32(
  term: usize,
  end: usize,
  b: usize,
  from: usize,
  to: usize,
  accumulate: bool,
  columns: i32,
): void {
  let sum = F32x4.load_last(from, columns);
  for (; term < end; term += 8) {
    sum = F32x4.fma(v128.load32_splat(term, 4), F32x4.load_first(b + <usize>load<u32>(term), columns), sum);
  }
  F32x4.store_last(to, accumulate ? f32x4.add(F32x4.load_last(to, columns), sum) : sum, columns);
}

/** Packs 32 columns of B, or up to four, and returns where they lie. */
function pack_columns_f32(b: usize, b_row: usize, depth: i32, columns: i32): usize {
  const packed = Workspace.panels + PACKED;
  for (let to = packed; depth > 0; depth--, b += b_row, to += PACKED_ROW) {
    if (columns < 32) {
      v128.store(to, F32x4.load_last(b, columns));
      continue;
    }
    v128.store(to, v128.load(b));
    v128.store(to, v128.load(b, 16), 16);
    v128.store(to, v128.load(b, 32), 32);
    v128.store(to, v128.load(b, 48), 48);
    v128.store(to, v128.load(b, 64), 64);
    v128.store(to, v128.load(b, 80), 80);
    v128.store(to, v128.load(b, 96), 96);
    v128.store(to, v128.load(b, 112), 112);
  }
  return packed;
}

/** This thread's share. What belongs to C itself is summed apart; other sums go on in C from block to block. */
export function sparse_product_f32(
  rows: i32,
  columns: i32,
  depth: i32,
  a: usize,
  a_row: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  initial: usize,
  accumulate: bool,
  c: usize,
): void {
  const parts = parts_of(depth, accumulate ? Block.depth : DEPTH);
  const first_column = Share.first_column();
  const end_column = Share.end_column(columns);
  const end_row = Share.end_row(rows);
  for (let top = Share.first_row(); top < end_row; top += ROWS) {
    const height = min(end_row - top, ROWS);
    const packs = height >= PACKING_ROWS;
    for (let part: i32 = 0; part < parts; part++) {
      const k = part_begin(depth, parts, part);
      const block = a + <usize>top * a_row + <usize>k * a_column;
      const steps = part_begin(depth, parts, part + 1) - k;
      find_terms(block, a_row, a_column, height, steps, packs ? PACKED_ROW : b_row);
      const b_block = b + <usize>k * b_row;
      for (let j = first_column; j < end_column; ) {
        const wide = end_column - j >= 32;
        const width = wide ? 32 : min(end_column - j, 4);
        const left = (<usize>j) << 2;
        const b_at = packs ? pack_columns_f32(b_block + left, b_row, steps, width) : b_block + left;
        for (let i: i32 = 0; i < height; i++) {
          const term = Workspace.panels + <usize>i * ROW_BYTES;
          const end = term + ((<usize>load<i32>(Workspace.panels + COUNTS + ((<usize>i) << 2))) << 3);
          if (term === end && (accumulate || part > 0)) continue;
          const to = c + ((<usize>(top + i) * <usize>columns) << 2) + left;
          const from = part > 0 && !accumulate ? to : initial === 0 ? ZEROS : initial + left;
          if (wide) add_terms_f32(term, end, b_at, from, to, accumulate);
          else add_terms_of_few_f32(term, end, b_at, from, to, accumulate, width);
        }
        j += width;
      }
    }
    finish_tiles(c, top, height, first_column, end_column - first_column, columns);
  }
}
