// Updates of parameters by the rules of OptimizerCode. What does not depend on the parameter is computed once
// a step, in float64, and rounded once.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/optimizers.h"
#include "native/opcodes.h"
#include "native/shares.h"
#include "native/simd/flush_subnormals.h"

namespace fastmlp {

// One of the scalars of an optimizer.
FASTMLP_INLINE double& scalar_of(double* scalars, OptimizerScalar index) {
  return scalars[static_cast<int32_t>(index)];
}

template <class S>
FASTMLP_NOINLINE void advance_optimizer(const Batch& batch, const operands::advance_optimizer& o, Undivided) {
  double* scalars = batch.scalars + o.scalars;
  const double rate = batch.scalars[o.learningRate];
  const double decay1 = scalar_of(scalars, OptimizerScalar::decay1);
  const double decay2 = scalar_of(scalars, OptimizerScalar::decay2);
  const double epsilon = scalar_of(scalars, OptimizerScalar::epsilon);
  const double option = scalar_of(scalars, OptimizerScalar::option);
  const double steps = scalar_of(scalars, OptimizerScalar::steps) += 1;
  const double power1 = scalar_of(scalars, OptimizerScalar::power1) *= decay1;
  const double power2 = scalar_of(scalars, OptimizerScalar::power2) *= decay2;
  const double power3 = scalar_of(scalars, OptimizerScalar::power3) *= option;
  const double bias1 = 1 - power1;
  const double bias2 = 1 - power2;
  double* put = &scalar_of(scalars, OptimizerScalar::intoGradient);
  *put++ = scalar_of(scalars, OptimizerScalar::weightDecay);
  *put++ = 1 - rate * scalar_of(scalars, OptimizerScalar::decoupledDecay);
  const auto put_means = [&] {
    *put++ = decay1;
    *put++ = 1 - decay1;
    *put++ = decay2;
    *put++ = 1 - decay2;
  };
  const auto put_step = [&](double along_gradient, double along_mean, double root, double added) {
    put_means();
    *put++ = along_gradient;
    *put++ = along_mean;
    *put++ = root;
    *put++ = added;
  };
  switch (static_cast<OptimizerCode>(o.rule)) {
    case OptimizerCode::amsgrad:
      return put_step(0, rate / bias1, 1 / sqrt(bias2), epsilon);
    case OptimizerCode::nadam: {
      const double momentum = decay1 * (1 - 0.5 * power3);
      const double next = decay1 * (1 - 0.5 * power3 * option);
      const double product = scalar_of(scalars, OptimizerScalar::product) *= momentum;
      return put_step(rate * (1 - momentum) / (1 - product), rate * next / (1 - product * next),
                      1 / sqrt(bias2), epsilon);
    }
    case OptimizerCode::radam: {
      const double limit = 2 / (1 - decay2) - 1;
      const double length = limit - 2 * steps * power2 / bias2;
      if (length <= 5) return put_step(0, rate / bias1, 0, 1);
      const double share = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length);
      return put_step(0, rate * sqrt(share) * sqrt(bias2) / bias1, 1, epsilon);
    }
    case OptimizerCode::adamax:
      *put++ = decay1;
      *put++ = 1 - decay1;
      *put++ = decay2;
      *put++ = epsilon;
      *put = rate / bias1;
      return;
    case OptimizerCode::rmsprop:
      *put++ = decay2;
      *put++ = 1 - decay2;
      *put++ = decay1;
      *put++ = epsilon;
      *put = rate;
      return;
    case OptimizerCode::adagrad:
      *put++ = 1;
      *put++ = 1;
      *put++ = 0;
      *put++ = epsilon;
      *put = rate / (1 + (steps - 1) * option);
      return;
    case OptimizerCode::adadelta:
      *put++ = decay2;
      *put++ = 1 - decay2;
      *put++ = epsilon;
      *put = rate;
      return;
    case OptimizerCode::lion:
      put_means();
      *put = rate;
      return;
    case OptimizerCode::rprop:
      *put++ = decay1;
      *put++ = decay2;
      *put++ = option;
      *put = scalar_of(scalars, OptimizerScalar::largest);
      return;
  }
}

