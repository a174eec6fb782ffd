// Softmax and its fusion with cross-entropy, row by row, the largest net input taken out first.
// Shapes: netInput, output, gradient, delta and target are rows × units.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/losses.h"
#include "native/kernels/math.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// Sum of exp(z - largest) over a row; stores the exponentials unless `exponentials` is null.
template <class S>
FASTMLP_INLINE float exponential_row(const float* z, float largest, int64_t units, float* exponentials) {
  return sum_each<S>(units, [&](auto lanes, int64_t j) {
    using L = typename decltype(lanes)::Simd;
    const auto e = exp_poly6_f32<L>(L::sub(lanes.load(z + j), L::set1(largest)));
    if (exponentials != nullptr) lanes.store(exponentials + j, e);
    return e;
  });
}

template <class S>
FASTMLP_NOINLINE void softmax_forward(const Batch& batch, const operands::softmax_forward& o, Span rows) {
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* z = batch.arena + o.netInput + r * o.units;
    float* x = batch.arena + o.output + r * o.units;
    // From 1 to `units`: the product is as good as the quotient, and a division a vector costs as much as
    // exp.
    const float share = 1.0f / exponential_row<S>(z, max_each<S>(z, o.units), o.units, x);
    for_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(x + j, L::mul(lanes.load(x + j), L::set1(share)));
    });
  }
}

template <class S>
FASTMLP_NOINLINE void softmax_backward(const Batch& batch, const operands::softmax_backward& o, Span rows) {
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* gradient = batch.arena + o.gradient + r * o.units;
    const float* x = batch.arena + o.output + r * o.units;
    float* delta = batch.arena + o.delta + r * o.units;
    const float mean = sum_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      return L::mul(lanes.load(gradient + j), lanes.load(x + j));
    });
    for_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      const auto centred = L::sub(lanes.load(gradient + j), L::set1(mean));
      lanes.store(delta + j, L::mul(lanes.load(x + j), centred));
    });
  }
}

// rowLosses[r] = sum_j t_j (lse - z_j) with lse = largest + ln(sum); delta = s (softmax(z) sum_j t_j - t).
template <class S>
FASTMLP_NOINLINE void softmax_cross_entropy(const Batch& batch, const operands::softmax_cross_entropy& o,
                                            Span rows) {
  const float scale = scale_of<S>(o.reduction, batch.rows);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* z = batch.arena + o.netInput + r * o.units;
    const float* t = batch.arena + o.target + r * o.units;
    float* delta = o.delta < 0 ? nullptr : batch.arena + o.delta + r * o.units;
    const float largest = max_each<S>(z, o.units);
    const float sum = exponential_row<S>(z, largest, o.units, delta);
    const float log_sum = log_poly10_f32<typename S::One>(sum);
    batch.arena[o.rowLosses + r] = sum_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      const auto zero = L::set1(0.0f);
      const auto t_j = lanes.load(t + j);
      const auto distance = L::add(L::sub(L::set1(largest), lanes.load(z + j)), L::set1(log_sum));
      return L::select(L::equal(t_j, zero), zero, L::mul(t_j, distance));
    });
    if (delta == nullptr) continue;
    const float target_sum = sum_each<S>(o.units, [&](auto lanes, int64_t j) { return lanes.load(t + j); });
    const float factor = target_sum / sum;
    for_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      const auto error = L::sub(L::mul(L::set1(factor), lanes.load(delta + j)), lanes.load(t + j));
      lanes.store(delta + j, L::mul(L::set1(scale), error));
    });
  }
}

// As softmax_cross_entropy with t = 1 at the label of the row, 0 elsewhere.
template <class S>
FASTMLP_NOINLINE void softmax_cross_entropy_labels(const Batch& batch,
                                                   const operands::softmax_cross_entropy_labels& o,
                                                   Span rows) {
  const float scale = scale_of<S>(o.reduction, batch.rows);
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* z = batch.arena + o.netInput + r * o.units;
    float* delta = o.delta < 0 ? nullptr : batch.arena + o.delta + r * o.units;
    const float label = batch.arena[o.labels + r];
    const bool inside = label >= 0 && label < static_cast<float>(o.units);
    const int64_t place = inside ? static_cast<int64_t>(label) : 0;
    const float largest = max_each<S>(z, o.units);
    const float sum = exponential_row<S>(z, largest, o.units, delta);
    const float distance = (largest - z[place]) + log_poly10_f32<typename S::One>(sum);
    batch.arena[o.rowLosses + r] = inside ? distance : 0.0f;
    if (delta == nullptr) continue;
    const float factor = inside ? scale / sum : 0.0f;
    for_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(delta + j, L::mul(L::set1(factor), lanes.load(delta + j)));
    });
    if (inside) delta[place] -= scale;
  }
}

}  // namespace fastmlp
