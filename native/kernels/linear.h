// Fully connected layers.
// Shapes, with B rows in the batch: input B×I, weights and their gradient I×U, biases U, netInput, output and
// delta B×U; the gradient of linear_backward_input and the output of the layer below B×I.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/dot_products.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/gemm.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// Calls body(lanes, i) for the places of a block in a matrix of rows of `columns`.
template <class S, class Body>
FASTMLP_INLINE void for_each_in(const Block& block, int64_t columns, Body body) {
  const int64_t left = block.columns.begin;
  const int64_t width = block.columns.end - left;
  if (width == columns) {
    const int64_t first = block.rows.begin * columns;
    for_each<S>(block.rows.end * columns - first, [&](auto lanes, int64_t i) { body(lanes, first + i); });
    return;
  }
  for (int64_t r = block.rows.begin; r < block.rows.end; r++) {
    for_each<S>(width, [&](auto lanes, int64_t j) { body(lanes, r * columns + left + j); });
  }
}

// Products of up to this many terms are summed one by one; see kSingleLanes.
constexpr int64_t kSingleTerms = 16;

template <class S>
FASTMLP_INLINE bool is_single(const Batch& batch, int64_t inputs, int64_t units) {
  return batch.rows * inputs * units <= kSingleTerms;
}

// sum + a[0] b[0] + a[1] b[b_step] + ..., in this order.
template <class S>
FASTMLP_INLINE float add_products(float sum, const float* a, const float* b, int64_t b_step, int64_t count) {
  for (int64_t k = 0; k < count; k++, b += b_step) sum = S::One::fma(a[k], *b, sum);
  return sum;
}

// Of linear_forward and linear_backward_weights.
template <class Operands>
FASTMLP_INLINE const float* input_of(const Batch& batch, const Operands& o) {
  const RowsInPlace& in_place = batch.in_place;
  const bool is_there =
      in_place.rows != nullptr && o.input == in_place.buffer && o.inputs == in_place.columns;
  return is_there ? in_place.rows : batch.arena + o.input;
}

// A function for each activation, since all of them in one leave too few registers to any.
template <class S, ActivationCode kActivation>
FASTMLP_NOINLINE void linear_forward_single(const Batch& batch, const operands::linear_forward& o) {
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  const float* input = input_of(batch, o);
  const float* weights = batch.arena + o.weights;
  const float* biases = o.biases < 0 ? nullptr : batch.arena + o.biases;
  float* output = batch.arena + o.output;
  const int64_t to_net_input = o.netInput - o.output;
  const bool keeps_net_input = o.netInput >= 0;
  for (int64_t r = batch.rows; r > 0; r--, input += inputs) {
    for (int64_t u = 0; u < units; u++, output++) {
      const float z =
          add_products<S>(biases == nullptr ? 0.0f : biases[u], input, weights + u, units, inputs);
      if (keeps_net_input) output[to_net_input] = z;
      *output = activate<typename S::One, kActivation>(z);
    }
  }
}

template <class S>
FASTMLP_NOINLINE void linear_forward_wide(const Batch& batch, const operands::linear_forward& o,
                                          const Block& share) {
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  float* output = batch.arena + o.output;
  Product product;
  product.rows = batch.rows;
  product.columns = units;
  product.depth = inputs;
  product.a = input_of(batch, o);
  product.a_row = inputs;
  product.a_column = 1;
  product.b = batch.arena + o.weights;
  product.b_row = units;
  product.b_transposed = false;
  product.c = output;
  product.c_row = units;
  product.bias = o.biases < 0 ? nullptr : batch.arena + o.biases;
  product.accumulate = false;
  product.sparse = is_sparse<S>(product.a, batch.rows, inputs, units);
  // Shares for threads begin where panels do, others need not.
  if (share.columns.begin % panel_width<S>() == 0 &&
      reads_panels(share.rows.end - share.rows.begin, inputs * units)) {
    product.panels = panels_of(batch.packed_begin, batch.packed_end, o.weights);
  }
  gemm<S>(part_of<S>(product, share), batch.workspace);
  if (o.netInput >= 0) {
    float* net_input = batch.arena + o.netInput;
    for_each_in<S>(share, units,
                   [&](auto lanes, int64_t i) { lanes.store(net_input + i, lanes.load(output + i)); });
  }
  if (static_cast<ActivationCode>(o.activation) == ActivationCode::linear) return;
  with_activation(o.activation, [&](auto code) {
    for_each_in<S>(share, units, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(output + i, activate<L, decltype(code)::value>(lanes.load(output + i)));
    });
  });
}

