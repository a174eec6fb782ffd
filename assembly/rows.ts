/** Sums and the like over one row of `count` numbers, count >= 1. */
import { F32x4 } from './simd';

/** The largest; NaN where the first is NaN, else NaNs are left out. */
export function max_row(values: usize, count: i32): f32 {
  let most = f32x4.splat(load<f32>(values));
  for (; count >= 4; count -= 4, values += 16) most = F32x4.max(most, v128.load(values));
  if (count > 0) most = F32x4.max(most, F32x4.keep(F32x4.load_last(values, count), count, most));
  return F32x4.reduce_max(most);
}

export function sum_row(values: usize, count: i32): f32 {
  let sum = f32x4.splat(0.0);
  for (; count >= 4; count -= 4, values += 16) sum = f32x4.add(sum, v128.load(values));
  if (count > 0) sum = f32x4.add(sum, F32x4.load_last(values, count));
  return F32x4.reduce_add(sum);
}

export function dot_row(a: usize, b: usize, count: i32): f32 {
  let sum = f32x4.splat(0.0);
  for (; count > 0; count -= 4, a += 16, b += 16) {
    sum = F32x4.fma(F32x4.load_last(a, count), F32x4.load_last(b, count), sum);
  }
  return F32x4.reduce_add(sum);
}

/** values[i] *= factor. */
export function scale_row(values: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (; count >= 4; count -= 4, values += 16) v128.store(values, f32x4.mul(v128.load(values), factors));
  if (count > 0) F32x4.store_last(values, f32x4.mul(F32x4.load_last(values, count), factors), count);
}

/** Index of the first largest; a NaN is never larger, but nothing is larger than a NaN in first place. */
export function argmax_row(values: usize, count: i32): i32 {
  const most = max_row(values, count);
  for (let j: i32 = 0; j < count; j++) {
    if (load<f32>(values + ((<usize>j) << 2)) === most) return j;
  }
  return 0;
}
