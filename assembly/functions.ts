/**
 * The functions that expressions have beyond those of `math.ts`, of four lanes, to within 4 units in the last place; sin
 * and cos next to a zero to within 2^-32. NaN stays NaN. The polynomials are minimax by Remez exchange.
 */
import { Math32 } from './math';
import { F32x4 } from './simd';
import { Workspace } from './workspace';

/** Larger numbers are reduced one by one. */
const REDUCED_SIZE: f32 = 25000;

/** 2/pi: the bits behind the binary point, after 64 zeros. */
const TWO_OVER_PI = memory.data<u64>([
  0, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
]);

export class Function32 {
  /** e^x - 1 = 2^n ((e^r - 1) + (1 - 2^-n)), for x = n ln 2 + r. */
  @inline static expm1(x: v128): v128 {
    const one = f32x4.splat(1.0);
    // Beyond these the result is inf or -1 anyway.
    const z = F32x4.max(F32x4.min(x, f32x4.splat(90.0)), f32x4.splat(-20.0));
    const n = Math32.exp_exponent(z);
    const p = Math32.expm1_poly6(Math32.exp_rest(z, n));
    const y = F32x4.scale(f32x4.add(p, f32x4.sub(one, F32x4.scale(one, f32x4.neg(n)))), n);
    return v128.or(y, v128.and(x, i32x4.splat(0x80000000)));
  }

  /** ln(1 + e^z). */
  @inline static softplus(z: v128): v128 {
    const e = Math32.exp_poly6(f32x4.neg(f32x4.abs(z)));
    return f32x4.add(F32x4.max(z, f32x4.splat(0.0)), Math32.log1p_poly10(e));
  }

  /**
   * The error function: x + x P(x^2) where |x| < 0.875, error relative to erf below 8.6e-9; else 1 - e^-(t Q(t)) for
   * t = |x|, below 3.2e-9.
   */
  @inline static erf(x: v128): v128 {
    const one = f32x4.splat(1.0);
    const size = f32x4.abs(x);
    const square = f32x4.mul(x, x);
    let p = f32x4.splat(-0.00062032562);
    p = F32x4.fma(p, square, f32x4.splat(0.00503218174));
    p = F32x4.fma(p, square, f32x4.splat(-0.0267914645));
    p = F32x4.fma(p, square, f32x4.splat(0.112824552));
    p = F32x4.fma(p, square, f32x4.splat(-0.376125515));
    p = F32x4.fma(p, square, f32x4.splat(0.128379151));
    const near = F32x4.fma(p, size, size);
    // From 4 on erf rounds to 1.
    const t = F32x4.min(size, f32x4.splat(4.0));
    let q = f32x4.splat(-0.000215224907);
    q = F32x4.fma(q, t, f32x4.splat(0.00322512304));
    q = F32x4.fma(q, t, f32x4.splat(-0.0229223818));
    q = F32x4.fma(q, t, f32x4.splat(0.105312094));
    q = F32x4.fma(q, t, f32x4.splat(0.635680437));
    q = F32x4.fma(q, t, f32x4.splat(1.1285255));
    const exponent = f32x4.neg(f32x4.mul(q, t));
    const n = Math32.exp_exponent(exponent);
    const e = f32x4.add(one, Math32.expm1_poly6(Math32.exp_rest(exponent, n)));
    const far = f32x4.sub(one, F32x4.scale(e, n));
    const value = F32x4.select(f32x4.lt(size, f32x4.splat(0.875)), near, far);
    return v128.bitselect(x, value, i32x4.splat(0x80000000));
  }