template <class S>
FASTMLP_INLINE void linear_forward(const Batch& batch, const operands::linear_forward& o,
                                   const Block& share) {
  if (!is_single<S>(batch, o.inputs, o.units)) return linear_forward_wide<S>(batch, o, share);
  with_activation(o.activation,
                  [&](auto code) { linear_forward_single<S, decltype(code)::value>(batch, o); });
}

// sums[u] = sum of values[r][u] over the rows, for some of the units; added to what is there if `accumulate`.
template <class S>
FASTMLP_INLINE void column_sums(const float* values, int64_t rows, int64_t units, Span share, bool accumulate,
                                float* sums) {
  values += share.begin;
  sums += share.begin;
  for_each<S>(share.end - share.begin, [&](auto lanes, int64_t u) {
    using L = typename decltype(lanes)::Simd;
    auto sum = lanes.load(values + u);
    for (int64_t r = 1; r < rows; r++) sum = L::add(sum, lanes.load(values + r * units + u));
    lanes.store(sums + u, accumulate ? L::add(lanes.load(sums + u), sum) : sum);
  });
}

// One row: the outer product.
template <class S>
FASTMLP_NOINLINE void linear_backward_weights_row(const Batch& batch,
                                                  const operands::linear_backward_weights& o) {
  const int64_t units = o.units;
  const float* input = input_of(batch, o);
  const float* delta = batch.arena + o.delta;
  float* weight_gradient = batch.arena + o.weightGradient;
  for (const float* end = input + o.inputs; input < end; input++) {
    for (int64_t u = 0; u < units; u++) *weight_gradient++ = *input * delta[u];
  }
  if (o.biasGradient < 0) return;
  float* bias_gradient = batch.arena + o.biasGradient;
  for (int64_t u = 0; u < units; u++) bias_gradient[u] = delta[u];
}

template <class S>
FASTMLP_NOINLINE void linear_backward_weights_single(const Batch& batch,
                                                     const operands::linear_backward_weights& o) {
  using One = typename S::One;
  const float* input = input_of(batch, o);
  const float* delta = batch.arena + o.delta;
  float* weight_gradient = batch.arena + o.weightGradient;
  float* bias_gradient = o.biasGradient < 0 ? nullptr : batch.arena + o.biasGradient;
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  for (int64_t u = 0; u < units; u++) {
    for (int64_t i = 0; i < inputs; i++) {
      float sum = input[i] * delta[u];
      for (int64_t r = 1; r < batch.rows; r++) {
        sum = One::fma(input[r * inputs + i], delta[r * units + u], sum);
      }
      weight_gradient[i * units + u] = sum;
    }
    if (bias_gradient == nullptr) continue;
    float sum = delta[u];
    for (int64_t r = 1; r < batch.rows; r++) sum += delta[r * units + u];
    bias_gradient[u] = sum;
  }
}

template <class S>
FASTMLP_NOINLINE void linear_backward_weights_wide(const Batch& batch,
                                                   const operands::linear_backward_weights& o,
                                                   const Block& share) {
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  const bool accumulate = o.accumulate != 0;
  const float* delta = batch.arena + o.delta;
  if (o.biasGradient >= 0 && share.rows.begin == 0) {
    float* bias_gradient = batch.arena + o.biasGradient;
    column_sums<S>(delta, batch.rows, units, share.columns, accumulate, bias_gradient);
  }
  Product product;
  product.rows = inputs;
  product.columns = units;
  product.depth = batch.rows;
  product.a = input_of(batch, o);
  product.a_row = 1;
  product.a_column = inputs;
  product.b = delta;
  product.b_row = units;
  product.b_transposed = false;
  product.c = batch.arena + o.weightGradient;
  product.c_row = units;
  product.bias = nullptr;
  product.accumulate = accumulate;
  product.sparse = is_sparse<S>(product.a, batch.rows, inputs, units);
  gemm<S>(part_of<S>(product, share), batch.workspace);
}