// Where a step works: its buffers, null where absent, and its coefficients.
struct OptimizerPlaces {
  float* parameters;
  const float* gradient;
  float* state1;
  float* state2;
  float* state3;
  int64_t count;
  float into_gradient;
  float kept;
  float c[8];
};

// -1, 0 or 1; NaN of NaN.
template <class L>
FASTMLP_INLINE typename L::V sign(typename L::V a) {
  const auto zero = L::set1(0.0f);
  return L::select(L::less(zero, a), L::set1(1.0f), L::select(L::less(a, zero), L::set1(-1.0f), a));
}

// Calls step(lanes, i, w, g) for all parameters and takes what it returns from kept w.
template <class S, class Step>
FASTMLP_INLINE void update_each(const OptimizerPlaces& at, Step step) {
  for_each<S, kFewParameters>(at.count, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto w = lanes.load(at.parameters + i);
    const auto g = L::fma(L::set1(at.into_gradient), w, lanes.load(at.gradient + i));
    const auto taken = step(lanes, i, g);
    lanes.store(at.parameters + i, L::sub(L::mul(L::set1(at.kept), w), taken));
  });
}

// a x + b y, kept in `place`.
template <class Lanes, class V>
FASTMLP_INLINE V blend(Lanes lanes, float* place, float a, float b, V y) {
  using L = typename Lanes::Simd;
  const V blended = L::fma(L::set1(a), lanes.load(place), L::mul(L::set1(b), y));
  lanes.store(place, blended);
  return blended;
}

template <class S, bool kMaximum>
FASTMLP_INLINE void step_by_moments(const OptimizerPlaces& at) {
  const float (&c)[8] = at.c;
  update_each<S>(at, [&](auto lanes, int64_t i, auto g) {
    using L = typename decltype(lanes)::Simd;
    const auto m = blend(lanes, at.state1 + i, c[0], c[1], g);
    auto u = blend(lanes, at.state2 + i, c[2], c[3], L::mul(g, g));
    if constexpr (kMaximum) {
      u = L::max(lanes.load(at.state3 + i), u);
      lanes.store(at.state3 + i, u);
    }
    const auto along = L::fma(L::set1(c[4]), g, L::mul(L::set1(c[5]), m));
    return L::div(along, L::fma(L::set1(c[6]), L::sqrt(u), L::set1(c[7])));
  });
}

template <class S>
FASTMLP_INLINE void step_adamax(const OptimizerPlaces& at) {
  const float (&c)[8] = at.c;
  update_each<S>(at, [&](auto lanes, int64_t i, auto g) {
    using L = typename decltype(lanes)::Simd;
    const auto m = blend(lanes, at.state1 + i, c[0], c[1], g);
    const auto decayed = L::mul(L::set1(c[2]), lanes.load(at.state2 + i));
    const auto u = L::max(decayed, L::add(L::abs(g), L::set1(c[3])));
    lanes.store(at.state2 + i, u);
    return L::div(L::mul(L::set1(c[4]), m), u);
  });
}

template <class S, bool kMomentum, bool kCentered>
FASTMLP_INLINE void step_by_mean_square(const OptimizerPlaces& at) {
  const float (&c)[8] = at.c;
  update_each<S>(at, [&](auto lanes, int64_t i, auto g) {
    using L = typename decltype(lanes)::Simd;
    auto square = blend(lanes, at.state1 + i, c[0], c[1], L::mul(g, g));
    if constexpr (kCentered) {
      const auto mean = blend(lanes, at.state3 + i, c[0], c[1], g);
      square = L::max(L::set1(0.0f), L::fnma(mean, mean, square));
    }
    auto step = L::div(g, L::add(L::sqrt(square), L::set1(c[3])));
    if constexpr (kMomentum) {
      step = L::fma(L::set1(c[2]), lanes.load(at.state2 + i), step);
      lanes.store(at.state2 + i, step);
    }
    return L::mul(L::set1(c[4]), step);
  });
}

