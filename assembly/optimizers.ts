/**
 * Updates of parameters w by their gradient g. Hyperparameters are combined in float64 and rounded once. Scalars come
 * by address, 0 where absent.
 */
import { Batch } from './batch';
import { Share } from './share';
import { F32x4, Subnormal } from './simd';
import { Workspace } from './workspace';

/** Up to this many parameters go one by one. */
const FEW_PARAMETERS: i32 = 16;

export function optional_scalar(address: usize): f64 {
  return address === 0 ? 0 : load<f64>(address);
}

export function advance_moments(moments: usize): void {
  store<f64>(moments + 24, load<f64>(moments + 24) * load<f64>(moments));
  store<f64>(moments + 32, load<f64>(moments + 32) * load<f64>(moments + 8));
}

/** The last one to three numbers of each buffer of an update, in the workspace. */
export class LastVectors {
  /** Copies n numbers of a buffer to the vector `index`, whose place is returned; 0 for no buffer. */
  static take(buffer: usize, at: usize, n: i32, index: usize): usize {
    if (buffer === 0) return 0;
    const place = Workspace.panels + (index << 4);
    v128.store(place, F32x4.load_last(buffer + at, n));
    return place;
  }

  static put(place: usize, buffer: usize, at: usize, n: i32): void {
    if (buffer !== 0) F32x4.store_last(buffer + at, v128.load(place), n);
  }
}

/** w -= rate (g + decay w) for the first n of four parameters. */
class Sgd {
  @inline static step(parameters: usize, gradient: usize, rate: v128, decay: v128, n: i32): void {
    const w = F32x4.load_first(parameters, n);
    const g = F32x4.fma(decay, w, F32x4.load_first(gradient, n));
    F32x4.store_first(parameters, F32x4.fnma(rate, g, w), n);
  }
}

export function sgd_step(
  parameters: usize,
  gradient: usize,
  velocity: usize,
  count: i32,
  learning_rate: usize,
  momentum: usize,
  weight_decay: usize,
  nesterov: i32,
): void {
  const rate = f32x4.splat(<f32>load<f64>(learning_rate));
  const decay = f32x4.splat(<f32>optional_scalar(weight_decay));
  const first = Share.first_column();
  count = Share.end_column(count) - first;
  parameters += (<usize>first) << 2;
  gradient += (<usize>first) << 2;
  if (velocity !== 0) {
    velocity += (<usize>first) << 2;
    const end = (<usize>count & ~3) << 2;
    momentum_vectors(parameters, gradient, velocity, end, rate, decay, optional_scalar(momentum), nesterov);
    count &= 3;
    if (count === 0) return;
    const last_parameters = LastVectors.take(parameters, end, count, 0);
    const last_gradient = LastVectors.take(gradient, end, count, 1);
    const last_velocity = LastVectors.take(velocity, end, count, 2);
    momentum_vectors(
      last_parameters,
      last_gradient,
      last_velocity,
      16,
      rate,
      decay,
      optional_scalar(momentum),
      nesterov,
    );
    LastVectors.put(last_parameters, parameters, end, count);
    LastVectors.put(last_velocity, velocity, end, count);
    return;
  }
  // Gradients of a tiny network have just been stored one by one.
  if (count > FEW_PARAMETERS) {
    for (; count >= 4; count -= 4, parameters += 16, gradient += 16) {
      Sgd.step(parameters, gradient, rate, decay, 4);
    }
  }
  for (; count > 0; count--, parameters += 4, gradient += 4) {
    Sgd.step(parameters, gradient, rate, decay, 1);
  }
}

/** v = momentum v + g, then w -= rate (momentum v + g) with Nesterov's momentum, rate v otherwise, in `end` bytes. */
function momentum_vectors(
  parameters: usize,
  gradient: usize,
  velocity: usize,
  end: usize,
  rate: v128,
  decay: v128,
  momentum: f64,
  nesterov: i32,
): void {
  if (end === 0) return;
  const momentum_f32x4 = f32x4.splat(<f32>momentum);
  const along_v = nesterov !== 0 ? momentum_f32x4 : f32x4.splat(1);
  const along_g = f32x4.splat(nesterov !== 0 ? 1 : 0);
  const magnitude = Subnormal.magnitude();
  const smallest_normal = Subnormal.smallest_normal();
  let at: usize = 0;
  do {
    const w = v128.load(parameters + at);
    const g = F32x4.fma(decay, w, v128.load(gradient + at));
    const v = F32x4.flush_subnormal(
      F32x4.fma(momentum_f32x4, v128.load(velocity + at), g),
      magnitude,
      smallest_normal,
    );
    v128.store(velocity + at, v);
    const step = F32x4.fma(along_v, v, f32x4.mul(along_g, g));
    v128.store(parameters + at, F32x4.fnma(rate, step, w));
    at += 16;
  } while (at < end);
}

