// Batch and layer normalisation.
// Shapes, with B rows in the batch: input, output, delta and gradient B×U; gamma, beta, their gradients and
// what is running U; mean and inverseDeviation U over the rows of a batch, B over the units of a layer.
// Rounding: a mean is as exact as its float, and a variance to some units in the last place, however large
// the mean is beside the deviation, because sums are taken of distances from the first number.
#pragma once

#include <algorithm>

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/gemm.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// Rows that are read side by side, each of them in order of memory.
constexpr int64_t kNormRows = 4;
// Columns at once of what keeps two sums of each in the workspace.
constexpr int64_t kNormColumns = 4096;

// Calls body(Constant<rows>, first row) for blocks of kNormRows rows, and for each row behind them.
template <class Body>
FASTMLP_INLINE void for_row_blocks(const Span& rows, Body body) {
  int64_t r = rows.begin;
  for (; r + kNormRows <= rows.end; r += kNormRows) body(Constant<int64_t, kNormRows>{}, r);
  for (; r < rows.end; r++) body(Constant<int64_t, 1>{}, r);
}

template <class S>
FASTMLP_INLINE float* optional_buffer(const Batch& batch, int32_t offset, int64_t first) {
  return offset < 0 ? nullptr : batch.arena + offset + first;
}

template <class L, class Lanes>
FASTMLP_INLINE typename L::V load_or(Lanes lanes, const float* values, int64_t u, float other) {
  return values == nullptr ? L::set1(other) : lanes.load(values + u);
}

// distances[u] = mean of a column less its first number; squares[u] = sum of squared distances from the mean.
// Every block of rows about its own mean, then one after the other together (Chan, Golub and LeVeque 1983).
template <class S>
FASTMLP_INLINE void column_moments(const float* input, int64_t rows, int64_t units, int64_t columns,
                                   float* distances, float* squares) {
  for_row_blocks({0, rows}, [&](auto block, int64_t first) {
    constexpr int64_t kRows = decltype(block)::value;
    const float* x = input + first * units;
    const auto before = static_cast<float>(first);
    const float share = static_cast<float>(kRows) / static_cast<float>(first + kRows);
    for_each<S>(columns, [&](auto lanes, int64_t u) {
      using L = typename decltype(lanes)::Simd;
      const auto origin = lanes.load(input + u);
      typename L::V distance[kRows];
      auto sum = L::set1(0.0f);
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        distance[r] = L::sub(lanes.load(x + r * units + u), origin);
        sum = L::add(sum, distance[r]);
      }
      const auto middle = L::mul(sum, L::set1(1.0f / static_cast<float>(kRows)));
      auto around = L::set1(0.0f);
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        const auto difference = L::sub(distance[r], middle);
        around = L::fma(difference, difference, around);
      }
      if (first == 0) {
        lanes.store(distances + u, middle);
        lanes.store(squares + u, around);
        return;
      }
      const auto mean = lanes.load(distances + u);
      const auto apart = L::sub(middle, mean);
      const auto part = L::mul(L::set1(share), apart);
      lanes.store(distances + u, L::add(mean, part));
      const auto between = L::mul(L::mul(L::set1(before), part), apart);
      lanes.store(squares + u, L::add(lanes.load(squares + u), L::add(around, between)));
    });
  });
}

// The moments of the batch into mean, inverse_deviation and what is running.
template <class S>
FASTMLP_INLINE void batch_moments(const Batch& batch, const operands::batch_norm_forward& o, Span share,
                                  float* mean, float* inverse_deviation) {
  const float* input = batch.arena + o.input + share.begin;
  float* running_mean = batch.arena + o.runningMean + share.begin;
  float* running_variance = batch.arena + o.runningVariance + share.begin;
  const int64_t columns = share.end - share.begin;
  column_moments<S>(input, batch.rows, o.units, columns, mean, inverse_deviation);
  const auto rows = static_cast<float>(batch.rows);
  const auto epsilon = static_cast<float>(batch.scalars[o.epsilon]);
  const auto momentum = static_cast<float>(batch.scalars[o.momentum]);
  for_each<S>(columns, [&](auto lanes, int64_t u) {
    using L = typename decltype(lanes)::Simd;
    const auto squares = lanes.load(inverse_deviation + u);
    const auto variance = L::div(squares, L::set1(rows));
    const auto m = L::add(lanes.load(input + u), lanes.load(mean + u));
    lanes.store(mean + u, m);
    lanes.store(inverse_deviation + u, L::div(L::set1(1.0f), L::sqrt(L::add(variance, L::set1(epsilon)))));
    const auto kept = lanes.load(running_mean + u);
    lanes.store(running_mean + u, L::fma(L::set1(momentum), L::sub(m, kept), kept));
    if (batch.rows == 1) return;
    const auto kept_variance = lanes.load(running_variance + u);
    const auto unbiased = L::div(squares, L::set1(rows - 1));
    lanes.store(running_variance + u,
                L::fma(L::set1(momentum), L::sub(unbiased, kept_variance), kept_variance));
  });
}

