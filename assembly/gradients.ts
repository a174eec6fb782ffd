/**
 * What happens to gradients before an update, and to parameters after it. Scalars come by address, 0 where absent.
 */
import { ClipCode } from '../src/opcodes';
import { Batch } from './batch';
import { optional_scalar } from './optimizers';
import { F32x4 } from './simd';

export function count_batches(batches: usize, first: i32): void {
  store<f64>(batches, first !== 0 ? 1 : load<f64>(batches) + 1);
}

export function gradient_squares(gradient: usize, count: i32, block: i32, sums: usize): void {
  for (; count > 0; count -= block, sums += 4) {
    let sum = f32x4.splat(0);
    const end = gradient + ((<usize>min(count, block)) << 2);
    for (; gradient + 16 <= end; gradient += 16) {
      const g = v128.load(gradient);
      sum = f32x4.add(sum, f32x4.mul(g, g));
    }
    if (gradient < end) {
      const g = F32x4.load_first(gradient, <i32>((end - gradient) >> 2));
      sum = f32x4.add(sum, f32x4.mul(g, g));
      gradient = end;
    }
    store<f32>(sums, F32x4.reduce_add(sum));
  }
}

export function gradient_norm(sums: usize, count: i32, norm: usize): void {
  let sum: f64 = 0;
  for (let i = 0; i < count; i++, sums += 4) sum += <f64>load<f32>(sums);
  store<f64>(norm, sqrt<f64>(sum));
}

export function clip_gradient(
  gradient: usize,
  count: i32,
  kind: i32,
  limit_at: usize,
  measure_at: usize,
): void {
  const limit = optional_scalar(limit_at);
  const measure = optional_scalar(measure_at);
  if (kind === ClipCode.norm && !(measure > limit)) return;
  const most = f32x4.splat(<f32>limit);
  const least = f32x4.neg(most);
  const factor = f32x4.splat(<f32>(kind === ClipCode.mean ? 1 / measure : limit / measure));
  for (; count > 0; count -= 4, gradient += 16) {
    const n = min(count, 4);
    const g = F32x4.load_first(gradient, n);
    const clipped = kind === ClipCode.value ? F32x4.min(F32x4.max(g, least), most) : f32x4.mul(factor, g);
    F32x4.store_first(gradient, clipped, n);
  }
}

export function penalty(
  parameters: usize,
  gradient: usize,
  count: i32,
  l1_at: usize,
  l2_at: usize,
  per_row: i32,
): void {
  const scale: f64 = per_row !== 0 ? 1 / <f64>Batch.rows : 1;
  const l1 = f32x4.splat(<f32>(scale * optional_scalar(l1_at)));
  const l2 = f32x4.splat(<f32>(scale * optional_scalar(l2_at)));
  for (; count > 0; count -= 4, parameters += 16, gradient += 16) {
    const n = min(count, 4);
    const w = F32x4.load_first(parameters, n);
    const g = F32x4.fma(l2, w, F32x4.load_first(gradient, n));
    F32x4.store_first(gradient, F32x4.fma(l1, F32x4.sign(w), g), n);
  }
}

export function max_norm(weights: usize, inputs: i32, units: i32, limit_at: usize): void {
  const limit = f32x4.splat(<f32>load<f64>(limit_at));
  const row_bytes = (<usize>units) << 2;
  const bytes = <usize>inputs * row_bytes;
  for (let left = units; left > 0; left -= 4, weights += 16) {
    const n = min(left, 4);
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += row_bytes) {
      const w = F32x4.load_first(weights + at, n);
      sum = F32x4.fma(w, w, sum);
    }
    const norm = f32x4.sqrt(sum);
    const larger = f32x4.gt(norm, limit);
    if (!v128.any_true(larger)) continue;
    const factor = F32x4.select(larger, f32x4.div(limit, norm), f32x4.splat(1));
    for (let at: usize = 0; at < bytes; at += row_bytes) {
      F32x4.store_first(weights + at, f32x4.mul(factor, F32x4.load_first(weights + at, n)), n);
    }
  }
}

export function average_step(parameters: usize, average: usize, count: i32, decay: usize): void {
  const rest = f32x4.splat(<f32>(1 - load<f64>(decay)));
  for (; count > 0; count -= 4, parameters += 16, average += 16) {
    const n = min(count, 4);
    const kept = F32x4.load_first(average, n);
    const moved = F32x4.fma(rest, f32x4.sub(F32x4.load_first(parameters, n), kept), kept);
    F32x4.store_first(average, moved, n);
  }
}