/** delta *= -learning_rate, where delta is rows × units. */
export function scale_by_rate(delta: usize, units: i32, learning_rate: usize): void {
  const factor = f32x4.splat(-(<f32>load<f64>(learning_rate)));
  let count = Batch.rows * units;
  for (; count >= 4; count -= 4, delta += 16) v128.store(delta, f32x4.mul(factor, v128.load(delta)));
  if (count > 0) F32x4.store_last(delta, f32x4.mul(factor, F32x4.load_last(delta, count)), count);
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
  const begin = (<usize>Share.first_column()) << 2;
  const bytes = (<usize>Share.end_column(count)) << 2;
  const end = bytes & ~15;
  const rate = load<f64>(learning_rate);
  const decay = optional_scalar(weight_decay);
  adam_vectors(
    parameters,
    gradient,
    first_moment,
    second_moment,
    begin,
    end,
    rate,
    moments,
    decay,
    decoupled,
  );
  const left = <i32>((bytes - end) >> 2);
  if (left === 0) return;
  const last_parameters = LastVectors.take(parameters, end, left, 0);
  const last_gradient = LastVectors.take(gradient, end, left, 1);
  const last_first = LastVectors.take(first_moment, end, left, 2);
  const last_second = LastVectors.take(second_moment, end, left, 3);
  adam_vectors(
    last_parameters,
    last_gradient,
    last_first,
    last_second,
    0,
    16,
    rate,
    moments,
    decay,
    decoupled,
  );
  LastVectors.put(last_parameters, parameters, end, left);
  LastVectors.put(last_first, first_moment, end, left);
  LastVectors.put(last_second, second_moment, end, left);
}

/** Updates parameters w and their moments m and v from byte `begin` to before `end` of each buffer. */
function adam_vectors(
  parameters: usize,
  gradient: usize,
  first_moment: usize,
  second_moment: usize,
  begin: usize,
  end: usize,
  rate: f64,
  moments: usize,
  decay: f64,
  decoupled: i32,
): void {
  if (begin === end) return;
  const bias1 = 1 - load<f64>(moments + 24);
  const bias2 = 1 - load<f64>(moments + 32);
  const into_gradient = f32x4.splat(decoupled !== 0 ? 0 : <f32>decay);
  const kept = f32x4.splat(decoupled !== 0 ? <f32>(1 - rate * decay) : 1);
  const beta1 = f32x4.splat(<f32>load<f64>(moments));
  const rest1 = f32x4.splat(<f32>(1 - load<f64>(moments)));
  const beta2 = f32x4.splat(<f32>load<f64>(moments + 8));
  const rest2 = f32x4.splat(<f32>(1 - load<f64>(moments + 8)));
  const rate_over_bias1 = f32x4.splat(<f32>(rate / bias1));
  const inverse_root_of_bias2 = f32x4.splat(<f32>(1 / sqrt<f64>(bias2)));
  const epsilon = f32x4.splat(<f32>load<f64>(moments + 16));
  const magnitude = Subnormal.magnitude();
  const smallest_normal = Subnormal.smallest_normal();
  let at = begin;
  do {
    const w = v128.load(parameters + at);
    const g = F32x4.fma(into_gradient, w, v128.load(gradient + at));
    const blended1 = F32x4.fma(beta1, v128.load(first_moment + at), f32x4.mul(rest1, g));
    const m = F32x4.flush_subnormal(blended1, magnitude, smallest_normal);
    v128.store(first_moment + at, m);
    const blended2 = F32x4.fma(beta2, v128.load(second_moment + at), f32x4.mul(rest2, f32x4.mul(g, g)));
    const v = F32x4.flush_subnormal(blended2, magnitude, smallest_normal);
    v128.store(second_moment + at, v);
    const root = F32x4.fma(f32x4.sqrt(v), inverse_root_of_bias2, epsilon);
    const step = f32x4.div(f32x4.mul(rate_over_bias1, m), root);
    v128.store(parameters + at, f32x4.sub(f32x4.mul(kept, w), step));
    at += 16;
  } while (at < end);
}