template <class S>
FASTMLP_INLINE void running_moments(const Batch& batch, const operands::batch_norm_forward& o, Span share,
                                    float* mean, float* inverse_deviation) {
  const float* running_mean = batch.arena + o.runningMean + share.begin;
  const float* running_variance = batch.arena + o.runningVariance + share.begin;
  const auto epsilon = static_cast<float>(batch.scalars[o.epsilon]);
  for_each<S>(share.end - share.begin, [&](auto lanes, int64_t u) {
    using L = typename decltype(lanes)::Simd;
    const auto variance = L::add(lanes.load(running_variance + u), L::set1(epsilon));
    lanes.store(mean + u, lanes.load(running_mean + u));
    lanes.store(inverse_deviation + u, L::div(L::set1(1.0f), L::sqrt(variance)));
  });
}

template <class S>
FASTMLP_NOINLINE void batch_norm_forward(const Batch& batch, const operands::batch_norm_forward& o,
                                         Span share) {
  const int64_t units = o.units;
  const float* input = batch.arena + o.input + share.begin;
  float* output = batch.arena + o.output + share.begin;
  float* mean = batch.arena + o.mean + share.begin;
  float* inverse_deviation = batch.arena + o.inverseDeviation + share.begin;
  const float* gamma = optional_buffer<S>(batch, o.gamma, share.begin);
  const float* beta = optional_buffer<S>(batch, o.beta, share.begin);
  if (o.momentum < 0)
    running_moments<S>(batch, o, share, mean, inverse_deviation);
  else
    batch_moments<S>(batch, o, share, mean, inverse_deviation);
  for_row_blocks({0, batch.rows}, [&](auto block, int64_t first) {
    constexpr int64_t kRows = decltype(block)::value;
    for_each<S>(share.end - share.begin, [&](auto lanes, int64_t u) {
      using L = typename decltype(lanes)::Simd;
      const auto m = lanes.load(mean + u);
      const auto factor = L::mul(lanes.load(inverse_deviation + u), load_or<L>(lanes, gamma, u, 1.0f));
      const auto shift = load_or<L>(lanes, beta, u, 0.0f);
      const int64_t at = first * units + u;
      typename L::V z[kRows];
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        z[r] = L::fma(L::sub(lanes.load(input + at + r * units), m), factor, shift);
      }
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) lanes.store(output + at + r * units, z[r]);
    });
  });
}

// sums[u] = sum over the rows of delta, products[u] of delta times normal(lanes, r, u).
template <class S, class Normal>
FASTMLP_INLINE void sum_products(const float* delta, int64_t rows, int64_t units, int64_t columns,
                                 float* sums, float* products, Normal normal) {
  static_assert(workspace_floats<S>() >= 2 * kNormColumns, "sums and products must fit into the workspace");
  for_row_blocks({0, rows}, [&](auto block, int64_t first) {
    constexpr int64_t kRows = decltype(block)::value;
    for_each<S>(columns, [&](auto lanes, int64_t u) {
      using L = typename decltype(lanes)::Simd;
      auto sum = L::set1(0.0f);
      auto product = L::set1(0.0f);
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        const auto d = lanes.load(delta + (first + r) * units + u);
        sum = L::add(sum, d);
        product = L::fma(d, normal(lanes, first + r, u), product);
      }
      if (first > 0) {
        sum = L::add(lanes.load(sums + u), sum);
        product = L::add(lanes.load(products + u), product);
      }
      lanes.store(sums + u, sum);
      lanes.store(products + u, product);
    });
  });
}

// gradient[u] = values[u], or added to what is there; nothing without a gradient.
template <class S>
FASTMLP_INLINE void put_gradient(const float* values, int64_t columns, bool accumulate, float* gradient) {
  if (gradient == nullptr) return;
  for_each<S>(columns, [&](auto lanes, int64_t u) {
    using L = typename decltype(lanes)::Simd;
    const auto value = lanes.load(values + u);
    lanes.store(gradient + u, accumulate ? L::add(lanes.load(gradient + u), value) : value);
  });
}

