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

/** C[i,j] = initial[j] + a[i] b[j]. */
export function outer_product_f32(
  rows: i32,
  columns: i32,
  a: usize,
  a_row: usize,
  b: usize,
  initial: usize,
  c: usize,
): void {
  for (; rows > 0; rows--, a += a_row, c += (<usize>columns) << 2) {
    const x = v128.load32_splat(a);
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      const product = f32x4.mul(x, F32x4.load_first(b + at, n));
      const sum = initial === 0 ? product : f32x4.add(F32x4.load_first(initial + at, n), product);
      F32x4.store_first(c + at, sum, n);
    }
  }
}

/** y[j] = initial[j] + Σ_k a[k] B[k,j], four rows of B at a time; `initial` may be 0. */
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
  let from = initial;
  for (; depth >= 4; depth -= 4) {
    const x0 = v128.load32_splat(a);
    const x1 = v128.load32_splat(a + a_column);
    const x2 = v128.load32_splat(a + 2 * a_column);
    const x3 = v128.load32_splat(a + 3 * a_column);
    const b1 = b + b_row;
    const b2 = b1 + b_row;
    const b3 = b2 + b_row;
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      let sum = from === 0 ? f32x4.splat(0.0) : F32x4.load_first(from + at, n);
      sum = F32x4.fma(x0, F32x4.load_first(b + at, n), sum);
      sum = F32x4.fma(x1, F32x4.load_first(b1 + at, n), sum);
      sum = F32x4.fma(x2, F32x4.load_first(b2 + at, n), sum);
      sum = F32x4.fma(x3, F32x4.load_first(b3 + at, n), sum);
      F32x4.store_first(y + at, sum, n);
    }
    a += 4 * a_column;
    b += 4 * b_row;
    from = y;
  }
  for (; depth > 0; depth--, a += a_column, b += b_row) {
    const x = v128.load32_splat(a);
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      const sum = from === 0 ? f32x4.splat(0.0) : F32x4.load_first(from + at, n);
      F32x4.store_first(y + at, F32x4.fma(x, F32x4.load_first(b + at, n), sum), n);
    }
    from = y;
  }
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
    const m1 = rows > 1 ? matrix + matrix_row : matrix;
    const m2 = rows > 2 ? m1 + matrix_row : m1;
    const m3 = rows > 3 ? m2 + matrix_row : m2;
    let s0 = f32x4.splat(0.0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let at: usize = 0, n = depth; n > 0; n -= 4, at += 16) {
      const x_k = F32x4.load_first(x + at, n);
      s0 = F32x4.fma(F32x4.load_first(matrix + at, n), x_k, s0);
      s1 = F32x4.fma(F32x4.load_first(m1 + at, n), x_k, s1);
      s2 = F32x4.fma(F32x4.load_first(m2 + at, n), x_k, s2);
      s3 = F32x4.fma(F32x4.load_first(m3 + at, n), x_k, s3);
    }
    const sums = F32x4.reduce_add_each(s0, s1, s2, s3);
    F32x4.store_first(y, f32x4.add(f32x4.splat(initial), sums), rows);
  }
}
