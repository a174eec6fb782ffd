// Losses on outputs, for any output activation: rowLosses[r] = sum over the row of E(x, t), gradient = s
// dE/dx. Shapes: prediction, target and gradient are rows × units. The gradient may be left out.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/math.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// s: what the reduction multiplies the derivatives of each row by.
template <class S>
FASTMLP_INLINE float scale_of(int32_t reduction, int64_t rows) {
  const bool mean = static_cast<ReductionCode>(reduction) == ReductionCode::mean;
  return mean ? 1.0f / static_cast<float>(rows) : 1.0f;
}

// a ln b, with 0 ln 0 = 0.
template <class S>
FASTMLP_INLINE typename S::V times_log(typename S::V a, typename S::V b) {
  const typename S::V zero = S::set1(0.0f);
  return S::select(S::equal(a, zero), zero, S::mul(a, log_poly10_f32<S>(b)));
}

// a / b, with 0 / 0 = 0.
template <class S>
FASTMLP_INLINE typename S::V ratio(typename S::V a, typename S::V b) {
  const typename S::V zero = S::set1(0.0f);
  return S::select(S::equal(a, zero), zero, S::div(a, b));
}

// Loss of one output and its derivative; `share` is 1 / units.
template <class S, LossCode kLoss>
FASTMLP_INLINE typename S::V loss_value(typename S::V x, typename S::V t, float share) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  const V zero = S::set1(0.0f);
  if constexpr (kLoss == LossCode::cross_entropy) return S::sub(zero, times_log<S>(t, x));
  if constexpr (kLoss == LossCode::binary_cross_entropy) {
    return S::sub(S::sub(zero, times_log<S>(t, x)), times_log<S>(S::sub(one, t), S::sub(one, x)));
  }
  const float factor = kLoss == LossCode::half_squared_error   ? 0.5f
                       : kLoss == LossCode::mean_squared_error ? share
                                                               : 1.0f;
  const V error = S::sub(x, t);
  return S::mul(S::set1(factor), S::mul(error, error));
}

template <class S, LossCode kLoss>
FASTMLP_INLINE typename S::V loss_derivative(typename S::V x, typename S::V t, float share) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  if constexpr (kLoss == LossCode::cross_entropy) return S::sub(S::set1(0.0f), ratio<S>(t, x));
  if constexpr (kLoss == LossCode::binary_cross_entropy) {
    return S::sub(ratio<S>(S::sub(one, t), S::sub(one, x)), ratio<S>(t, x));
  }
  const float factor = kLoss == LossCode::half_squared_error   ? 1.0f
                       : kLoss == LossCode::mean_squared_error ? 2.0f * share
                                                               : 2.0f;
  return S::mul(S::set1(factor), S::sub(x, t));
}

// Calls body with the loss as a type.
template <class Body>
FASTMLP_INLINE void with_loss(int32_t code, Body body) {
  switch (static_cast<LossCode>(code)) {
    case LossCode::half_squared_error:
      return body(Constant<LossCode, LossCode::half_squared_error>{});
    case LossCode::squared_error:
      return body(Constant<LossCode, LossCode::squared_error>{});
    case LossCode::mean_squared_error:
      return body(Constant<LossCode, LossCode::mean_squared_error>{});
    case LossCode::cross_entropy:
      return body(Constant<LossCode, LossCode::cross_entropy>{});
    case LossCode::binary_cross_entropy:
      return body(Constant<LossCode, LossCode::binary_cross_entropy>{});
  }
}

template <class S>
FASTMLP_NOINLINE void loss_backward(const Batch& batch, const operands::loss_backward& o, Span rows) {
  const float scale = scale_of<S>(o.reduction, batch.rows);
  const float share = 1.0f / static_cast<float>(o.units);
  with_loss(o.loss, [&](auto code) {
    constexpr LossCode kLoss = decltype(code)::value;
    for (int64_t r = rows.begin; r < rows.end; r++) {
      const float* x = batch.arena + o.prediction + r * o.units;
      const float* t = batch.arena + o.target + r * o.units;
      float* gradient = o.gradient < 0 ? nullptr : batch.arena + o.gradient + r * o.units;
      batch.arena[o.rowLosses + r] = sum_each<S>(o.units, [&](auto lanes, int64_t j) {
        using L = typename decltype(lanes)::Simd;
        const auto x_j = lanes.load(x + j);
        const auto t_j = lanes.load(t + j);
        if (gradient != nullptr) {
          const auto derivative = loss_derivative<L, kLoss>(x_j, t_j, share);
          lanes.store(gradient + j, L::mul(L::set1(scale), derivative));
        }
        return loss_value<L, kLoss>(x_j, t_j, share);
      });
    }
  });
}

// As loss_backward with the loss cross_entropy and t = 1 at the label of the row, 0 elsewhere.
template <class S>
FASTMLP_NOINLINE void cross_entropy_labels(const Batch& batch, const operands::cross_entropy_labels& o,
                                           Span rows) {
  using One = typename S::One;
  const float scale = scale_of<S>(o.reduction, batch.rows);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float label = batch.arena[o.labels + r];
    const bool inside = label >= 0 && label < static_cast<float>(o.units);
    const int64_t place = inside ? static_cast<int64_t>(label) : 0;
    const float x = batch.arena[o.prediction + r * o.units + place];
    batch.arena[o.rowLosses + r] = inside ? -log_poly10_f32<One>(x) : 0.0f;
    if (o.gradient < 0) continue;
    float* gradient = batch.arena + o.gradient + r * o.units;
    for (int64_t j = 0; j < o.units; j++) gradient[j] = 0;
    if (inside) gradient[place] = -scale / x;
  }
}

// Of sigmoid and binary cross-entropy in one, with e = e^-|z|.
template <class S>
FASTMLP_INLINE typename S::V sigmoid_loss_value(typename S::V z, typename S::V t, typename S::V e) {
  return S::add(S::fnma(z, t, S::max(S::set1(0.0f), z)), log1p_poly10_f32<S>(e));
}
template <class S>
FASTMLP_INLINE typename S::V sigmoid_loss_derivative(typename S::V z, typename S::V t, typename S::V e) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  return S::sub(S::div(S::select(S::less(z, S::set1(0.0f)), e, one), S::add(one, e)), t);
}

// Sigmoid and binary cross-entropy in one, from the net inputs: rowLosses[r] = sum_j max(z, 0) - z t + ln(1 +
// e^-|z|), delta = s (sigmoid(z) - t).
template <class S>
FASTMLP_NOINLINE void sigmoid_binary_cross_entropy(const Batch& batch,
                                                   const operands::sigmoid_binary_cross_entropy& o,
                                                   Span rows) {
  const float scale = scale_of<S>(o.reduction, batch.rows);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* z = batch.arena + o.netInput + r * o.units;
    const float* t = batch.arena + o.target + r * o.units;
    float* delta = o.delta < 0 ? nullptr : batch.arena + o.delta + r * o.units;
    batch.arena[o.rowLosses + r] = sum_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      const auto z_j = lanes.load(z + j);
      const auto t_j = lanes.load(t + j);
      const auto e = exp_negative_poly6_f32<L>(z_j);
      if (delta != nullptr) {
        lanes.store(delta + j, L::mul(L::set1(scale), sigmoid_loss_derivative<L>(z_j, t_j, e)));
      }
      return sigmoid_loss_value<L>(z_j, t_j, e);
    });
  }
}

}  // namespace fastmlp
