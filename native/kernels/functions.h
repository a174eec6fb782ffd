// The functions that expressions have beyond those of math.h, to within 2 units in the last place. NaN stays
// NaN; limits are exact. Polynomials are minimax, by Remez exchange with the coefficients rounded to float
// one after the other.
#pragma once

#include <cmath>

#include "native/kernels/math.h"
#include "native/simd/common.h"

namespace fastmlp {

// x rounded to the nearest integer, for |x| < 2^22.
template <class S>
FASTMLP_INLINE typename S::V nearest_integer(typename S::V x) {
  return S::sub(S::add(x, S::set1(kRounder)), S::set1(kRounder));
}

// e^x - 1 without cancellation, as 2^n (e^r - 1) + (2^n - 1); half of it first, so that 2^n stays finite up
// to the largest finite result.
template <class S>
FASTMLP_INLINE typename S::V expm1_poly6_f32(typename S::V x) {
  using V = typename S::V;
  // Beyond these the result is inf or rounds to -1.
  x = S::max(S::set1(-20.0f), S::min(S::set1(89.0f), x));
  V rounded;
  const V r = exp_reduce<S>(x, &rounded);
  const V half = S::set1(0.5f);
  const V power = S::scale(half, rounded);
  const V y = S::fma(power, expm1_poly6<S>(r), S::sub(power, half));
  return S::add(y, y);
}

// ln(1 + e^z), without overflow.
template <class S>
FASTMLP_INLINE typename S::V softplus_f32(typename S::V z) {
  using V = typename S::V;
  const V zero = S::set1(0.0f);
  const V e = exp_poly6_f32<S>(S::sub(zero, S::abs(z)));
  return S::add(S::max(zero, z), log1p_poly10_f32<S>(e));
}

// z - n pi/2 for integral n, with pi/2 in three parts. The first step is exact for n the nearest to z over
// pi/2, the others are rounded once: next to a zero of sin or cos the result is as precise as elsewhere.
template <class S>
FASTMLP_INLINE typename S::V reduce_by_half_pi(typename S::V z, typename S::V n) {
  typename S::V r = S::fused_fnma(n, S::set1(1.57079637f), z);
  r = S::fused_fnma(n, S::set1(-4.37113883e-8f), r);
  return S::fused_fnma(n, S::set1(-1.71512451e-15f), r);
}

// sin(r + n pi/2) on |r| <= pi/4 + 0.006: ± sin r for even n, ± cos r for odd n.
template <class S>
FASTMLP_INLINE typename S::V sin_quarter_f32(typename S::V r, typename S::V n) {
  using V = typename S::V;
  const V s = S::mul(r, r);
  // r + r^3 P(r^2), relative error below 4.2e-9.
  V sine = S::fma(S::set1(-0.000195078843f), s, S::set1(0.00833210628f));
  sine = S::fma(sine, s, S::set1(-0.166666538f));
  sine = S::fma(S::mul(s, r), sine, r);
  // 1 - r^2/2 + r^4 P(r^2), relative error below 1.4e-10.
  V cosine = S::fma(S::set1(2.44307503e-05f), s, S::set1(-0.00138873013f));
  cosine = S::fma(cosine, s, S::set1(0.0416666456f));
  cosine = S::fma(S::mul(s, s), cosine, S::fnma(S::set1(0.5f), s, S::set1(1.0f)));

  const V half = S::set1(0.5f);
  // Of n quarter turns, the whole half turns: a quarter left over takes the cosine, an odd half turn the
  // sign.
  const V halves = S::mul(n, half);
  const V whole_halves = nearest_integer<S>(S::sub(halves, S::set1(0.25f)));
  const V y = S::select(S::less(whole_halves, halves), cosine, sine);
  const V turns = S::mul(whole_halves, half);
  return S::select(S::equal(nearest_integer<S>(turns), turns), y, S::sub(S::set1(0.0f), y));
}

// Up to here n, computed in float32, is close enough to z over pi/2.
constexpr float kLargestAngle = 1e5f;

// y, with the lanes whose argument is beyond kLargestAngle computed one by one in float64.
template <class S>
FASTMLP_NOINLINE typename S::V large_angles(typename S::V z, typename S::V y, bool cosine) {
  float angles[S::kLanes];
  float values[S::kLanes];
  S::store(angles, z);
  S::store(values, y);
  for (int lane = 0; lane < S::kLanes; lane++) {
    const double angle = static_cast<double>(angles[lane]);
    if (!(angle > kLargestAngle || angle < -kLargestAngle)) continue;
    values[lane] = static_cast<float>(cosine ? std::cos(angle) : std::sin(angle));
  }
  return S::load(values);
}

// sin z, or cos z = sin(z + pi/2).
template <class S, bool kCosine>
FASTMLP_INLINE typename S::V sin_or_cos_f32(typename S::V z) {
  using V = typename S::V;
  const V n = nearest_integer<S>(S::mul(z, S::set1(0.636619747f)));
  const V quarter = kCosine ? S::add(n, S::set1(1.0f)) : n;
  const V y = sin_quarter_f32<S>(reduce_by_half_pi<S>(z, n), quarter);
  if (S::any(S::less(S::set1(kLargestAngle), S::abs(z)))) return large_angles<S>(z, y, kCosine);
  return y;
}

// The error function. Up to 0.9: z + z P(z^2), relative error below 1.5e-8. From there on: 1 - e^-(t + t
// Q(t)) with t = |z|, error relative to the result below 3.1e-9; from 3.95 on that rounds to 1.
template <class S>
FASTMLP_INLINE typename S::V erf_poly11_f32(typename S::V z) {
  using V = typename S::V;
  const V s = S::mul(z, z);
  V p = S::set1(-0.000602079846f);
  p = S::fma(p, s, S::set1(0.00499895914f));
  p = S::fma(p, s, S::set1(-0.026770493f));
  p = S::fma(p, s, S::set1(0.112819217f));
  p = S::fma(p, s, S::set1(-0.376125038f));
  p = S::fma(p, s, S::set1(0.128379151f));
  const V near = S::fma(p, z, z);

  const V t = S::min(S::set1(3.95f), S::abs(z));
  V q = S::set1(-0.000214590851f);
  q = S::fma(q, t, S::set1(0.00321994838f));
  q = S::fma(q, t, S::set1(-0.0229059681f));
  q = S::fma(q, t, S::set1(0.105286792f));
  q = S::fma(q, t, S::set1(0.635699391f));
  q = S::fma(q, t, S::set1(0.128519952f));
  const V e = exp_poly6_f32<S>(S::sub(S::set1(0.0f), S::fma(q, t, t)));
  const V far = S::copy_sign(S::sub(S::set1(1.0f), e), z);
  return S::select(S::less(S::set1(0.9f), t), far, near);
}

}  // namespace fastmlp
