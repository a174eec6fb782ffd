// Updates of parameters. Hyperparameters are combined in float64 and rounded once.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/opcodes.h"
#include "native/shares.h"
#include "native/simd/flush_subnormals.h"

namespace fastmlp {

// Gradients of a tiny network have just been stored one by one, see kSingleLanes.
constexpr int64_t kFewParameters = 16;

template <class S>
FASTMLP_INLINE double optional_scalar(const Batch& batch, int32_t index) {
  return index < 0 ? 0.0 : batch.scalars[index];
}

template <class S>
FASTMLP_NOINLINE void advance_moments(const Batch& batch, const operands::advance_moments& o, Undivided) {
  double* moments = batch.scalars + o.moments;
  moments[3] *= moments[0];
  moments[4] *= moments[1];
}

template <class S>
FASTMLP_NOINLINE void sgd_step(const Batch& batch, const operands::sgd_step& o, Span share) {
  const float rate = static_cast<float>(batch.scalars[o.learningRate]);
  const float momentum = static_cast<float>(optional_scalar<S>(batch, o.momentum));
  const float decay = static_cast<float>(optional_scalar<S>(batch, o.weightDecay));
  float* parameters = batch.arena + o.parameters + share.begin;
  const float* gradient = batch.arena + o.gradient + share.begin;
  if (o.velocity < 0) {
    for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      const auto w = lanes.load(parameters + i);
      const auto g = L::fma(L::set1(decay), w, lanes.load(gradient + i));
      lanes.store(parameters + i, L::fnma(L::set1(rate), g, w));
    });
    return;
  }
  [[maybe_unused]] const FlushSubnormals<S> flush{};
  float* velocity = batch.arena + o.velocity + share.begin;
  // The step is momentum v + g with Nesterov's momentum, v without.
  const float along_velocity = o.nesterov != 0 ? momentum : 1.0f;
  const float along_gradient = o.nesterov != 0 ? 1.0f : 0.0f;
  for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto w = lanes.load(parameters + i);
    const auto g = L::fma(L::set1(decay), w, lanes.load(gradient + i));
    const auto v = L::fma(L::set1(momentum), lanes.load(velocity + i), g);
    lanes.store(velocity + i, v);
    const auto step = L::fma(L::set1(along_velocity), v, L::mul(L::set1(along_gradient), g));
    lanes.store(parameters + i, L::fnma(L::set1(rate), step, w));
  });
}

template <class S>
FASTMLP_NOINLINE void scale_by_rate(const Batch& batch, const operands::scale_by_rate& o, Span rows) {
  const float factor = -static_cast<float>(batch.scalars[o.learningRate]);
  float* delta = batch.arena + o.delta + rows.begin * o.units;
  for_each<S>((rows.end - rows.begin) * o.units, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    lanes.store(delta + i, L::mul(L::set1(factor), lanes.load(delta + i)));
  });
}

template <class S>
FASTMLP_NOINLINE void adam_step(const Batch& batch, const operands::adam_step& o, Span share) {
  const double* moments = batch.scalars + o.moments;
  const double rate = batch.scalars[o.learningRate];
  const double decay = optional_scalar<S>(batch, o.weightDecay);
  const float beta1 = static_cast<float>(moments[0]);
  const float beta2 = static_cast<float>(moments[1]);
  const float rest1 = static_cast<float>(1 - moments[0]);
  const float rest2 = static_cast<float>(1 - moments[1]);
  const float epsilon = static_cast<float>(moments[2]);
  const float rate_over_bias1 = static_cast<float>(rate / (1 - moments[3]));
  const float root_of_bias2 = static_cast<float>(1 / sqrt(1 - moments[4]));
  const float into_gradient = o.decoupled != 0 ? 0.0f : static_cast<float>(decay);
  const float kept = o.decoupled != 0 ? static_cast<float>(1 - rate * decay) : 1.0f;
  float* parameters = batch.arena + o.parameters + share.begin;
  const float* gradient = batch.arena + o.gradient + share.begin;
  float* first = batch.arena + o.firstMoment + share.begin;
  float* second = batch.arena + o.secondMoment + share.begin;
  [[maybe_unused]] const FlushSubnormals<S> flush{};
  for_each<S, kFewParameters>(share.end - share.begin, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto w = lanes.load(parameters + i);
    const auto g = L::fma(L::set1(into_gradient), w, lanes.load(gradient + i));
    const auto m = L::fma(L::set1(beta1), lanes.load(first + i), L::mul(L::set1(rest1), g));
    const auto v = L::fma(L::set1(beta2), lanes.load(second + i), L::mul(L::set1(rest2), L::mul(g, g)));
    lanes.store(first + i, m);
    lanes.store(second + i, v);
    const auto root = L::fma(L::sqrt(v), L::set1(root_of_bias2), L::set1(epsilon));
    const auto step = L::div(L::mul(L::set1(rate_over_bias1), m), root);
    lanes.store(parameters + i, L::sub(L::mul(L::set1(kept), w), step));
  });
}

}  // namespace fastmlp
