/**
 * Updates of parameters w by their gradient g. Hyperparameters are combined in float64 and rounded once. Scalars come
 * by address, 0 where absent.
 */
import { Batch } from './batch';
import { Share } from './share';
import { F32x4 } from './simd';

/** Up to this many parameters go one by one. */
const FEW_PARAMETERS: i32 = 16;

export function optional_scalar(address: usize): f64 {
  return address === 0 ? 0 : load<f64>(address);
}

export function advance_moments(moments: usize): void {
  store<f64>(moments + 24, load<f64>(moments + 24) * load<f64>(moments));
  store<f64>(moments + 32, load<f64>(moments + 32) * load<f64>(moments + 8));
}

class Sgd {
  /** w -= rate (g + decay w) for the first n of four parameters. */
  @inline static step(parameters: usize, gradient: usize, rate: v128, decay: v128, n: i32): void {
    const w = F32x4.load_first(parameters, n);
    const g = F32x4.fma(decay, w, F32x4.load_first(gradient, n));
    F32x4.store_first(parameters, F32x4.fnma(rate, g, w), n);
  }

  /** v = momentum v + g, then w -= rate (along_v v + along_g g). */
  @inline static momentum_step(
    parameters: usize,
    gradient: usize,
    velocity: usize,
    rate: v128,
    decay: v128,
    momentum: v128,
    along_v: v128,
    along_g: v128,
    n: i32,
  ): void {
    const w = F32x4.load_first(parameters, n);
    const g = F32x4.fma(decay, w, F32x4.load_first(gradient, n));
    const v = F32x4.flush_subnormal(F32x4.fma(momentum, F32x4.load_first(velocity, n), g));
    F32x4.store_first(velocity, v, n);
    const step = F32x4.fma(along_v, v, f32x4.mul(along_g, g));
    F32x4.store_first(parameters, F32x4.fnma(rate, step, w), n);
  }
}

export function sgd_step(
  parameters: usize,
  gradient: usize,
  velocity: usize,
  count: i32,
  learning_rate: usize,
  momentum_at: usize,
  weight_decay: usize,
  nesterov: i32,
): void {
  const rate = f32x4.splat(<f32>load<f64>(learning_rate));
  const decay = f32x4.splat(<f32>optional_scalar(weight_decay));
  const first = Share.first_column();
  count = Share.end_column(count) - first;
  parameters += (<usize>first) << 2;
  gradient += (<usize>first) << 2;
  if (velocity === 0) {
    // Gradients of a tiny network have just been stored one by one.
    if (count > FEW_PARAMETERS) {
      for (; count >= 4; count -= 4, parameters += 16, gradient += 16) {
        Sgd.step(parameters, gradient, rate, decay, 4);
      }
    }
    for (; count > 0; count--, parameters += 4, gradient += 4) {
      Sgd.step(parameters, gradient, rate, decay, 1);
    }
    return;
  }
  velocity += (<usize>first) << 2;
  const momentum = f32x4.splat(<f32>optional_scalar(momentum_at));
  // With Nesterov's momentum the step is momentum v + g, otherwise v.
  const along_v = nesterov !== 0 ? momentum : f32x4.splat(1.0);
  const along_g = f32x4.splat(nesterov !== 0 ? 1 : 0);
  for (; count >= 4; count -= 4, parameters += 16, gradient += 16, velocity += 16) {
    Sgd.momentum_step(parameters, gradient, velocity, rate, decay, momentum, along_v, along_g, 4);
  }
  if (count > 0) {
    Sgd.momentum_step(parameters, gradient, velocity, rate, decay, momentum, along_v, along_g, count);
  }
}

/** delta *= -learning_rate, where delta is rows × units. */
export function scale_by_rate(delta: usize, units: i32, learning_rate: usize): void {
  const factor = f32x4.splat(-(<f32>load<f64>(learning_rate)));
  let count = Batch.rows * units;
  for (; count >= 4; count -= 4, delta += 16) v128.store(delta, f32x4.mul(factor, v128.load(delta)));
  if (count > 0) F32x4.store_last(delta, f32x4.mul(factor, F32x4.load_last(delta, count)), count);
}

