/** Functions of stretches of numbers, which expressions and activations share: one loop a function. */
import { UnaryCode } from '../src/opcodes';
import { Function32 } from './functions';
import { Math32 } from './math';
import { F32x4 } from './simd';
import { Workspace } from './workspace';

export class Last {
  /** Where the numbers of an operand are that belong to those `bytes` behind the first of the output. */
  @inline static of(operand: usize, step: usize, bytes: usize): usize {
    return step === 0 ? operand : operand + bytes;
  }
}

class Unary {
  @inline static value(code: i32, x: v128): v128 {
    if (code === UnaryCode.neg) return f32x4.neg(x);
    if (code === UnaryCode.abs) return f32x4.abs(x);
    if (code === UnaryCode.sqrt) return f32x4.sqrt(x);
    if (code === UnaryCode.exp) return Math32.exp_poly6(x);
    if (code === UnaryCode.expm1) return Function32.expm1(x);
    if (code === UnaryCode.log) return Math32.log(x);
    if (code === UnaryCode.tanh) return Math32.tanh_poly6(x);
    if (code === UnaryCode.sigmoid) return Math32.sigmoid_poly6(x);
    if (code === UnaryCode.softplus) return Function32.softplus(x);
    if (code === UnaryCode.erf) return Function32.erf(x);
    return x;
  }

  /** output[i] = function(a[i]), in whole vectors up to `end`. */
  @inline static loop(code: i32, a: usize, a_step: usize, output: usize, end: usize): void {
    if (output === end) return;
    do {
      v128.store(output, Unary.value(code, v128.load(a)));
      a += a_step;
      output += 16;
    } while (output < end);
  }
}

/** output[i] = function(a[i]) for `count` numbers; `a_step` is 16, or 0 for the same four numbers again and again. */
export function unary_numbers(code: i32, a: usize, a_step: usize, output: usize, count: i32): void {
  const rest = count & 3;
  const end = output + ((<usize>(count - rest)) << 2);
  unary_vectors(code, a, a_step, output, end);
  if (rest === 0) return;
  const last = Workspace.last;
  v128.store(last, F32x4.load_last(Last.of(a, a_step, end - output), rest));
  unary_vectors(code, last, 16, last, last + 16);
  F32x4.store_last(end, v128.load(last), rest);
}

export class Four {
  /** A function of four numbers, where that is not worth a second copy of it. */
  static value(code: i32, x: v128): v128 {
    const last = Workspace.last;
    v128.store(last, x);
    unary_vectors(code, last, 16, last, last + 16);
    return v128.load(last);
  }
}

function unary_vectors(code: i32, a: usize, a_step: usize, output: usize, end: usize): void {
  switch (code) {
    case UnaryCode.exp:
      Unary.loop(UnaryCode.exp, a, a_step, output, end);
      break;
    case UnaryCode.tanh:
      Unary.loop(UnaryCode.tanh, a, a_step, output, end);
      break;
    case UnaryCode.sigmoid:
      Unary.loop(UnaryCode.sigmoid, a, a_step, output, end);
      break;
    default:
      // Activations need no more than these, but for expressions.
      if (isDefined(WHOLE)) further_unary_vectors(code, a, a_step, output, end);
      else unreachable();
  }
}

function further_unary_vectors(code: i32, a: usize, a_step: usize, output: usize, end: usize): void {
  switch (code) {
    case UnaryCode.copy:
      Unary.loop(UnaryCode.copy, a, a_step, output, end);
      break;
    case UnaryCode.neg:
      Unary.loop(UnaryCode.neg, a, a_step, output, end);
      break;
    case UnaryCode.abs:
      Unary.loop(UnaryCode.abs, a, a_step, output, end);
      break;
    case UnaryCode.sqrt:
      Unary.loop(UnaryCode.sqrt, a, a_step, output, end);
      break;
    case UnaryCode.expm1:
      Unary.loop(UnaryCode.expm1, a, a_step, output, end);
      break;
    case UnaryCode.log:
      Unary.loop(UnaryCode.log, a, a_step, output, end);
      break;
    case UnaryCode.softplus:
      Unary.loop(UnaryCode.softplus, a, a_step, output, end);
      break;
    case UnaryCode.erf:
      Unary.loop(UnaryCode.erf, a, a_step, output, end);
      break;
    case UnaryCode.sin:
    case UnaryCode.cos: {
      const quarters = code === UnaryCode.cos ? 1 : 0;
      for (; output < end; a += a_step, output += 16) {
        v128.store(output, Function32.sin_shifted(v128.load(a), quarters));
      }
      break;
    }
  }
}
