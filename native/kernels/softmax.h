// Softmax and its fusion with cross-entropy, row by row, the largest net input taken out first.
// Shapes: netInput, output, gradient, delta and target are rows × units.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/few_columns.h"
#include "native/kernels/losses.h"
#include "native/kernels/math.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// Sum of exp(z - largest) over a row; stores the exponentials unless `exponentials` is null. Asks for the row
// behind it: the processor's own prefetching ends at every page, and a row of 1024 is one.
template <class S>
FASTMLP_INLINE float exponential_row(const float* z, float largest, int64_t units, float* exponentials) {
  return sum_each<S>(units, [&](auto lanes, int64_t j) {
    using L = typename decltype(lanes)::Simd;
    FASTMLP_PREFETCH_NEAR(z + units + j);
    if (exponentials != nullptr) FASTMLP_PREFETCH_TO_WRITE(exponentials + units + j);
    const auto e = exp_upto0_poly6_f32<L>(L::sub(lanes.load(z + j), L::set1(largest)));
    if (exponentials != nullptr) lanes.store(exponentials + j, e);
    return e;
  });
}

template <class S>
FASTMLP_NOINLINE void softmax_forward(const Batch& batch, const operands::softmax_forward& o, Span rows) {
  if constexpr (S::kLanes > 1) {
    const int64_t few = rows_in_blocks<S>(rows.end - rows.begin, o.units);
    if (few > 0) {
      const int64_t first = rows.begin * o.units;
      exponentials_of_rows<S>(
          batch.arena + o.netInput + first, batch.arena + o.output + first, o.units, few,
          [](const auto&, int64_t, auto, auto sum) { return S::div(S::set1(1.0f), sum); });
      rows.begin += few;
    }
  }
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

// t (largest + log_sum - z), 0 where t is.
template <class S>
FASTMLP_INLINE typename S::V cross_entropy_term(typename S::V t, typename S::V z, typename S::V largest,
                                                typename S::V log_sum) {
  const typename S::V zero = S::set1(0.0f);
  const typename S::V distance = S::add(S::sub(largest, z), log_sum);
  return S::select(S::equal(t, zero), zero, S::mul(t, distance));
}

// softmax_cross_entropy of the first `rows` rows of a few columns.
template <class S>
FASTMLP_INLINE void few_columns_cross_entropy(const float* z, const float* t, float* delta, float* row_losses,
                                              int64_t units, int64_t rows, float scale) {
  using V = typename S::V;
  exponentials_of_rows<S>(z, delta, units, rows, [&](const auto& few, int64_t r, V largest, V sum) {
    float block[FewColumns<S>::kBlockFloats];
    const V log_sum = log_poly10_f32<S>(sum);
    const float* z_r = z + r * units;
    const float* t_r = t + r * units;
    for (int64_t j = 0; j < units; j++) {
      const int64_t at = j * S::kLanes;
      S::store(block + at, cross_entropy_term<S>(S::load(t_r + at), S::load(z_r + at), few.spread(largest, j),
                                                 few.spread(log_sum, j)));
    }
    S::store(row_losses + r, few.sum(block));
    if (delta == nullptr) return sum;
    for (int64_t at = 0; at < units * S::kLanes; at += S::kLanes) S::store(block + at, S::load(t_r + at));
    return S::div(few.sum(block), sum);
  });
  if (delta == nullptr) return;
  for_each<S>(rows * units, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto error = L::sub(lanes.load(delta + i), lanes.load(t + i));
    lanes.store(delta + i, L::mul(L::set1(scale), error));
  });
}

