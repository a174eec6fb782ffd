/**
 * What happens to gradients before an update, and to parameters after it. Scalars come by address, 0 where absent.
 */
import { ClipCode } from '../src/opcodes';
import { Batch } from './batch';
import { optional_scalar } from './optimizers';
import { Share } from './share';
import { F32x4 } from './simd';
import { Workspace } from './workspace';

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
      const g = F32x4.load_last(gradient, <i32>((end - gradient) >> 2));
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

/** What `combine` does to numbers x of a buffer, with those y of another. */
enum Combination {
  /** x into [-p, p]. */
  clip,
  /** p x. */
  scale,
  /** x + p sign(y) + q y. */
  penalise,
  /** x + p (y - x). */
  approach,
}

/** Combines the share of this thread of `count` numbers. */
function combine(kind: Combination, x: usize, y: usize, count: i32, p: f64, q: f64): void {
  const begin = (<usize>Share.first_column()) << 2;
  const bytes = (<usize>Share.end_column(count)) << 2;
  const end = bytes & ~15;
  combine_whole(kind, x + begin, y + begin, end - begin, <f32>p, <f32>q);
  const rest = <i32>((bytes - end) >> 2);
  if (rest === 0) return;
  const last = Workspace.last;
  v128.store(last, F32x4.load_last(x + end, rest));
  v128.store(last, F32x4.load_last(y + end, rest), 16);
  combine_whole(kind, last, last + 16, 16, <f32>p, <f32>q);
  F32x4.store_last(x + end, v128.load(last), rest);
}

function combine_whole(kind: Combination, x: usize, y: usize, bytes: usize, p: f32, q: f32): void {
  const p_f32x4 = f32x4.splat(p);
  const q_f32x4 = f32x4.splat(q);
  for (const end = x + bytes; x < end; x += 16, y += 16) {
    let one = v128.load(x);
    const other = v128.load(y);
    switch (kind) {
      case Combination.clip:
        one = F32x4.min(F32x4.max(one, f32x4.neg(p_f32x4)), p_f32x4);
        break;
      case Combination.scale:
        one = f32x4.mul(p_f32x4, one);
        break;
      case Combination.penalise:
        one = F32x4.fma(p_f32x4, F32x4.sign(other), F32x4.fma(q_f32x4, other, one));
        break;
      case Combination.approach:
        one = F32x4.fma(p_f32x4, f32x4.sub(other, one), one);
        break;
    }
    v128.store(x, one);
  }
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
  if (kind === ClipCode.value) combine(Combination.clip, gradient, gradient, count, limit, 0);
  else {
    const factor = kind === ClipCode.mean ? 1 / measure : limit / measure;
    combine(Combination.scale, gradient, gradient, count, factor, 0);
  }
}

export function penalty(
  parameters: usize,
  gradient: usize,
  count: i32,
  l1: usize,
  l2: usize,
  per_row: i32,
): void {
  const scale: f64 = per_row !== 0 ? 1 / <f64>Batch.rows : 1;
  const p = scale * optional_scalar(l1);
  const q = scale * optional_scalar(l2);
  combine(Combination.penalise, gradient, parameters, count, p, q);
}

export function average_step(parameters: usize, average: usize, count: i32, decay: usize): void {
  combine(Combination.approach, average, parameters, count, 1 - load<f64>(decay), 0);
}

export function max_norm(weights: usize, inputs: i32, units: i32, limit_at: usize): void {
  const limit = f32x4.splat(<f32>load<f64>(limit_at));
  const row_bytes = (<usize>units) << 2;
  const bytes = <usize>inputs * row_bytes;
  for (let left = units; left > 0; left -= 4, weights += 16) {
    const n = min(left, 4);
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < bytes; at += row_bytes) {
      const w = F32x4.load_last(weights + at, n);
      sum = F32x4.fma(w, w, sum);
    }
    const norm = f32x4.sqrt(sum);
    const larger = f32x4.gt(norm, limit);
    if (!v128.any_true(larger)) continue;
    const factor = F32x4.select(larger, f32x4.div(limit, norm), f32x4.splat(1));
    for (let at: usize = 0; at < bytes; at += row_bytes) {
      F32x4.store_last(weights + at, f32x4.mul(factor, F32x4.load_last(weights + at, n)), n);
    }
  }
}
