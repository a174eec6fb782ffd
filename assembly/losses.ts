/**
 * Losses on outputs, for any output activation: rowLosses[r] = sum over the row of E(x, t), gradient = s dE/dx.
 * Shapes: prediction, target and gradient are rows × units. The gradient may be left out.
 */
import { LossCode } from '../src/opcodes';
import { Batch } from './batch';
import { Math32 } from './math';
import { Share } from './share';
import { F32x4 } from './simd';

/** a ln b, with 0 ln 0 = 0. */
function times_log(a: v128, b: v128): v128 {
  const zero = f32x4.splat(0.0);
  return F32x4.select(f32x4.eq(a, zero), zero, f32x4.mul(a, Math32.log(b)));
}

/** a / b, with 0 / 0 = 0. */
function ratio(a: v128, b: v128): v128 {
  const zero = f32x4.splat(0.0);
  return F32x4.select(f32x4.eq(a, zero), zero, f32x4.div(a, b));
}

/** What a squared error is multiplied by; 0 for the losses that are none. */
export function square_factor(loss: i32, units: i32): f32 {
  if (loss === LossCode.half_squared_error) return 0.5;
  if (loss === LossCode.squared_error) return 1;
  return loss === LossCode.mean_squared_error ? 1 / <f32>units : 0;
}

/** factor Σ (x - t)^2 over a row; the gradient is scaled. Lanes that do not exist are zero in x and t: no error. */
function squared_error_row(x: usize, t: usize, gradient: usize, units: i32, factor: f32, scale: f32): f32 {
  const slope = f32x4.splat(2 * factor * scale);
  let sum = f32x4.splat(0.0);
  for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
    const error = f32x4.sub(F32x4.load_first(x + at, n), F32x4.load_first(t + at, n));
    sum = F32x4.fma(error, error, sum);
    if (gradient !== 0) F32x4.store_first(gradient + at, f32x4.mul(slope, error), n);
  }
  return factor * F32x4.reduce_add(sum);
}

/** −Σ t ln x over a row, and the same of 1 - t and 1 - x if binary. Lanes that do not exist add 0 ln 0 + 1 ln 1 = 0. */
function cross_entropy_row(
  x_at: usize,
  t_at: usize,
  gradient: usize,
  units: i32,
  is_binary: bool,
  scale: f32,
): f32 {
  const one = f32x4.splat(1.0);
  let sum = f32x4.splat(0.0);
  for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
    const x = F32x4.load_last(x_at + at, n);
    const t = F32x4.load_last(t_at + at, n);
    let slope = f32x4.neg(ratio(t, x));
    sum = f32x4.sub(sum, times_log(t, x));
    if (is_binary) {
      const rest_t = f32x4.sub(one, t);
      const rest_x = f32x4.sub(one, x);
      slope = f32x4.add(slope, ratio(rest_t, rest_x));
      sum = f32x4.sub(sum, times_log(rest_t, rest_x));
    }
    if (gradient !== 0) F32x4.store_last(gradient + at, f32x4.mul(f32x4.splat(scale), slope), n);
  }
  return F32x4.reduce_add(sum);
}

/** Loss of a row; its gradient is scaled. */
export function loss_row(
  prediction: usize,
  target: usize,
  gradient: usize,
  units: i32,
  loss: i32,
  scale: f32,
): f32 {
  const factor = square_factor(loss, units);
  if (factor !== 0) return squared_error_row(prediction, target, gradient, units, factor, scale);
  return cross_entropy_row(
    prediction,
    target,
    gradient,
    units,
    loss === LossCode.binary_cross_entropy,
    scale,
  );
}

export function loss_backward(
  prediction: usize,
  target: usize,
  gradient: usize,
  row_losses: usize,
  units: i32,
  loss: i32,
  reduction: i32,
): void {
  const scale = Batch.reduction_scale(reduction);
  const row_bytes = (<usize>units) << 2;
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  prediction += <usize>first * row_bytes;
  target += <usize>first * row_bytes;
  if (gradient !== 0) gradient += <usize>first * row_bytes;
  row_losses += (<usize>first) << 2;
  for (let r = first; r < end; r++, row_losses += 4) {
    store<f32>(row_losses, loss_row(prediction, target, gradient, units, loss, scale));
    prediction += row_bytes;
    target += row_bytes;
    if (gradient !== 0) gradient += row_bytes;
  }
}

/** As loss_backward with the loss cross_entropy and t = 1 at the label of the row, 0 elsewhere. */
export function cross_entropy_labels(
  prediction: usize,
  labels: usize,
  gradient: usize,
  row_losses: usize,
  units: i32,
  reduction: i32,
): void {
  const scale = Batch.reduction_scale(reduction);
  const row_bytes = (<usize>units) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++, labels += 4, row_losses += 4, prediction += row_bytes) {
    const label = load<f32>(labels);
    const is_inside = label >= 0 && label < <f32>units;
    const place = is_inside ? (<usize>(<i32>label)) << 2 : 0;
    const x = load<f32>(prediction + place);
    store<f32>(row_losses, is_inside ? -Math32.log_one(x) : 0);
    if (gradient !== 0) {
      memory.fill(gradient, 0, row_bytes);
      if (is_inside) store<f32>(gradient + place, -scale / x);
      gradient += row_bytes;
    }
  }
}

/**
 * Sigmoid and binary cross-entropy in one, from the net inputs of a row:
 * Σ_j max(z, 0) - z t + ln(1 + e^-|z|), delta = s (sigmoid(z) - t).
 */
export function sigmoid_binary_cross_entropy_row(
  net_input: usize,
  target: usize,
  delta: usize,
  units: i32,
  scale: f32,
): f32 {
  const zero = f32x4.splat(0.0);
  let sum = zero;
  for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
    const z = F32x4.load_first(net_input + at, n);
    const t = F32x4.load_first(target + at, n);
    const e = Math32.exp_poly6(f32x4.neg(f32x4.abs(z)));
    const linear = F32x4.fnma(z, t, F32x4.max(z, zero));
    sum = f32x4.add(sum, F32x4.keep(f32x4.add(linear, Math32.log1p_poly10(e)), n, zero));
    if (delta !== 0) {
      const error = f32x4.sub(Math32.sigmoid_of_exp(z, e), t);
      F32x4.store_first(delta + at, f32x4.mul(f32x4.splat(scale), error), n);
    }
  }
  return F32x4.reduce_add(sum);
}

export function sigmoid_binary_cross_entropy(
  net_input: usize,
  target: usize,
  delta: usize,
  row_losses: usize,
  units: i32,
  reduction: i32,
): void {
  const scale = Batch.reduction_scale(reduction);
  const row_bytes = (<usize>units) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++, row_losses += 4) {
    store<f32>(row_losses, sigmoid_binary_cross_entropy_row(net_input, target, delta, units, scale));
    net_input += row_bytes;
    target += row_bytes;
    if (delta !== 0) delta += row_bytes;
  }
}
