/**
 * exp, ln, sigmoid and tanh of four lanes. NaN stays NaN; limits are exact: exp and sigmoid reach 0 and inf or 1,
 * tanh ±1. The polynomials are those of `native/kernels/math.h`, except for ln(1 + e).
 */
import { F32x4 } from './simd';

export class Math32 {
  /** x = n ln 2 + r for the nearest integer n. */
  @inline static exp_exponent(x: v128): v128 {
    return f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504)));
  }

  /** r of `exp_exponent`; ln 2 in two parts, the first short enough for n times it to be exact. */
  @inline static exp_rest(x: v128, n: v128): v128 {
    const r = F32x4.fnma(n, f32x4.splat(0.693145752), x);
    return F32x4.fnma(n, f32x4.splat(1.42860677e-6), r);
  }

  /** e^r - 1 on |r| <= ln(2)/2: minimax polynomial by Remez exchange, error relative to r below 1.4e-8. */
  @inline static expm1_poly6(r: v128): v128 {
    const square = f32x4.mul(r, r);
    const low = F32x4.fma(f32x4.splat(0.16666542), r, f32x4.splat(0.5));
    const high = F32x4.fma(f32x4.splat(0.00836664345), r, f32x4.splat(0.0416662805));
    const p = F32x4.fma(F32x4.fma(f32x4.splat(0.00139465625), square, high), square, low);
    return F32x4.fma(p, square, r);
  }

  /** e^x, subnormal results included. */
  @inline static exp_poly6(x: v128): v128 {
    // Beyond these the result is inf or 0 anyway, and 2^n would leave the range of `scale`.
    x = F32x4.max(F32x4.min(x, f32x4.splat(90.0)), f32x4.splat(-105.0));
    const n = Math32.exp_exponent(x);
    const p = Math32.expm1_poly6(Math32.exp_rest(x, n));
    return F32x4.scale(f32x4.add(p, f32x4.splat(1.0)), n);
  }

  /** sigmoid(z) from e = e^-|z|, which cannot overflow. */
  @inline static sigmoid_of_exp(z: v128, e: v128): v128 {
    const one = f32x4.splat(1.0);
    return f32x4.div(F32x4.select(f32x4.lt(z, f32x4.splat(0.0)), e, one), f32x4.add(one, e));
  }

  /** 1 / (1 + e^-z), with e^-|z| = 2^n (e^r - 1) + 2^n; 1 + e^-|z| does not wait for it. */
  @inline static sigmoid_poly6(z: v128): v128 {
    const one = f32x4.splat(1.0);
    const x = F32x4.max(f32x4.neg(f32x4.abs(z)), f32x4.splat(-105.0));
    const n = Math32.exp_exponent(x);
    const power = F32x4.scale(one, n);
    const m = Math32.expm1_poly6(Math32.exp_rest(x, n));
    const above = F32x4.select(f32x4.lt(z, f32x4.splat(0.0)), F32x4.fma(m, power, power), one);
    return f32x4.div(above, F32x4.fma(m, power, f32x4.add(one, power)));
  }

  /** tanh z = -t / (t + 2) with t = e^(-2|z|) - 1 without cancellation: 2^n (e^r - 1) + (2^n - 1). */
  @inline static tanh_poly6(z: v128): v128 {
    const one = f32x4.splat(1.0);
    // From 10 on tanh rounds to 1.
    const x = F32x4.max(f32x4.mul(f32x4.abs(z), f32x4.splat(-2.0)), f32x4.splat(-20.0));
    const n = Math32.exp_exponent(x);
    const power = F32x4.scale(one, n);
    const t = F32x4.fma(power, Math32.expm1_poly6(Math32.exp_rest(x, n)), f32x4.sub(power, one));
    const size = f32x4.div(t, f32x4.add(t, f32x4.splat(2.0)));
    return v128.bitselect(z, size, i32x4.splat(0x80000000));
  }

  /**
   * ln x. With m in [sqrt(1/2), sqrt(2)) and f = m - 1: ln(1 + f) = f - f^2/2 + f^3 P(f), P the minimax polynomial by
   * Remez exchange, error relative to ln(1 + f) below 6e-9. ln 0 is -inf, ln of a negative number NaN.
   */
  @inline static log_poly10(x: v128): v128 {
    // Subnormal numbers are scaled into the normal range first.
    const subnormal = f32x4.lt(x, f32x4.splat(1.17549435e-38));
    const normal = F32x4.select(subnormal, f32x4.mul(x, f32x4.splat(8388608.0)), x);
    const root_half_bits = i32x4.splat(0x3f3504f3);
    const shifted = i32x4.sub(normal, root_half_bits);
    const m = i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), root_half_bits);
    const binary = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23));
    const e = f32x4.sub(binary, v128.and(subnormal, f32x4.splat(23.0)));
    const f = f32x4.sub(m, f32x4.splat(1.0));
    let p = f32x4.splat(-0.0763451979);
    p = F32x4.fma(p, f, f32x4.splat(0.12761569));
    p = F32x4.fma(p, f, f32x4.splat(-0.131601706));
    p = F32x4.fma(p, f, f32x4.splat(0.142017588));
    p = F32x4.fma(p, f, f32x4.splat(-0.166233584));
    p = F32x4.fma(p, f, f32x4.splat(0.200012267));
    p = F32x4.fma(p, f, f32x4.splat(-0.250008196));
    p = F32x4.fma(p, f, f32x4.splat(0.333333313));
    const square = f32x4.mul(f, f);
    let tail = F32x4.fma(f32x4.mul(square, f), p, f32x4.mul(e, f32x4.splat(1.42860677e-6)));
    tail = F32x4.fnma(f32x4.splat(0.5), square, tail);
    let y = F32x4.fma(e, f32x4.splat(0.693145752), f32x4.add(f, tail));
    const zero = f32x4.splat(0.0);
    y = F32x4.select(f32x4.lt(x, f32x4.splat(f32.POSITIVE_INFINITY)), y, x);
    y = F32x4.select(f32x4.lt(x, zero), f32x4.splat(f32.NaN), y);
    return F32x4.select(f32x4.eq(x, zero), f32x4.splat(f32.NEGATIVE_INFINITY), y);
  }

  /** ln(1 + e) for e in [0, 1]: e + e^2 P(e), P minimax by Remez exchange, error relative to the result below 5.2e-9. */
  @inline static log1p_poly10(e: v128): v128 {
    let p = f32x4.splat(-0.00331848115);
    p = F32x4.fma(p, e, f32x4.splat(0.0202046242));
    p = F32x4.fma(p, e, f32x4.splat(-0.0576645173));
    p = F32x4.fma(p, e, f32x4.splat(0.10680563));
    p = F32x4.fma(p, e, f32x4.splat(-0.153554007));
    p = F32x4.fma(p, e, f32x4.splat(0.196954027));
    p = F32x4.fma(p, e, f32x4.splat(-0.249585882));
    p = F32x4.fma(p, e, f32x4.splat(0.33330512));
    p = F32x4.fma(p, e, f32x4.splat(-0.499999315));
    return F32x4.fma(f32x4.mul(e, e), p, e);
  }

  /** ln x, where it is taken of few numbers: not in place. */
  static log(x: v128): v128 {
    return Math32.log_poly10(x);
  }

  /** ln x of one number. */
  static log_one(x: f32): f32 {
    return f32x4.extract_lane(Math32.log(f32x4.splat(x)), 0);
  }
}
