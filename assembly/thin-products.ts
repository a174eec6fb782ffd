/**
 * Products in which one extent is 1, and products of a few numbers: those that a tile of registers does not suit.
 * Strides are bytes.
 */
import { F32x4 } from './simd';

/** C = initial + A B for a handful of numbers. `initial` may be 0. */
export function tiny_product_f32(
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
  for (let i: i32 = 0; i < rows; i++, a += a_row) {
    let b_j = b;
    for (let j: i32 = 0; j < columns; j++, b_j += b_column, c += 4) {
      let sum: f32 = initial === 0 ? 0 : load<f32>(initial + ((<usize>j) << 2));
      let a_at = a;
      let b_at = b_j;
      for (let k = depth; k > 0; k--, a_at += a_column, b_at += b_row) {
        sum += load<f32>(a_at) * load<f32>(b_at);
      }
      store<f32>(c, sum);
    }
  }
}

/** C[i,j] = initial[i,j] + a[i] b[j]; `initial` may be 0, or a single row that is repeated if `initial_row` is 0. */
export function outer_product_f32(
  rows: i32,
  columns: i32,
  a: usize,
  a_row: usize,
  b: usize,
  initial: usize,
  initial_row: usize,
  c: usize,
): void {
  const c_row = (<usize>columns) << 2;
  for (; rows > 0; rows--, a += a_row, initial += initial_row, c += c_row) {
    const x = v128.load32_splat(a);
    let at: usize = 0;
    let n = columns;
    if (initial === 0) {
      for (; n >= 4; n -= 4, at += 16) v128.store(c + at, f32x4.mul(x, v128.load(b + at)));
    } else {
      for (; n >= 4; n -= 4, at += 16) {
        v128.store(c + at, F32x4.fma(x, v128.load(b + at), v128.load(initial + at)));
      }
    }
    if (n > 0) {
      const first = initial === 0 ? f32x4.splat(0.0) : F32x4.load_last(initial + at, n);
      F32x4.store_last(c + at, F32x4.fma(x, F32x4.load_last(b + at, n), first), n);
    }
  }
}

class FourRows {
  /** Adds four rows of B, times a number each, to four columns of y. */
  @inline static add(
    y: usize,
    b0: usize,
    b1: usize,
    b2: usize,
    b3: usize,
    x0: v128,
    x1: v128,
    x2: v128,
    x3: v128,
  ): void {
    let sum = F32x4.fma(v128.load(b0), x0, v128.load(y));
    sum = F32x4.fma(v128.load(b1), x1, sum);
    sum = F32x4.fma(v128.load(b2), x2, sum);
    sum = F32x4.fma(v128.load(b3), x3, sum);
    v128.store(y, sum);
  }
}

/** y[j] += Σ_k a[k] B[k,j] for whole vectors of columns, up to byte `end` of y; four rows of B at a time. */
function add_rows_f32(
  depth: i32,
  a: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  y: usize,
  end: usize,
): void {
  for (; depth >= 4; depth -= 4, a += 4 * a_column, b += 4 * b_row) {
    const x0 = v128.load32_splat(a);
    const x1 = v128.load32_splat(a + a_column);
    const x2 = v128.load32_splat(a + 2 * a_column);
    const x3 = v128.load32_splat(a + 3 * a_column);
    const b1 = b + b_row;
    const b2 = b1 + b_row;
    const b3 = b2 + b_row;
    let at: usize = 0;
    // Vector by vector: see "Loops in AssemblyScript" in CONTRIBUTING.md.
    for (; at + 128 <= end; at += 128) {
      const y_at = y + at;
      const p0 = b + at;
      const p1 = b1 + at;
      const p2 = b2 + at;
      const p3 = b3 + at;
      FourRows.add(y_at, p0, p1, p2, p3, x0, x1, x2, x3);
      FourRows.add(y_at + 16, p0 + 16, p1 + 16, p2 + 16, p3 + 16, x0, x1, x2, x3);
      FourRows.add(y_at + 32, p0 + 32, p1 + 32, p2 + 32, p3 + 32, x0, x1, x2, x3);
      FourRows.add(y_at + 48, p0 + 48, p1 + 48, p2 + 48, p3 + 48, x0, x1, x2, x3);
      FourRows.add(y_at + 64, p0 + 64, p1 + 64, p2 + 64, p3 + 64, x0, x1, x2, x3);
      FourRows.add(y_at + 80, p0 + 80, p1 + 80, p2 + 80, p3 + 80, x0, x1, x2, x3);
      FourRows.add(y_at + 96, p0 + 96, p1 + 96, p2 + 96, p3 + 96, x0, x1, x2, x3);
      FourRows.add(y_at + 112, p0 + 112, p1 + 112, p2 + 112, p3 + 112, x0, x1, x2, x3);
    }
    for (; at !== end; at += 16) FourRows.add(y + at, b + at, b1 + at, b2 + at, b3 + at, x0, x1, x2, x3);
  }
  for (; depth > 0; depth--, a += a_column, b += b_row) {
    const x = v128.load32_splat(a);
    for (let at: usize = 0; at !== end; at += 16) {
      v128.store(y + at, F32x4.fma(v128.load(b + at), x, v128.load(y + at)));
    }
  }
}

