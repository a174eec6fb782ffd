// exp, ln, sigmoid and tanh on vectors. NaN stays NaN; limits are exact: exp and sigmoid reach 0 and inf or
// 1, tanh ±1. Errors in units in the last place are the largest found among 28 million float32 arguments of
// all exponents.
#pragma once

#include "native/simd/common.h"

namespace fastmlp {

// 1.5 * 2^23. A number near it holds an integer in its low bits: adding it rounds, subtracting it gives that
// integer.
constexpr float kRounder = 12582912.0f;

// e^r - 1 on |r| <= ln(2)/2: r + r^2 P(r), P the minimax polynomial by Remez exchange, error relative to r
// below 1.4e-8.
template <class S>
FASTMLP_INLINE typename S::V expm1_poly6(typename S::V r) {
  using V = typename S::V;
  const V square = S::mul(r, r);
  const V low = S::fma(S::set1(0.16666542f), r, S::set1(0.5f));
  const V high = S::fma(S::set1(0.00836664345f), r, S::set1(0.0416662805f));
  const V p = S::fma(S::fma(S::set1(0.00139465625f), square, high), square, low);
  return S::fma(p, square, r);
}

// x = n ln 2 + r; returns r, and n + kRounder. ln 2 in two parts, the first short enough for n times it to be
// exact.
template <class S>
FASTMLP_INLINE typename S::V exp_reduce(typename S::V x, typename S::V* rounded) {
  *rounded = S::fma(x, S::set1(1.44269504f), S::set1(kRounder));
  const typename S::V n = S::sub(*rounded, S::set1(kRounder));
  const typename S::V r = S::fnma(n, S::set1(0.693145752f), x);
  return S::fnma(n, S::set1(1.42860677e-6f), r);
}

// e^x within 1.1 ulp, subnormal results included.
template <class S>
FASTMLP_INLINE typename S::V exp_poly6_f32(typename S::V x) {
  using V = typename S::V;
  // Beyond these the result is inf or 0 anyway, and 2^n would leave the range of `scale`.
  x = S::max(S::set1(-105.0f), S::min(S::set1(90.0f), x));
  V rounded;
  const V r = exp_reduce<S>(x, &rounded);
  return S::scale(S::add(expm1_poly6<S>(r), S::set1(1.0f)), rounded);
}

// e^x for x <= 0, to the bit what exp_poly6_f32 has, by fewer operations.
template <class S>
FASTMLP_INLINE typename S::V exp_upto0_poly6_f32(typename S::V x) {
  typename S::V rounded;
  const typename S::V r = exp_reduce<S>(S::max(S::set1(-105.0f), x), &rounded);
  return S::scale_from_one(expm1_poly6<S>(r), rounded);
}

// e^-|x| = 2^n (e^r - 1) + 2^n; returns e^r - 1. 2^n below the normal range may be 0.
template <class S>
FASTMLP_INLINE typename S::V exp_negative_parts(typename S::V x, typename S::V* power) {
  const typename S::V minus = S::max(S::set1(-105.0f), S::copy_sign(x, S::set1(-1.0f)));
  typename S::V rounded;
  const typename S::V r = exp_reduce<S>(minus, &rounded);
  // It waits for less than the polynomial does.
  *power = S::scale_down(S::set1(1.0f), rounded);
  return expm1_poly6<S>(r);
}

// e^-|x| within 1.1 ulp; results below the normal range may be 0.
template <class S>
FASTMLP_INLINE typename S::V exp_negative_poly6_f32(typename S::V x) {
  typename S::V power;
  const typename S::V m = exp_negative_parts<S>(x, &power);
  return S::fma(m, power, power);
}

// 1 / (1 + e^-z) within 2.3 ulp, from e^-|z|, which cannot overflow. 1 + e^-|z| does not wait for e^-|z|.
template <class S>
FASTMLP_INLINE typename S::V sigmoid_poly6_f32(typename S::V z) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  V power;
  const V m = exp_negative_parts<S>(z, &power);
  const V e = S::fma(m, power, power);
  return S::div(S::select(S::less(z, S::set1(0.0f)), e, one), S::fma(m, power, S::add(one, power)));
}

