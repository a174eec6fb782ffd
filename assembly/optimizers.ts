/**
 * Updates of parameters w by their gradient g. Hyperparameters are combined in float64 and rounded once. Scalars come
 * by address, 0 where absent.
 */
import { F32x4 } from './simd';

function optional_scalar(address: usize): f64 {
  return address === 0 ? 0 : load<f64>(address);
}

export function advance_moments(moments: usize): void {
  store<f64>(moments + 24, load<f64>(moments + 24) * load<f64>(moments));
  store<f64>(moments + 32, load<f64>(moments + 32) * load<f64>(moments + 8));
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
  const momentum = f32x4.splat(<f32>optional_scalar(momentum_at));
  for (; count > 0; count -= 4, parameters += 16, gradient += 16) {
    const w = F32x4.load_first(parameters, count);
    const g = F32x4.fma(decay, w, F32x4.load_first(gradient, count));
    let step = g;
    if (velocity !== 0) {
      const v = F32x4.flush_subnormal(F32x4.fma(momentum, F32x4.load_first(velocity, count), g));
      F32x4.store_first(velocity, v, count);
      step = nesterov !== 0 ? F32x4.fma(momentum, v, g) : v;
      velocity += 16;
    }
    F32x4.store_first(parameters, F32x4.fnma(rate, step, w), count);
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
  const power1 = load<f64>(moments + 24);
  const power2 = load<f64>(moments + 32);
  const beta1_f32x4 = f32x4.splat(<f32>beta1);
  const beta2_f32x4 = f32x4.splat(<f32>beta2);
  const rest1 = f32x4.splat(<f32>(1 - beta1));
  const rest2 = f32x4.splat(<f32>(1 - beta2));
  const epsilon = f32x4.splat(<f32>load<f64>(moments + 16));
  const rate_over_bias1 = f32x4.splat(<f32>(rate / (1 - power1)));
  const inverse_root_of_bias2 = f32x4.splat(<f32>(1 / sqrt<f64>(1 - power2)));
  const into_gradient = f32x4.splat(decoupled !== 0 ? 0 : <f32>decay);
  const kept = f32x4.splat(decoupled !== 0 ? <f32>(1 - rate * decay) : 1);
  for (let at: usize = 0; count > 0; count -= 4, at += 16) {
    const w = F32x4.load_first(parameters + at, count);
    const g = F32x4.fma(into_gradient, w, F32x4.load_first(gradient + at, count));
    const old_m = F32x4.load_first(first_moment + at, count);
    const old_v = F32x4.load_first(second_moment + at, count);
    const m = F32x4.flush_subnormal(F32x4.fma(beta1_f32x4, old_m, f32x4.mul(rest1, g)));
    const v = F32x4.flush_subnormal(F32x4.fma(beta2_f32x4, old_v, f32x4.mul(rest2, f32x4.mul(g, g))));
    F32x4.store_first(first_moment + at, m, count);
    F32x4.store_first(second_moment + at, v, count);
    const root = F32x4.fma(f32x4.sqrt(v), inverse_root_of_bias2, epsilon);
    const step = f32x4.div(f32x4.mul(rate_over_bias1, m), root);
    F32x4.store_first(parameters + at, f32x4.sub(f32x4.mul(kept, w), step), count);
  }
}
