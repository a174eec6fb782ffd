// What happens to gradients before an update, and to parameters after it.
#pragma once

#include <algorithm>

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/optimizer_rules.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

template <class S>
FASTMLP_NOINLINE void count_batches(const Batch& batch, const operands::count_batches& o, Undivided) {
  double& batches = batch.scalars[o.batches];
  batches = o.first != 0 ? 1 : batches + 1;
}

template <class S>
FASTMLP_NOINLINE void gradient_squares(const Batch& batch, const operands::gradient_squares& o, Span share) {
  for (int64_t place = share.begin; place < share.end; place++) {
    const int64_t begin = place * o.block;
    const float* gradient = batch.arena + o.gradient + begin;
    const int64_t count = std::min<int64_t>(o.block, o.count - begin);
    batch.arena[o.sums + place] = sum_each<S>(count, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      const auto g = lanes.load(gradient + i);
      return L::mul(g, g);
    });
  }
}

template <class S>
FASTMLP_NOINLINE void gradient_norm(const Batch& batch, const operands::gradient_norm& o, Undivided) {
  double sum = 0;
  for (int64_t i = 0; i < o.count; i++) sum += static_cast<double>(batch.arena[o.sums + i]);
  batch.scalars[o.norm] = sqrt(sum);
}

template <class S>
FASTMLP_NOINLINE void clip_gradient(const Batch& batch, const operands::clip_gradient& o, Span share) {
  float* gradient = batch.arena + o.gradient + share.begin;
  const double limit = optional_scalar<S>(batch, o.limit);
  const double measure = optional_scalar<S>(batch, o.measure);
  const auto kind = static_cast<ClipCode>(o.kind);
  if (kind == ClipCode::value) {
    const float most = static_cast<float>(limit);
    for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      const auto g = lanes.load(gradient + i);
      lanes.store(gradient + i, L::min(L::set1(most), L::max(L::set1(-most), g)));
    });
    return;
  }
  if (kind == ClipCode::norm && !(measure > limit)) return;
  const float factor = static_cast<float>(kind == ClipCode::mean ? 1 / measure : limit / measure);
  for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    lanes.store(gradient + i, L::mul(L::set1(factor), lanes.load(gradient + i)));
  });
}

template <class S>
FASTMLP_NOINLINE void penalty(const Batch& batch, const operands::penalty& o, Span share) {
  const double scale = o.perRow != 0 ? 1 / static_cast<double>(batch.rows) : 1;
  const float l1 = static_cast<float>(scale * optional_scalar<S>(batch, o.l1));
  const float l2 = static_cast<float>(scale * optional_scalar<S>(batch, o.l2));
  const float* parameters = batch.arena + o.parameters + share.begin;
  float* gradient = batch.arena + o.gradient + share.begin;
  for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto w = lanes.load(parameters + i);
    const auto g = L::fma(L::set1(l2), w, lanes.load(gradient + i));
    lanes.store(gradient + i, L::fma(L::set1(l1), sign<L>(w), g));
  });
}

template <class S>
FASTMLP_NOINLINE void max_norm(const Batch& batch, const operands::max_norm& o, Span share) {
  const float limit = static_cast<float>(batch.scalars[o.limit]);
  const int64_t units = o.units;
  float* const weights = batch.arena + o.weights + share.begin;
  const int64_t size = o.inputs * units;
  for_each<S>(share.end - share.begin, [&](auto lanes, int64_t u) {
    using L = typename decltype(lanes)::Simd;
    auto sum = L::set1(0.0f);
    for (int64_t at = u; at < u + size; at += units) {
      const auto w = lanes.load(weights + at);
      sum = L::fma(w, w, sum);
    }
    const auto norm = L::sqrt(sum);
    const auto larger = L::less(L::set1(limit), norm);
    if (!L::any(larger)) return;
    const auto factor = L::select(larger, L::div(L::set1(limit), norm), L::set1(1.0f));
    for (int64_t at = u; at < u + size; at += units) {
      lanes.store(weights + at, L::mul(factor, lanes.load(weights + at)));
    }
  });
}

template <class S>
FASTMLP_NOINLINE void average_step(const Batch& batch, const operands::average_step& o, Span share) {
  const float rest = static_cast<float>(1 - batch.scalars[o.decay]);
  const float* parameters = batch.arena + o.parameters + share.begin;
  float* average = batch.arena + o.average + share.begin;
  for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto kept = lanes.load(average + i);
    lanes.store(average + i, L::fma(L::set1(rest), L::sub(lanes.load(parameters + i), kept), kept));
  });
}

}  // namespace fastmlp