// rowLosses[r] = sum_j t_j (lse - z_j) with lse = largest + ln(sum); delta = s (softmax(z) sum_j t_j - t).
template <class S>
FASTMLP_NOINLINE void softmax_cross_entropy(const Batch& batch, const operands::softmax_cross_entropy& o,
                                            Span rows) {
  const float scale = scale_of<S>(o.reduction, batch.rows);
  if constexpr (S::kLanes > 1) {
    const int64_t few = rows_in_blocks<S>(rows.end - rows.begin, o.units);
    if (few > 0) {
      const int64_t first = rows.begin * o.units;
      few_columns_cross_entropy<S>(batch.arena + o.netInput + first, batch.arena + o.target + first,
                                   o.delta < 0 ? nullptr : batch.arena + o.delta + first,
                                   batch.arena + o.rowLosses + rows.begin, o.units, few, scale);
      rows.begin += few;
    }
  }
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* z = batch.arena + o.netInput + r * o.units;
    const float* t = batch.arena + o.target + r * o.units;
    float* delta = o.delta < 0 ? nullptr : batch.arena + o.delta + r * o.units;
    const float largest = max_each<S>(z, o.units);
    const float sum = exponential_row<S>(z, largest, o.units, delta);
    const float log_sum = log_poly10_f32<typename S::One>(sum);
    batch.arena[o.rowLosses + r] = sum_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      return cross_entropy_term<L>(lanes.load(t + j), lanes.load(z + j), L::set1(largest), L::set1(log_sum));
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

// Where the label of a row lies, if it is one.
struct LabelPlace {
  bool inside;
  int64_t place;
  explicit FASTMLP_INLINE LabelPlace(float label, int64_t units)
      : inside(label >= 0 && label < static_cast<float>(units)),
        place(inside ? static_cast<int64_t>(label) : 0) {}
};

// softmax_cross_entropy_labels of the first `rows` rows of a few columns.
template <class S>
FASTMLP_INLINE void few_columns_cross_entropy_labels(const float* z, const float* labels, float* delta,
                                                     float* row_losses, int64_t units, int64_t rows,
                                                     float scale) {
  using V = typename S::V;
  exponentials_of_rows<S>(z, delta, units, rows, [&](const auto&, int64_t r, V largest, V sum) {
    float at_label[S::kLanes];
    float weight[S::kLanes];
    for (int64_t i = 0; i < S::kLanes; i++) {
      const LabelPlace label(labels[r + i], units);
      at_label[i] = z[(r + i) * units + label.place];
      weight[i] = label.inside ? scale : 0.0f;
    }
    const V zero = S::set1(0.0f);
    const V weights = S::load(weight);
    const V distance = S::add(S::sub(largest, S::load(at_label)), log_poly10_f32<S>(sum));
    S::store(row_losses + r, S::select(S::equal(weights, zero), zero, distance));
    return S::select(S::equal(weights, zero), zero, S::div(weights, sum));
  });
  if (delta == nullptr) return;
  for (int64_t r = 0; r < rows; r++) {
    const LabelPlace label(labels[r], units);
    if (label.inside) delta[r * units + label.place] -= scale;
  }
}

// As softmax_cross_entropy with t = 1 at the label of the row, 0 elsewhere.
template <class S>
FASTMLP_NOINLINE void softmax_cross_entropy_labels(const Batch& batch,
                                                   const operands::softmax_cross_entropy_labels& o,
                                                   Span rows) {
  const float scale = scale_of<S>(o.reduction, batch.rows);
  if constexpr (S::kLanes > 1) {
    const int64_t few = rows_in_blocks<S>(rows.end - rows.begin, o.units);
    if (few > 0) {
      const int64_t first = rows.begin * o.units;
      few_columns_cross_entropy_labels<S>(batch.arena + o.netInput + first,
                                          batch.arena + o.labels + rows.begin,
                                          o.delta < 0 ? nullptr : batch.arena + o.delta + first,
                                          batch.arena + o.rowLosses + rows.begin, o.units, few, scale);
      rows.begin += few;
    }
  }
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const float* z = batch.arena + o.netInput + r * o.units;
    float* delta = o.delta < 0 ? nullptr : batch.arena + o.delta + r * o.units;
    const LabelPlace label(batch.arena[o.labels + r], o.units);
    const float largest = max_each<S>(z, o.units);
    const float sum = exponential_row<S>(z, largest, o.units, delta);
    const float distance = (largest - z[label.place]) + log_poly10_f32<typename S::One>(sum);
    batch.arena[o.rowLosses + r] = label.inside ? distance : 0.0f;
    if (delta == nullptr) continue;
    const float factor = label.inside ? scale / sum : 0.0f;
    for_each<S>(o.units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(delta + j, L::mul(L::set1(factor), lanes.load(delta + j)));
    });
    if (label.inside) delta[label.place] -= scale;
  }
}

}  // namespace fastmlp
