/** Elementwise activations. f acts on net inputs z; f' is taken from the output x = f(z). */
import { ActivationCode, UnaryCode } from '../src/opcodes';
import { Batch } from './batch';
import { Math32 } from './math';
import { Share } from './share';
import { F32x4 } from './simd';
import { Four, unary_numbers } from './unary';
import { Workspace } from './workspace';

export class Activation {
  /** f of four numbers, for networks of a few. */
  static value(code: i32, z: v128): v128 {
    switch (code) {
      case ActivationCode.sigmoid:
        return Math32.sigmoid_poly6(z);
      case ActivationCode.tanh:
        return Math32.tanh_poly6(z);
      case ActivationCode.relu:
        return Activation.relu(z);
      case ActivationCode.heaviside:
        return Activation.heaviside(z);
      case ActivationCode.exp:
        return Four.value(UnaryCode.exp, z);
      default:
        return z;
    }
  }

  @inline static relu(z: v128): v128 {
    return F32x4.max(z, f32x4.splat(0.0));
  }

  @inline static heaviside(z: v128): v128 {
    return v128.and(f32x4.ge(z, f32x4.splat(0.0)), f32x4.splat(1.0));
  }

  @inline static derivative_from_output(code: i32, x: v128): v128 {
    const one = f32x4.splat(1.0);
    if (code === ActivationCode.relu) return v128.and(f32x4.gt(x, f32x4.splat(0.0)), one);
    switch (code) {
      case ActivationCode.sigmoid:
        return f32x4.mul(x, f32x4.sub(one, x));
      case ActivationCode.tanh:
        return f32x4.mul(f32x4.sub(one, x), f32x4.add(one, x));
      case ActivationCode.heaviside:
        return f32x4.splat(f32.NaN);
      case ActivationCode.exp:
        return x;
      default:
        return one;
    }
  }
}

/** values[i] = f(values[i]) for `count` numbers. */
export function activate_f32(code: i32, values: usize, count: i32): void {
  switch (code) {
    case ActivationCode.relu:
      for (; count >= 4; count -= 4, values += 16) v128.store(values, Activation.relu(v128.load(values)));
      if (count > 0) F32x4.store_last(values, Activation.relu(F32x4.load_last(values, count)), count);
      break;
    case ActivationCode.heaviside:
      for (; count > 0; count -= 4, values += 16) {
        F32x4.store_last(values, Activation.heaviside(F32x4.load_last(values, count)), count);
      }
      break;
    case ActivationCode.sigmoid:
      unary_numbers(UnaryCode.sigmoid, values, 16, values, count);
      break;
    case ActivationCode.tanh:
      unary_numbers(UnaryCode.tanh, values, 16, values, count);
      break;
    case ActivationCode.exp:
      unary_numbers(UnaryCode.exp, values, 16, values, count);
      break;
  }
}

/** delta[i] = gradient[i] f'(output[i]) for `count` numbers; `delta` may be `gradient`. */
export function multiply_by_derivative_f32(
  code: i32,
  gradient: usize,
  output: usize,
  delta: usize,
  count: i32,
): void {
  for (; count >= 4; count -= 4, gradient += 16, output += 16, delta += 16) {
    const derivative = Activation.derivative_from_output(code, v128.load(output));
    v128.store(delta, f32x4.mul(v128.load(gradient), derivative));
  }
  if (count === 0) return;
  const last = Workspace.last;
  v128.store(last, F32x4.load_last(gradient, count));
  v128.store(last, F32x4.load_last(output, count), 16);
  multiply_by_derivative_f32(code, last, last + 16, last, 4);
  F32x4.store_last(delta, v128.load(last), count);
}

/** f(z) of one number. */
export function activate_one_f32(code: i32, z: f32): f32 {
  return f32x4.extract_lane(Activation.value(code, f32x4.splat(z)), 0);
}

export function activation_forward(net_input: usize, output: usize, units: i32, activation: i32): void {
  const first = Share.first_column();
  const at = (<usize>first) << 2;
  const count = Share.end_column(Batch.rows * units) - first;
  if (output !== net_input) memory.copy(output + at, net_input + at, (<usize>count) << 2);
  activate_f32(activation, output + at, count);
}

export function activation_backward(
  gradient: usize,
  output: usize,
  delta: usize,
  units: i32,
  activation: i32,
): void {
  const first = Share.first_column();
  const at = (<usize>first) << 2;
  const count = Share.end_column(Batch.rows * units) - first;
  multiply_by_derivative_f32(activation, gradient + at, output + at, delta + at, count);
}
