/**
 * Softmax and its fusion with cross-entropy, row by row, the largest net input taken out first.
 * Shapes: netInput, output, gradient, delta and target are rows × units.
 */
import { Batch } from './batch';
import { Math32 } from './math';
import { dot_row, max_row, scale_row, sum_row } from './rows';
import { Share } from './share';
import { F32x4 } from './simd';

/** Sum of exp(z - largest) over a row; stores the exponentials unless `exponentials` is 0. */
function exponential_row(z: usize, largest: f32, units: i32, exponentials: usize): f32 {
  const shift = f32x4.splat(largest);
  const zero = f32x4.splat(0.0);
  let sum = zero;
  let at: usize = 0;
  do {
    const e = Math32.exp_poly6(f32x4.sub(F32x4.load_first(z + at, units), shift));
    if (exponentials !== 0) F32x4.store_first(exponentials + at, e, units);
    sum = f32x4.add(sum, F32x4.keep(e, units, zero));
    units -= 4;
    at += 16;
  } while (units > 0);
  return F32x4.reduce_add(sum);
}

export function softmax_forward(net_input: usize, output: usize, units: i32): void {
  const row_bytes = (<usize>units) << 2;
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  net_input += <usize>first * row_bytes;
  output += <usize>first * row_bytes;
  for (let r = first; r < end; r++, net_input += row_bytes, output += row_bytes) {
    const sum = exponential_row(net_input, max_row(net_input, units), units, output);
    scale_row(output, units, 1 / sum);
  }
}

export function softmax_backward(gradient: usize, output: usize, delta: usize, units: i32): void {
  const row_bytes = (<usize>units) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++) {
    const mean = f32x4.splat(dot_row(gradient, output, units));
    for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
      const centred = f32x4.sub(F32x4.load_last(gradient + at, n), mean);
      F32x4.store_last(delta + at, f32x4.mul(F32x4.load_last(output + at, n), centred), n);
    }
    gradient += row_bytes;
    output += row_bytes;
    delta += row_bytes;
  }
}

/** Σ_j t_j (lse - z_j), where lse = largest + log_sum; terms with t_j = 0 vanish whatever z_j. */
function cross_entropy_row(z: usize, target: usize, units: i32, largest: f32, log_sum: f32): f32 {
  const zero = f32x4.splat(0.0);
  let loss = zero;
  for (let at: usize = 0; units > 0; units -= 4, at += 16) {
    const t = F32x4.load_first(target + at, units);
    const below = f32x4.sub(f32x4.splat(largest), F32x4.load_first(z + at, units));
    const term = f32x4.mul(t, f32x4.add(below, f32x4.splat(log_sum)));
    loss = f32x4.add(loss, F32x4.select(f32x4.eq(t, zero), zero, term));
  }
  return F32x4.reduce_add(loss);
}

export function softmax_cross_entropy(
  net_input: usize,
  target: usize,
  delta: usize,
  row_losses: usize,
  units: i32,
  reduction: i32,
): void {
  const scale = Batch.reduction_scale(reduction);
  const row_bytes = (<usize>units) << 2;
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  net_input += <usize>first * row_bytes;
  target += <usize>first * row_bytes;
  if (delta !== 0) delta += <usize>first * row_bytes;
  row_losses += (<usize>first) << 2;
  for (let r = first; r < end; r++, row_losses += 4) {
    const largest = max_row(net_input, units);
    const sum = exponential_row(net_input, largest, units, delta);
    store<f32>(row_losses, cross_entropy_row(net_input, target, units, largest, Math32.log_one(sum)));
    if (delta !== 0) {
      const factor = f32x4.splat(sum_row(target, units) / sum);
      for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
        const x = f32x4.mul(factor, F32x4.load_first(delta + at, n));
        const error = f32x4.sub(x, F32x4.load_first(target + at, n));
        F32x4.store_first(delta + at, f32x4.mul(f32x4.splat(scale), error), n);
      }
      delta += row_bytes;
    }
    net_input += row_bytes;
    target += row_bytes;
  }
}

export function softmax_cross_entropy_labels(
  net_input: usize,
  labels: usize,
  delta: usize,
  row_losses: usize,
  units: i32,
  reduction: i32,
): void {
  const scale = Batch.reduction_scale(reduction);
  const row_bytes = (<usize>units) << 2;
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  net_input += <usize>first * row_bytes;
  labels += (<usize>first) << 2;
  if (delta !== 0) delta += <usize>first * row_bytes;
  row_losses += (<usize>first) << 2;
  for (let r = first; r < end; r++, labels += 4, row_losses += 4, net_input += row_bytes) {
    const label = load<f32>(labels);
    const is_inside = label >= 0 && label < <f32>units;
    const place = is_inside ? (<usize>(<i32>label)) << 2 : 0;
    const largest = max_row(net_input, units);
    const sum = exponential_row(net_input, largest, units, delta);
    const loss = largest - load<f32>(net_input + place) + Math32.log_one(sum);
    store<f32>(row_losses, is_inside ? loss : 0);
    if (delta !== 0) {
      scale_row(delta, units, is_inside ? scale / sum : 0);
      if (is_inside) store<f32>(delta + place, load<f32>(delta + place) - scale);
      delta += row_bytes;
    }
  }
}
