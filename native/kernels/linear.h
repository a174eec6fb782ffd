// Fully connected layers.
// Shapes, with B rows in the batch: input B×I, weights and their gradient I×U, biases U, netInput, output and delta
// B×U; the gradient of linear_backward_input and the output of the layer below B×I.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/gemm.h"
#include "native/opcodes.h"

namespace fastmlp {

// Products of up to this many terms are summed one by one; see kSingleLanes.
constexpr int64_t kSingleTerms = 16;

// Up to this many rows, delta W^T is cheaper along the rows of W than with W transposed.
constexpr int64_t kDotRows = 3;

template <class S>
FASTMLP_INLINE void linear_forward(const Batch& batch, const operands::linear_forward& o) {
  const float* input = batch.arena + o.input;
  const float* weights = batch.arena + o.weights;
  const float* biases = o.biases < 0 ? nullptr : batch.arena + o.biases;
  float* net_input = o.netInput < 0 ? nullptr : batch.arena + o.netInput;
  float* output = batch.arena + o.output;
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  const bool single = batch.rows * inputs * units <= kSingleTerms;
  if (single) {
    using One = typename S::One;
    for (int64_t r = 0; r < batch.rows; r++) {
      for (int64_t u = 0; u < units; u++) {
        float z = biases == nullptr ? 0.0f : biases[u];
        for (int64_t i = 0; i < inputs; i++) z = One::fma(input[r * inputs + i], weights[i * units + u], z);
        output[r * units + u] = z;
      }
    }
  } else {
    const Product product{batch.rows, units, inputs, input, inputs, 1, weights, units, false, output, biases};
    gemm<S>(product, batch.workspace, [](int64_t, int64_t, int64_t, int64_t) {});
  }
  if (net_input != nullptr) {
    for_each<S>(batch.rows * units,
                [&](auto lanes, int64_t i) { lanes.store(net_input + i, lanes.load(output + i)); });
  }
  if (static_cast<ActivationCode>(o.activation) == ActivationCode::linear) return;
  with_activation(o.activation, [&](auto code) {
    for_each<S>(batch.rows * units, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(output + i, activate<L, decltype(code)::value>(lanes.load(output + i)));
    });
  });
}

// sums[u] = sum of values[r][u] over the rows.
template <class S>
FASTMLP_INLINE void column_sums(const float* values, int64_t rows, int64_t units, float* sums) {
  for_each<S>(units, [&](auto lanes, int64_t u) {
    using L = typename decltype(lanes)::Simd;
    auto sum = lanes.load(values + u);
    for (int64_t r = 1; r < rows; r++) sum = L::add(sum, lanes.load(values + r * units + u));
    lanes.store(sums + u, sum);
  });
}

template <class S>
FASTMLP_INLINE void linear_backward_weights(const Batch& batch, const operands::linear_backward_weights& o) {
  const float* input = batch.arena + o.input;
  const float* delta = batch.arena + o.delta;
  float* weight_gradient = batch.arena + o.weightGradient;
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  if (o.biasGradient >= 0) column_sums<S>(delta, batch.rows, units, batch.arena + o.biasGradient);
  if (batch.rows * inputs * units <= kSingleTerms) {
    using One = typename S::One;
    for (int64_t i = 0; i < inputs; i++) {
      for (int64_t u = 0; u < units; u++) {
        float sum = input[i] * delta[u];
        for (int64_t r = 1; r < batch.rows; r++) {
          sum = One::fma(input[r * inputs + i], delta[r * units + u], sum);
        }
        weight_gradient[i * units + u] = sum;
      }
    }
    return;
  }
  const Product product{inputs, units, batch.rows,      input,  1, inputs,
                        delta,  units, false, weight_gradient, nullptr};
  gemm<S>(product, batch.workspace, [](int64_t, int64_t, int64_t, int64_t) {});
}

template <class S>
FASTMLP_INLINE void linear_backward_input(const Batch& batch, const operands::linear_backward_input& o) {
  const float* delta = batch.arena + o.delta;
  const float* weights = batch.arena + o.weights;
  const float* output = o.output < 0 ? nullptr : batch.arena + o.output;
  float* gradient = batch.arena + o.gradient;
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  if (batch.rows <= kDotRows) {
    for (int64_t r = 0; r < batch.rows; r++) {
      for (int64_t i = 0; i < inputs; i++) {
        gradient[r * inputs + i] = sum_each<S>(units, [&](auto lanes, int64_t u) {
          using L = typename decltype(lanes)::Simd;
          return L::mul(lanes.load(delta + r * units + u), lanes.load(weights + i * units + u));
        });
      }
    }
  } else {
    const Product product{batch.rows, inputs, units, delta, units, 1, weights, units, true, gradient, nullptr};
    gemm<S>(product, batch.workspace, [](int64_t, int64_t, int64_t, int64_t) {});
  }
  if (output == nullptr) return;
  with_activation(o.activation, [&](auto code) {
    for_each<S>(batch.rows * inputs, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      const auto derivative = derivative_from_output<L, decltype(code)::value>(lanes.load(output + i));
      lanes.store(gradient + i, L::mul(lanes.load(gradient + i), derivative));
    });
  });
}

}  // namespace fastmlp