template <class S>
FASTMLP_INLINE void batch_norm_backward_columns(const Batch& batch, const operands::batch_norm_backward& o,
                                                Span share) {
  const int64_t units = o.units;
  const int64_t columns = share.end - share.begin;
  const float* input = batch.arena + o.input + share.begin;
  const float* delta = batch.arena + o.delta + share.begin;
  const float* mean = batch.arena + o.mean + share.begin;
  const float* inverse_deviation = batch.arena + o.inverseDeviation + share.begin;
  float* gradient = optional_buffer<S>(batch, o.gradient, share.begin);
  const float* gamma = optional_buffer<S>(batch, o.gamma, share.begin);
  float* sums = batch.workspace;
  float* products = batch.workspace + kNormColumns;
  const bool through_moments = gradient != nullptr && o.throughMoments != 0;
  if (through_moments || o.gammaGradient >= 0 || o.betaGradient >= 0) {
    sum_products<S>(delta, batch.rows, units, columns, sums, products, [&](auto lanes, int64_t r, int64_t u) {
      return decltype(lanes)::Simd::sub(lanes.load(input + r * units + u), lanes.load(mean + u));
    });
    for_each<S>(columns, [&](auto lanes, int64_t u) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(products + u, L::mul(lanes.load(products + u), lanes.load(inverse_deviation + u)));
    });
    const bool accumulate = o.accumulate != 0;
    put_gradient<S>(sums, columns, accumulate, optional_buffer<S>(batch, o.betaGradient, share.begin));
    put_gradient<S>(products, columns, accumulate, optional_buffer<S>(batch, o.gammaGradient, share.begin));
  }
  if (gradient == nullptr) return;
  const float row_share = through_moments ? 1.0f / static_cast<float>(batch.rows) : 0.0f;
  for_row_blocks({0, batch.rows}, [&](auto block, int64_t first) {
    constexpr int64_t kRows = decltype(block)::value;
    for_each<S>(columns, [&](auto lanes, int64_t u) {
      using L = typename decltype(lanes)::Simd;
      const auto inverse = lanes.load(inverse_deviation + u);
      const auto factor = L::mul(inverse, load_or<L>(lanes, gamma, u, 1.0f));
      const int64_t at = first * units + u;
      typename L::V g[kRows];
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) g[r] = lanes.load(delta + at + r * units);
      if (through_moments) {
        const auto m = lanes.load(mean + u);
        const auto middle = L::mul(L::set1(row_share), lanes.load(sums + u));
        const auto slope = L::mul(L::mul(L::set1(row_share), lanes.load(products + u)), inverse);
        FASTMLP_UNROLL
        for (int64_t r = 0; r < kRows; r++) {
          const auto distance = L::sub(lanes.load(input + at + r * units), m);
          g[r] = L::fnma(distance, slope, L::sub(g[r], middle));
        }
      }
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) lanes.store(gradient + at + r * units, L::mul(factor, g[r]));
    });
  });
}

template <class S>
FASTMLP_NOINLINE void batch_norm_backward(const Batch& batch, const operands::batch_norm_backward& o,
                                          Span share) {
  for (int64_t begin = share.begin; begin < share.end; begin += kNormColumns) {
    batch_norm_backward_columns<S>(batch, o, {begin, std::min(begin + kNormColumns, share.end)});
  }
}

template <class S>
FASTMLP_NOINLINE void layer_norm_backward_weights(const Batch& batch,
                                                  const operands::layer_norm_backward_weights& o,
                                                  Span share) {
  const int64_t units = o.units;
  const float* mean = batch.arena + o.mean;
  const float* inverse_deviation = batch.arena + o.inverseDeviation;
  float* sums = batch.workspace;
  float* products = batch.workspace + kNormColumns;
  const bool accumulate = o.accumulate != 0;
  for (int64_t begin = share.begin; begin < share.end; begin += kNormColumns) {
    const int64_t columns = std::min(kNormColumns, share.end - begin);
    const float* input = batch.arena + o.input + begin;
    const float* delta = batch.arena + o.delta + begin;
    sum_products<S>(delta, batch.rows, units, columns, sums, products, [&](auto lanes, int64_t r, int64_t u) {
      using L = typename decltype(lanes)::Simd;
      const auto distance = L::sub(lanes.load(input + r * units + u), L::set1(mean[r]));
      return L::mul(distance, L::set1(inverse_deviation[r]));
    });
    put_gradient<S>(sums, columns, accumulate, optional_buffer<S>(batch, o.betaGradient, begin));
    put_gradient<S>(products, columns, accumulate, optional_buffer<S>(batch, o.gammaGradient, begin));
  }
}

// Sums of body(lanes, r, j) over the units, of each row by itself; rows side by side, since a sum waits for
// itself.
template <class S, int64_t kRows, class Body>
FASTMLP_INLINE void sum_rows(int64_t units, float (&sums)[kRows], Body body) {
  if (S::kLanes > 1 && units <= kSingleLanes) {
    for (int64_t r = 0; r < kRows; r++) {
      sums[r] = 0;
      for (int64_t j = 0; j < units; j++) sums[r] += body(WholeLanes<typename S::One>{}, r, j);
    }
    return;
  }
  const typename S::V zero = S::set1(0.0f);
  typename S::V of_lanes[kRows];
  for (int64_t r = 0; r < kRows; r++) of_lanes[r] = zero;
  for_each_vector<S>(units, [&](auto lanes, int64_t j) {
    FASTMLP_UNROLL
    for (int64_t r = 0; r < kRows; r++) {
      of_lanes[r] = S::add(of_lanes[r], lanes.keep(body(lanes, r, j), zero));
    }
  });
  for (int64_t r = 0; r < kRows; r++) sums[r] = S::reduce_add(of_lanes[r]);
}