  /**
   * sin(x + quarters pi/2). With x = n pi/2 + r: sin r or cos r as n tells; errors of the polynomials relative to
   * their values below 3.9e-9 and 1.2e-10. pi/2 comes in three parts, of 8, 10 and 24 bits: n has up to 14, so that the
   * first two products are exact without a fused instruction, and r is off by less than 2^-32 before it is rounded.
   */
  @inline static sin_shifted(x: v128, quarters: i32): v128 {
    // Adding 1.5 * 2^23 rounds and leaves n in the low bits.
    const shift = f32x4.splat(12582912.0);
    let turn = F32x4.fma(x, f32x4.splat(0.636619747), shift);
    const n = f32x4.sub(turn, shift);
    let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(1.5703125)));
    r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(0.000483989716)));
    r = F32x4.fma(n, f32x4.splat(1.62920685e-7), r);
    if (v128.any_true(f32x4.gt(f32x4.abs(x), f32x4.splat(REDUCED_SIZE)))) {
      reduce_large(x, r, turn);
      r = v128.load(Workspace.large, 16);
      turn = v128.load(Workspace.large, 32);
    }
    turn = i32x4.add(turn, i32x4.splat(quarters));
    const square = f32x4.mul(r, r);
    let p = f32x4.splat(-0.000195144516);
    p = F32x4.fma(p, square, f32x4.splat(0.00833215471));
    p = F32x4.fma(p, square, f32x4.splat(-0.166666552));
    const sine = F32x4.fma(f32x4.mul(r, square), p, r);
    let q = f32x4.splat(2.44322091e-5);
    q = F32x4.fma(q, square, f32x4.splat(-0.00138873083));
    q = F32x4.fma(q, square, f32x4.splat(0.0416666456));
    const first = F32x4.fnma(square, f32x4.splat(0.5), f32x4.splat(1.0));
    const cosine = F32x4.fma(f32x4.mul(square, square), q, first);
    const is_odd = i32x4.shr_s(i32x4.shl(turn, 31), 31);
    const sign = i32x4.shl(i32x4.shr_u(turn, 1), 31);
    return v128.xor(F32x4.select(is_odd, cosine, sine), sign);
  }
}

/** Puts the rests and turns of the lanes beyond REDUCED_SIZE right; leaves them all in `Workspace.large`. */
function reduce_large(x: v128, rest: v128, turn: v128): void {
  const large = Workspace.large;
  v128.store(large, x);
  v128.store(large, rest, 16);
  v128.store(large, turn, 32);
  for (let lane = large; lane < large + 16; lane += 4) {
    const size = abs(load<f32>(lane));
    // The rest of an infinite number is NaN already.
    if (size > REDUCED_SIZE && size < f32.POSITIVE_INFINITY) reduce_lane(lane);
  }
}

/**
 * x = m 2^e times 2/pi in quarter turns modulo 4, with 62 bits behind the binary point: m times the bits of 2/pi from
 * the one that 2^e makes worth 2.
 */
function reduce_lane(lane: usize): void {
  const bits = load<u32>(lane);
  const m = <u64>((bits & 0x007fffff) | 0x00800000);
  // e is the exponent without its bias and the 23 bits of m; 62 = 64 zeros - 2.
  const offset = <u64>((bits >>> 23) & 0xff) - 150 + 62;
  const from = TWO_OVER_PI + ((<usize>(offset >> 6)) << 3);
  const high = bits_from(from, offset & 63);
  const low = bits_from(from + 8, offset & 63) >> 32;
  const product = m * high + ((m * low) >> 32);
  // Signed: the distance from the nearest quarter turn, in 2^-64 of one.
  const rest = <i64>(product << 2);
  const turn = <i32>(product >> 62) + (rest < 0 ? 1 : 0);
  const r = <f32>(<f64>rest * 8.515303950216386e-20);
  const is_negative = <i32>bits < 0;
  store<f32>(lane, is_negative ? -r : r, 16);
  store<i32>(lane, is_negative ? -turn : turn, 32);
}

/** 64 bits from bit `first` of a word on, 0 <= first < 64. */
function bits_from(words: usize, first: u64): u64 {
  return (load<u64>(words) << first) | ((load<u64>(words, 8) >> 1) >> (63 - first));
}
