// Elementwise activations. f acts on net inputs z; f' is taken from the output x = f(z).
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/math.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

template <class S, ActivationCode kCode>
FASTMLP_INLINE typename S::V activate(typename S::V z) {
  using V = typename S::V;
  const V zero = S::set1(0.0f);
  if constexpr (kCode == ActivationCode::sigmoid) return sigmoid_poly6_f32<S>(z);
  if constexpr (kCode == ActivationCode::tanh) return tanh_poly6_f32<S>(z);
  if constexpr (kCode == ActivationCode::exp) return exp_poly6_f32<S>(z);
  // max takes its second operand where there is a NaN.
  if constexpr (kCode == ActivationCode::relu) return S::max(zero, z);
  if constexpr (kCode == ActivationCode::heaviside) {
    return S::select(S::less_equal(zero, z), S::set1(1.0f), zero);
  }
  return z;
}

template <class S, ActivationCode kCode>
FASTMLP_INLINE typename S::V derivative_from_output(typename S::V x) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  const V zero = S::set1(0.0f);
  if constexpr (kCode == ActivationCode::sigmoid) return S::mul(x, S::sub(one, x));
  if constexpr (kCode == ActivationCode::tanh) return S::mul(S::sub(one, x), S::add(one, x));
  if constexpr (kCode == ActivationCode::exp) return x;
  if constexpr (kCode == ActivationCode::relu) return S::select(S::less(zero, x), one, zero);
  if constexpr (kCode == ActivationCode::heaviside) return S::set1(NAN);
  return one;
}

// Calls body with the activation as a type, so that it is decided outside the loops.
template <class Body>
FASTMLP_INLINE void with_activation(int32_t code, Body body) {
  switch (static_cast<ActivationCode>(code)) {
    case ActivationCode::linear:
      return body(Constant<ActivationCode, ActivationCode::linear>{});
    case ActivationCode::sigmoid:
      return body(Constant<ActivationCode, ActivationCode::sigmoid>{});
    case ActivationCode::tanh:
      return body(Constant<ActivationCode, ActivationCode::tanh>{});
    case ActivationCode::relu:
      return body(Constant<ActivationCode, ActivationCode::relu>{});
    case ActivationCode::heaviside:
      return body(Constant<ActivationCode, ActivationCode::heaviside>{});
    case ActivationCode::exp:
      return body(Constant<ActivationCode, ActivationCode::exp>{});
  }
}

template <class S>
FASTMLP_NOINLINE void activation_forward(const Batch& batch, const operands::activation_forward& o,
                                         Span rows) {
  const int64_t first = rows.begin * o.units;
  const float* net_input = batch.arena + o.netInput + first;
  float* output = batch.arena + o.output + first;
  with_activation(o.activation, [&](auto code) {
    for_each<S>((rows.end - rows.begin) * o.units, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(output + i, activate<L, decltype(code)::value>(lanes.load(net_input + i)));
    });
  });
}

template <class S>
FASTMLP_NOINLINE void activation_backward(const Batch& batch, const operands::activation_backward& o,
                                          Span rows) {
  const int64_t first = rows.begin * o.units;
  const float* gradient = batch.arena + o.gradient + first;
  const float* output = batch.arena + o.output + first;
  float* delta = batch.arena + o.delta + first;
  with_activation(o.activation, [&](auto code) {
    for_each<S>((rows.end - rows.begin) * o.units, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      const auto derivative = derivative_from_output<L, decltype(code)::value>(lanes.load(output + i));
      lanes.store(delta + i, L::mul(lanes.load(gradient + i), derivative));
    });
  });
}

}  // namespace fastmlp