template <class S>
FASTMLP_INLINE void step_adadelta(const OptimizerPlaces& at) {
  const float (&c)[8] = at.c;
  update_each<S>(at, [&](auto lanes, int64_t i, auto g) {
    using L = typename decltype(lanes)::Simd;
    const auto v = blend(lanes, at.state1 + i, c[0], c[1], L::mul(g, g));
    const auto epsilon = L::set1(c[2]);
    const auto ratio = L::div(L::add(lanes.load(at.state2 + i), epsilon), L::add(v, epsilon));
    const auto delta = L::mul(g, L::sqrt(ratio));
    blend(lanes, at.state2 + i, c[0], c[1], L::mul(delta, delta));
    return L::mul(L::set1(c[3]), delta);
  });
}

template <class S>
FASTMLP_INLINE void step_lion(const OptimizerPlaces& at) {
  const float (&c)[8] = at.c;
  update_each<S>(at, [&](auto lanes, int64_t i, auto g) {
    using L = typename decltype(lanes)::Simd;
    const auto m = lanes.load(at.state1 + i);
    const auto direction = L::fma(L::set1(c[0]), m, L::mul(L::set1(c[1]), g));
    blend(lanes, at.state1 + i, c[2], c[3], g);
    return L::mul(L::set1(c[4]), sign<L>(direction));
  });
}

template <class S>
FASTMLP_INLINE void step_rprop(const OptimizerPlaces& at) {
  const float (&c)[8] = at.c;
  update_each<S>(at, [&](auto lanes, int64_t i, auto g) {
    using L = typename decltype(lanes)::Simd;
    const auto zero = L::set1(0.0f);
    const auto turn = L::mul(sign<L>(g), sign<L>(lanes.load(at.state2 + i)));
    const auto back = L::less(turn, zero);
    const auto factor =
        L::select(L::less(zero, turn), L::set1(c[0]), L::select(back, L::set1(c[1]), L::set1(1.0f)));
    const auto scaled = L::mul(lanes.load(at.state1 + i), factor);
    const auto size = L::min(L::set1(c[3]), L::max(L::set1(c[2]), scaled));
    const auto last = L::select(back, zero, g);
    lanes.store(at.state1 + i, size);
    lanes.store(at.state2 + i, last);
    return L::mul(sign<L>(last), size);
  });
}

template <class S>
FASTMLP_NOINLINE void optimizer_step(const Batch& batch, const operands::optimizer_step& o, Span share) {
  const auto place = [&](int32_t offset) {
    return offset < 0 ? nullptr : batch.arena + offset + share.begin;
  };
  OptimizerPlaces at{place(o.parameters),
                     place(o.gradient),
                     place(o.state1),
                     place(o.state2),
                     place(o.state3),
                     share.end - share.begin,
                     0,
                     0,
                     {}};
  const double* coefficients = &scalar_of(batch.scalars + o.scalars, OptimizerScalar::intoGradient);
  at.into_gradient = static_cast<float>(coefficients[0]);
  at.kept = static_cast<float>(coefficients[1]);
  for (int i = 0; i < 8; i++) at.c[i] = static_cast<float>(coefficients[2 + i]);
  [[maybe_unused]] const FlushSubnormals<S> flush{};
  switch (static_cast<OptimizerCode>(o.rule)) {
    case OptimizerCode::amsgrad:
    case OptimizerCode::nadam:
    case OptimizerCode::radam:
      return at.state3 != nullptr ? step_by_moments<S, true>(at) : step_by_moments<S, false>(at);
    case OptimizerCode::adamax:
      return step_adamax<S>(at);
    case OptimizerCode::rmsprop:
    case OptimizerCode::adagrad:
      if (at.state3 != nullptr) {
        return at.state2 != nullptr ? step_by_mean_square<S, true, true>(at)
                                    : step_by_mean_square<S, false, true>(at);
      }
      return at.state2 != nullptr ? step_by_mean_square<S, true, false>(at)
                                  : step_by_mean_square<S, false, false>(at);
    case OptimizerCode::adadelta:
      return step_adadelta<S>(at);
    case OptimizerCode::lion:
      return step_lion<S>(at);
    case OptimizerCode::rprop:
      return step_rprop<S>(at);
  }
}

}  // namespace fastmlp