/** y[j] = initial[j] + Σ_k a[k] B[k,j]; `initial` may be 0. */
export function row_product_f32(
  columns: i32,
  depth: i32,
  a: usize,
  a_column: usize,
  b: usize,
  b_row: usize,
  initial: usize,
  y: usize,
): void {
  const y_bytes = (<usize>columns) << 2;
  if (initial === 0) memory.fill(y, 0, y_bytes);
  else memory.copy(y, initial, y_bytes);
  const end = y_bytes & ~15;
  if (end !== 0) add_rows_f32(depth, a, a_column, b, b_row, y, end);
  const rest = columns & 3;
  if (rest === 0) return;
  b += end;
  y += end;
  let sum = F32x4.load_last(y, rest);
  for (; depth > 0; depth--, a += a_column, b += b_row) {
    sum = F32x4.fma(v128.load32_splat(a), F32x4.load_first(b, rest), sum);
  }
  F32x4.store_last(y, sum, rest);
}

/** y[i] = initial + Σ_k matrix[i,k] x[k], both contiguous along k; four rows at a time. */
export function column_product_f32(
  rows: i32,
  depth: i32,
  matrix: usize,
  matrix_row: usize,
  x: usize,
  initial: f32,
  y: usize,
): void {
  for (; rows > 0; rows -= 4, matrix += 4 * matrix_row, y += 16) {
    // Rows that do not exist repeat the last one.
    let m0 = matrix;
    let m1 = rows > 1 ? m0 + matrix_row : m0;
    let m2 = rows > 2 ? m1 + matrix_row : m1;
    let m3 = rows > 3 ? m2 + matrix_row : m2;
    let s0 = f32x4.splat(0.0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let x_at = x;
    let n = depth;
    for (; n >= 4; n -= 4, x_at += 16) {
      const x_k = v128.load(x_at);
      s0 = F32x4.fma(v128.load(m0), x_k, s0);
      s1 = F32x4.fma(v128.load(m1), x_k, s1);
      s2 = F32x4.fma(v128.load(m2), x_k, s2);
      s3 = F32x4.fma(v128.load(m3), x_k, s3);
      m0 += 16;
      m1 += 16;
      m2 += 16;
      m3 += 16;
    }
    if (n > 0) {
      const x_k = F32x4.load_first(x_at, n);
      s0 = F32x4.fma(F32x4.load_first(m0, n), x_k, s0);
      s1 = F32x4.fma(F32x4.load_first(m1, n), x_k, s1);
      s2 = F32x4.fma(F32x4.load_first(m2, n), x_k, s2);
      s3 = F32x4.fma(F32x4.load_first(m3, n), x_k, s3);
    }
    const sums = F32x4.reduce_add_each(s0, s1, s2, s3);
    F32x4.store_first(y, f32x4.add(f32x4.splat(initial), sums), rows);
  }
}