template <class S>
FASTMLP_NOINLINE void layer_norm_forward(const Batch& batch, const operands::layer_norm_forward& o,
                                         Span rows) {
  const int64_t units = o.units;
  const float* gamma = optional_buffer<S>(batch, o.gamma, 0);
  const float* beta = optional_buffer<S>(batch, o.beta, 0);
  const auto epsilon = static_cast<float>(batch.scalars[o.epsilon]);
  const auto count = static_cast<float>(units);
  for_row_blocks(rows, [&](auto block, int64_t first) {
    constexpr int64_t kRows = decltype(block)::value;
    const float* x = batch.arena + o.input + first * units;
    float* z = batch.arena + o.output + first * units;
    float* mean = batch.arena + o.mean + first;
    float* inverse_deviation = batch.arena + o.inverseDeviation + first;
    float middle[kRows];
    sum_rows<S>(units, middle, [&](auto lanes, int64_t r, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      return L::sub(lanes.load(x + r * units + j), L::set1(x[r * units]));
    });
    for (int64_t r = 0; r < kRows; r++) middle[r] /= count;
    float squares[kRows];
    sum_rows<S>(units, squares, [&](auto lanes, int64_t r, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      const auto distance = L::sub(lanes.load(x + r * units + j), L::set1(x[r * units]));
      const auto centred = L::sub(distance, L::set1(middle[r]));
      return L::mul(centred, centred);
    });
    for (int64_t r = 0; r < kRows; r++) {
      mean[r] = x[r * units] + middle[r];
      inverse_deviation[r] = 1.0f / S::One::sqrt(squares[r] / count + epsilon);
    }
    for_each<S>(units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      const auto factor = load_or<L>(lanes, gamma, j, 1.0f);
      const auto shift = load_or<L>(lanes, beta, j, 0.0f);
      typename L::V normal[kRows];
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        const auto distance = L::sub(lanes.load(x + r * units + j), L::set1(mean[r]));
        normal[r] = L::mul(distance, L::set1(inverse_deviation[r]));
      }
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) lanes.store(z + r * units + j, L::fma(normal[r], factor, shift));
    });
  });
}

template <class S>
FASTMLP_NOINLINE void layer_norm_backward_input(const Batch& batch,
                                                const operands::layer_norm_backward_input& o, Span rows) {
  const int64_t units = o.units;
  const float* gamma = optional_buffer<S>(batch, o.gamma, 0);
  const auto count = static_cast<float>(units);
  for_row_blocks(rows, [&](auto block, int64_t first) {
    constexpr int64_t kRows = decltype(block)::value;
    const float* x = batch.arena + o.input + first * units;
    const float* delta = batch.arena + o.delta + first * units;
    float* gradient = batch.arena + o.gradient + first * units;
    const float* mean = batch.arena + o.mean + first;
    const float* inverse_deviation = batch.arena + o.inverseDeviation + first;
    const auto scaled = [&](auto lanes, int64_t r, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      return L::mul(lanes.load(delta + r * units + j), load_or<L>(lanes, gamma, j, 1.0f));
    };
    const auto distance = [&](auto lanes, int64_t r, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      return L::sub(lanes.load(x + r * units + j), L::set1(mean[r]));
    };
    float middle[kRows];
    sum_rows<S>(units, middle, scaled);
    float slope[kRows];
    sum_rows<S>(units, slope, [&](auto lanes, int64_t r, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      return L::mul(scaled(lanes, r, j), distance(lanes, r, j));
    });
    for (int64_t r = 0; r < kRows; r++) {
      middle[r] /= count;
      slope[r] = slope[r] * inverse_deviation[r] / count * inverse_deviation[r];
    }
    for_each<S>(units, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      typename L::V centred[kRows];
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        const auto about_mean = L::sub(scaled(lanes, r, j), L::set1(middle[r]));
        centred[r] = L::fnma(distance(lanes, r, j), L::set1(slope[r]), about_mean);
      }
      FASTMLP_UNROLL
      for (int64_t r = 0; r < kRows; r++) {
        lanes.store(gradient + r * units + j, L::mul(L::set1(inverse_deviation[r]), centred[r]));
      }
    });
  });
}

}  // namespace fastmlp