class Adam {
  /** Updates the first n of four parameters w and their moments m and v, `at` bytes into each buffer. */
  @inline static step(
    at: usize,
    n: i32,
    parameters: usize,
    gradient: usize,
    first_moment: usize,
    second_moment: usize,
    into_gradient: v128,
    beta1: v128,
    rest1: v128,
    beta2: v128,
    rest2: v128,
    rate_over_bias1: v128,
    inverse_root_of_bias2: v128,
    epsilon: v128,
    kept: v128,
  ): void {
    const w = F32x4.load_first(parameters + at, n);
    const g = F32x4.fma(into_gradient, w, F32x4.load_first(gradient + at, n));
    const old_m = F32x4.load_first(first_moment + at, n);
    const old_v = F32x4.load_first(second_moment + at, n);
    const m = F32x4.flush_subnormal(F32x4.fma(beta1, old_m, f32x4.mul(rest1, g)));
    const v = F32x4.flush_subnormal(F32x4.fma(beta2, old_v, f32x4.mul(rest2, f32x4.mul(g, g))));
    F32x4.store_first(first_moment + at, m, n);
    F32x4.store_first(second_moment + at, v, n);
    const root = F32x4.fma(f32x4.sqrt(v), inverse_root_of_bias2, epsilon);
    const step = f32x4.div(f32x4.mul(rate_over_bias1, m), root);
    F32x4.store_first(parameters + at, f32x4.sub(f32x4.mul(kept, w), step), n);
  }
}

export function adam_step(
  parameters: usize,
  gradient: usize,
  first_moment: usize,
  second_moment: usize,
  count: i32,
  learning_rate: usize,
  moments: usize,
  weight_decay: usize,
  decoupled: i32,
): void {
  const rate = load<f64>(learning_rate);
  const decay = optional_scalar(weight_decay);
  const beta1 = load<f64>(moments);
  const beta2 = load<f64>(moments + 8);
  const bias1 = 1 - load<f64>(moments + 24);
  const bias2 = 1 - load<f64>(moments + 32);
  // What the loop needs, in registers for its whole length.
  const into_gradient = f32x4.splat(decoupled !== 0 ? 0 : <f32>decay);
  const beta1_f32x4 = f32x4.splat(<f32>beta1);
  const rest1 = f32x4.splat(<f32>(1 - beta1));
  const beta2_f32x4 = f32x4.splat(<f32>beta2);
  const rest2 = f32x4.splat(<f32>(1 - beta2));
  const rate_over_bias1 = f32x4.splat(<f32>(rate / bias1));
  const inverse_root_of_bias2 = f32x4.splat(<f32>(1 / sqrt<f64>(bias2)));
  const epsilon = f32x4.splat(<f32>load<f64>(moments + 16));
  const kept = f32x4.splat(decoupled !== 0 ? <f32>(1 - rate * decay) : 1);
  let at: usize = (<usize>Share.first_column()) << 2;
  count = Share.end_column(count) - Share.first_column();
  for (; count >= 4; count -= 4, at += 16) {
    Adam.step(
      at,
      4,
      parameters,
      gradient,
      first_moment,
      second_moment,
      into_gradient,
      beta1_f32x4,
      rest1,
      beta2_f32x4,
      rest2,
      rate_over_bias1,
      inverse_root_of_bias2,
      epsilon,
      kept,
    );
  }
  if (count > 0) {
    Adam.step(
      at,
      count,
      parameters,
      gradient,
      first_moment,
      second_moment,
      into_gradient,
      beta1_f32x4,
      rest1,
      beta2_f32x4,
      rest2,
      rate_over_bias1,
      inverse_root_of_bias2,
      epsilon,
      kept,
    );
  }
}