// tanh z within 2.5 ulp: -t / (t + 2) with t = e^(-2|z|) - 1 without cancellation: 2^n (e^r - 1) + (2^n - 1).
template <class S>
FASTMLP_INLINE typename S::V tanh_poly6_f32(typename S::V z) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  // From 10 on tanh rounds to 1.
  const V x = S::max(S::set1(-20.0f), S::mul(S::set1(-2.0f), S::abs(z)));
  V rounded;
  const V r = exp_reduce<S>(x, &rounded);
  const V power = S::scale_down(one, rounded);
  const V t = S::fma(power, expm1_poly6<S>(r), S::sub(power, one));
  return S::copy_sign(S::div(t, S::add(t, S::set1(2.0f))), z);
}

// ln(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1]: -f^2/2 + f^3 P(f), P the minimax polynomial by Remez
// exchange, error relative to ln(1 + f) below 6e-9. `more` is added before the largest term is.
template <class S>
FASTMLP_INLINE typename S::V log_tail_poly10(typename S::V f, typename S::V more) {
  using V = typename S::V;
  V p = S::set1(-0.0763451979f);
  p = S::fma(p, f, S::set1(0.12761569f));
  p = S::fma(p, f, S::set1(-0.131601706f));
  p = S::fma(p, f, S::set1(0.142017588f));
  p = S::fma(p, f, S::set1(-0.166233584f));
  p = S::fma(p, f, S::set1(0.200012267f));
  p = S::fma(p, f, S::set1(-0.250008196f));
  p = S::fma(p, f, S::set1(0.333333313f));
  const V square = S::mul(f, f);
  return S::fnma(S::set1(0.5f), square, S::fma(S::mul(square, f), p, more));
}

// ln x within 0.9 ulp: e ln 2 + ln(1 + f) for x = (1 + f) 2^e. ln 0 is -inf, ln of a negative number NaN.
template <class S>
FASTMLP_INLINE typename S::V log_poly10_f32(typename S::V x) {
  using V = typename S::V;
  const V zero = S::set1(0.0f);
  // Subnormal numbers are scaled into the normal range first.
  const auto subnormal = S::less(x, S::set1(1.17549435e-38f));
  V e;
  const V m = S::split(S::select(subnormal, S::mul(x, S::set1(8388608.0f)), x), &e);
  e = S::sub(e, S::select(subnormal, S::set1(23.0f), zero));
  const V f = S::sub(m, S::set1(1.0f));
  const V tail = log_tail_poly10<S>(f, S::mul(e, S::set1(1.42860677e-6f)));
  V y = S::fma(e, S::set1(0.693145752f), S::add(f, tail));
  y = S::select(S::less(x, S::set1(INFINITY)), y, x);
  y = S::select(S::less(x, zero), S::set1(NAN), y);
  return S::select(S::equal(x, zero), S::set1(-INFINITY), y);
}

// ln(1 + e) for e in [0, 1] within 2 ulp: f is e itself up to sqrt(2) - 1; from there on 1 + f is half
// of 1 + e.
template <class S>
FASTMLP_INLINE typename S::V log1p_poly10_f32(typename S::V e) {
  using V = typename S::V;
  const V zero = S::set1(0.0f);
  const auto halved = S::less(S::set1(0.414213562f), e);
  const V f = S::select(halved, S::mul(S::set1(0.5f), S::sub(e, S::set1(1.0f))), e);
  const V tail = log_tail_poly10<S>(f, S::select(halved, S::set1(1.42860677e-6f), zero));
  return S::add(S::select(halved, S::set1(0.693145752f), zero), S::add(f, tail));
}

}  // namespace fastmlp
