// Running metrics of an epoch, kept in the table of scalars.
// Shapes: prediction and target are rows × units.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

template <class S>
FASTMLP_INLINE double& metric(const Batch& batch, ScalarCode code) {
  return batch.scalars[static_cast<int32_t>(code)];
}

// Metrics of rows that are trained one by one. Where an epoch ends they are put where its own belong, and the
// next one begins.
template <class S>
class RowMetrics {
 public:
  FASTMLP_INLINE explicit RowMetrics(const Batch& batch)
      : batch_(batch),
        place_(batch.position),
        of_epoch_(batch.epoch_metrics),
        loss_(metric<S>(batch, ScalarCode::loss)),
        correct_(metric<S>(batch, ScalarCode::correct)),
        rows_besides_(metric<S>(batch, ScalarCode::rows) - static_cast<double>(batch.position)) {}

  // Data row of row r of the batch, which comes next.
  FASTMLP_INLINE int64_t source_row(int64_t r) const {
    return batch_.order == nullptr ? place_ : static_cast<int64_t>(batch_.order[r]);
  }

  FASTMLP_INLINE void add(float loss, double correct) {
    loss_ += static_cast<double>(loss);
    correct_ += correct;
    if (++place_ < batch_.rows_per_epoch) return;
    put(of_epoch_);
    of_epoch_ += static_cast<int32_t>(ScalarCode::first_free);
    loss_ = correct_ = rows_besides_ = 0;
    place_ = 0;
  }

  // Into the scalars.
  FASTMLP_INLINE void store() const { put(batch_.scalars); }

 private:
  FASTMLP_INLINE void put(double* metrics) const {
    metrics[static_cast<int32_t>(ScalarCode::loss)] = loss_;
    metrics[static_cast<int32_t>(ScalarCode::correct)] = correct_;
    metrics[static_cast<int32_t>(ScalarCode::rows)] = rows_besides_ + static_cast<double>(place_);
  }

  const Batch& batch_;
  // Of the row that comes next, in its epoch.
  int64_t place_;
  double* of_epoch_;
  double loss_;
  double correct_;
  // By which the rows counted differ from the place.
  double rows_besides_;
};

// Index of the first largest; a NaN is never larger, but nothing is larger than a NaN in first place.
template <class S>
FASTMLP_INLINE int64_t argmax(const float* values, int64_t units) {
  if (values[0] != values[0]) return 0;
  const float most = max_each<S>(values, units);
  int64_t j = 0;
  while (j < units - 1 && values[j] != most) j++;
  return j;
}

template <class S>
FASTMLP_NOINLINE void sum_losses(const Batch& batch, const operands::sum_losses& o, Undivided) {
  double sum = metric<S>(batch, ScalarCode::loss);
  for (int64_t r = 0; r < batch.rows; r++) sum += static_cast<double>(batch.arena[o.rowLosses + r]);
  metric<S>(batch, ScalarCode::loss) = sum;
  metric<S>(batch, ScalarCode::rows) += static_cast<double>(batch.rows);
}

// Share of the outputs of a row that are decided as their targets; for argmax, 0 or 1.
template <class S>
FASTMLP_INLINE double correct_share(const float* x, const float* t, int64_t units, DecisionCode decision) {
  if (decision == DecisionCode::argmax) return argmax<S>(x, units) == argmax<S>(t, units) ? 1 : 0;
  const float threshold = decision == DecisionCode::half ? 0.5f : 0.0f;
  if (units == 1) return static_cast<double>((threshold <= *x) == (0.5f <= *t));
  const float differ = sum_each<S>(units, [&](auto lanes, int64_t j) {
    using L = typename decltype(lanes)::Simd;
    const auto zero = L::set1(0.0f);
    const auto one = L::set1(1.0f);
    const auto decided = L::select(L::less_equal(L::set1(threshold), lanes.load(x + j)), one, zero);
    const auto wanted = L::select(L::less_equal(L::set1(0.5f), lanes.load(t + j)), one, zero);
    return L::abs(L::sub(decided, wanted));
  });
  return (static_cast<double>(units) - static_cast<double>(differ)) / static_cast<double>(units);
}

template <class S>
FASTMLP_NOINLINE void count_correct(const Batch& batch, const operands::count_correct& o, Undivided) {
  const float* x = batch.arena + o.prediction;
  const float* t = batch.arena + o.target;
  double correct = 0;
  for (int64_t r = 0; r < batch.rows; r++, x += o.units, t += o.units) {
    correct += correct_share<S>(x, t, o.units, static_cast<DecisionCode>(o.decision));
  }
  metric<S>(batch, ScalarCode::correct) += correct;
}

template <class S>
FASTMLP_NOINLINE void count_correct_labels(const Batch& batch, const operands::count_correct_labels& o,
                                           Undivided) {
  double correct = 0;
  for (int64_t r = 0; r < batch.rows; r++) {
    const int64_t decided = argmax<S>(batch.arena + o.prediction + r * o.units, o.units);
    if (static_cast<float>(decided) == batch.arena[o.labels + r]) correct += 1;
  }
  metric<S>(batch, ScalarCode::correct) += correct;
}

}  // namespace fastmlp
