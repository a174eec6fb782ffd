/**
 * Losses on outputs, for any output activation: rowLosses[r] = sum over the row of E(x, t), gradient = s dE/dx.
 * Shapes: prediction, target and gradient are rows × units. The gradient may be left out.
 */
import { LossCode } from '../src/opcodes';
import { Batch } from './batch';
import { Math32 } from './math';
import { F32x4 } from './simd';

class Loss {
  /** a ln b, with 0 ln 0 = 0. */
  @inline private static times_log(a: v128, b: v128): v128 {
    const zero = f32x4.splat(0.0);
    return F32x4.select(f32x4.eq(a, zero), zero, f32x4.mul(a, log(b)));
  }

  /** a / b, with 0 / 0 = 0. */
  @inline private static ratio(a: v128, b: v128): v128 {
    const zero = f32x4.splat(0.0);
    return F32x4.select(f32x4.eq(a, zero), zero, f32x4.div(a, b));
  }

  /** What (x - t)^2 is multiplied by, for the losses that are squares; `share` is 1 / units. */
  @inline static square_factor(code: i32, share: f32): f32 {
    if (code === LossCode.half_squared_error) return 0.5;
    return code === LossCode.mean_squared_error ? share : 1;
  }

  /** Loss of each output. */
  @inline static value(code: i32, x: v128, t: v128, square_factor: f32): v128 {
    const one = f32x4.splat(1.0);
    if (code === LossCode.cross_entropy) return f32x4.neg(Loss.times_log(t, x));
    if (code === LossCode.binary_cross_entropy) {
      const off = Loss.times_log(f32x4.sub(one, t), f32x4.sub(one, x));
      return f32x4.neg(f32x4.add(Loss.times_log(t, x), off));
    }
    const error = f32x4.sub(x, t);
    return f32x4.mul(f32x4.splat(square_factor), f32x4.mul(error, error));
  }

  /** Its derivative with respect to the output. */
  @inline static derivative(code: i32, x: v128, t: v128, square_factor: f32): v128 {
    const one = f32x4.splat(1.0);
    if (code === LossCode.cross_entropy) return f32x4.neg(Loss.ratio(t, x));
    if (code === LossCode.binary_cross_entropy) {
      return f32x4.sub(Loss.ratio(f32x4.sub(one, t), f32x4.sub(one, x)), Loss.ratio(t, x));
    }
    return f32x4.mul(f32x4.splat(2 * square_factor), f32x4.sub(x, t));
  }
}

function log(x: v128): v128 {
  return Math32.log_poly10(x);
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
  const scale = f32x4.splat(Batch.reduction_scale(reduction));
  const square_factor = Loss.square_factor(loss, 1 / <f32>units);
  const zero = f32x4.splat(0.0);
  const row_bytes = (<usize>units) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++, row_losses += 4) {
    let sum = zero;
    for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
      const x = F32x4.load_first(prediction + at, n);
      const t = F32x4.load_first(target + at, n);
      sum = f32x4.add(sum, F32x4.keep(Loss.value(loss, x, t, square_factor), n, zero));
      if (gradient !== 0) {
        const derivative = Loss.derivative(loss, x, t, square_factor);
        F32x4.store_first(gradient + at, f32x4.mul(scale, derivative), n);
      }
    }
    store<f32>(row_losses, F32x4.reduce_add(sum));
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
    store<f32>(row_losses, is_inside ? -Math32.log(x) : 0);
    if (gradient !== 0) {
      memory.fill(gradient, 0, row_bytes);
      if (is_inside) store<f32>(gradient + place, -scale / x);
      gradient += row_bytes;
    }
  }
}

/**
 * Sigmoid and binary cross-entropy in one, from the net inputs:
 * rowLosses[r] = Σ_j max(z, 0) - z t + ln(1 + e^-|z|), delta = s (sigmoid(z) - t).
 */
export function sigmoid_binary_cross_entropy(
  net_input: usize,
  target: usize,
  delta: usize,
  row_losses: usize,
  units: i32,
  reduction: i32,
): void {
  const scale = f32x4.splat(Batch.reduction_scale(reduction));
  const zero = f32x4.splat(0.0);
  const row_bytes = (<usize>units) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++, row_losses += 4) {
    let sum = zero;
    for (let at: usize = 0, n = units; n > 0; n -= 4, at += 16) {
      const z = F32x4.load_first(net_input + at, n);
      const t = F32x4.load_first(target + at, n);
      const e = Math32.exp_poly6(f32x4.neg(f32x4.abs(z)));
      const linear = F32x4.fnma(z, t, F32x4.max(z, zero));
      sum = f32x4.add(sum, F32x4.keep(f32x4.add(linear, Math32.log1p_poly10(e)), n, zero));
      if (delta !== 0) {
        const error = f32x4.sub(Math32.sigmoid_of_exp(z, e), t);
        F32x4.store_first(delta + at, f32x4.mul(scale, error), n);
      }
    }
    store<f32>(row_losses, F32x4.reduce_add(sum));
    net_input += row_bytes;
    target += row_bytes;
    if (delta !== 0) delta += row_bytes;
  }
}