template <class S>
FASTMLP_INLINE void linear_backward_weights(const Batch& batch, const operands::linear_backward_weights& o,
                                            const Block& share) {
  if (o.accumulate != 0 || !is_single<S>(batch, o.inputs, o.units)) {
    return linear_backward_weights_wide<S>(batch, o, share);
  }
  if (batch.rows == 1) return linear_backward_weights_row<S>(batch, o);
  linear_backward_weights_single<S>(batch, o);
}

template <class S, ActivationCode kActivation>
FASTMLP_NOINLINE void linear_backward_input_single(const Batch& batch,
                                                   const operands::linear_backward_input& o) {
  using One = typename S::One;
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  const float* delta = batch.arena + o.delta;
  float* gradient = batch.arena + o.gradient;
  const int64_t to_output = o.output - o.gradient;
  const bool differentiates = o.output >= 0;
  for (int64_t r = batch.rows; r > 0; r--, delta += units) {
    const float* weights = batch.arena + o.weights;
    for (int64_t i = 0; i < inputs; i++, weights += units, gradient++) {
      float sum = add_products<S>(0, delta, weights, 1, units);
      if (differentiates) sum *= derivative_from_output<One, kActivation>(gradient[to_output]);
      *gradient = sum;
    }
  }
}

// A few rows are not worth a transposed W; nor are some more, if the rows of W are long, the longer the more,
// and whole vectors, which do not lie across lines.
template <class S>
FASTMLP_INLINE bool prefers_dot_products(int64_t rows, int64_t units) {
  if (rows <= 3) return true;
  if (rows <= 16) return rows <= S::kDotRows && units >= 4 * S::kLanes;
  return rows <= S::kDotRows && units >= 16 * S::kLanes && units >= 7 * rows && units % S::kLanes == 0;
}

template <class S>
FASTMLP_NOINLINE void linear_backward_input_wide(const Batch& batch, const operands::linear_backward_input& o,
                                                 const Block& share) {
  const int64_t inputs = o.inputs;
  const int64_t units = o.units;
  const float* delta = batch.arena + o.delta;
  const float* weights = batch.arena + o.weights;
  float* gradient = batch.arena + o.gradient;
  if (prefers_dot_products<S>(batch.rows, units)) {
    const int64_t top = share.rows.begin;
    const int64_t left = share.columns.begin;
    dot_products<S>(delta + top * units, weights + left * units, share.rows.end - top,
                    share.columns.end - left, units, gradient + top * inputs + left, inputs);
  } else {
    Product product;
    product.rows = batch.rows;
    product.columns = inputs;
    product.depth = units;
    product.a = delta;
    product.a_row = units;
    product.a_column = 1;
    product.b = weights;
    product.b_row = units;
    product.b_transposed = true;
    product.c = gradient;
    product.c_row = inputs;
    product.bias = nullptr;
    product.accumulate = false;
    gemm<S>(part_of<S>(product, share), batch.workspace);
  }
  if (o.output < 0) return;
  const float* output = batch.arena + o.output;
  with_activation(o.activation, [&](auto code) {
    for_each_in<S>(share, inputs, [&](auto lanes, int64_t i) {
      using L = typename decltype(lanes)::Simd;
      const auto derivative = derivative_from_output<L, decltype(code)::value>(lanes.load(output + i));
      lanes.store(gradient + i, L::mul(lanes.load(gradient + i), derivative));
    });
  });
}

template <class S>
FASTMLP_INLINE void linear_backward_input(const Batch& batch, const operands::linear_backward_input& o,
                                          const Block& share) {
  if (!is_single<S>(batch, o.inputs, o.units)) return linear_backward_input_wide<S>(batch, o, share);
  with_activation(o.activation,
                  [&](auto code) { linear_backward_input_single<S, decltype(code)::value>(batch, o); });
}

}  // namespace fastmlp
