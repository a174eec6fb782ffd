// Training steps on one row each, of a network so small that a step is one chain of dependent operations on
// single floats: what is computed goes on in registers, or by one store and one load.
// Shapes: the weights of a layer are inputs × units, with the biases as the row behind them.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/gather.h"
#include "native/kernels/losses.h"
#include "native/kernels/metrics.h"
#include "native/kernels/tiny_registers.h"
#include "native/opcodes.h"
#include "native/shares.h"
#include "native/tiny_network.h"

namespace fastmlp {

// Calls body with the number of units as a type.
template <class Body>
FASTMLP_INLINE void with_units(int32_t units, Body body) {
  static_assert(kTinyUnits == 4);
  switch (units) {
    case 1:
      return body(Constant<int, 1>{});
    case 2:
      return body(Constant<int, 2>{});
    case 3:
      return body(Constant<int, 3>{});
    case 4:
      return body(Constant<int, 4>{});
  }
}

// A function for each activation and loss: all of them in one leave too few registers to any.
template <class S, int kUnits, ActivationCode kActivation>
FASTMLP_NOINLINE void tiny_forward(const float* input, int32_t inputs, const float* weights, float* output) {
  using One = typename S::One;
  const float* biases = weights + inputs * kUnits;
  float z[kUnits];
  FASTMLP_UNROLL
  for (int u = 0; u < kUnits; u++) z[u] = biases[u];
  for (int32_t i = 0; i < inputs; i++, weights += kUnits) {
    FASTMLP_UNROLL
    for (int u = 0; u < kUnits; u++) z[u] = One::fma(input[i], weights[u], z[u]);
  }
  FASTMLP_UNROLL
  for (int u = 0; u < kUnits; u++) output[u] = activate<One, kActivation>(z[u]);
}

// Takes a step along the gradient; before it, delta_below = (delta W^T) f'(input), f of the layer below.
template <class S, int kUnits, ActivationCode kActivation>
FASTMLP_NOINLINE void tiny_backward(const float* delta, const float* input, int32_t inputs, float rate,
                                    float* weights, float* delta_below) {
  using One = typename S::One;
  float d[kUnits];
  FASTMLP_UNROLL
  for (int u = 0; u < kUnits; u++) d[u] = delta[u];
  for (int32_t i = 0; i < inputs; i++, weights += kUnits) {
    const float x = input[i];
    const float rate_x = rate * x;
    const float weight = weights[0];
    float sum = d[0] * weight;
    weights[0] = One::fnma(rate_x, d[0], weights[0]);
    FASTMLP_UNROLL
    for (int u = 1; u < kUnits; u++) {
      sum = One::fma(d[u], weights[u], sum);
      weights[u] = One::fnma(rate_x, d[u], weights[u]);
    }
    if (delta_below == nullptr) continue;
    const float slope = derivative_from_output<One, kActivation>(x);
    // As in tiny_registers.h, where the delta comes last.
    delta_below[i] = kUnits == 1 ? d[0] * (weight * slope) : sum * slope;
  }
  FASTMLP_UNROLL
  for (int u = 0; u < kUnits; u++) weights[u] = One::fnma(rate, d[u], weights[u]);
}

// Loss of a row, and the delta of the last layer, whose outputs x are.
template <class S, LossCode kLoss>
FASTMLP_NOINLINE float tiny_loss(const float* x, const float* t, int32_t units, int32_t activation,
                                 float* delta) {
  using One = typename S::One;
  const float share = 1.0f / static_cast<float>(units);
  float sum = 0;
  for (int32_t u = 0; u < units; u++) {
    sum += loss_value<One, kLoss>(x[u], t[u], share);
    const float derivative = loss_derivative<One, kLoss>(x[u], t[u], share);
    with_activation(activation, [&](auto code) {
      delta[u] = derivative * derivative_from_output<One, decltype(code)::value>(x[u]);
    });
  }
  return sum;
}

// As tiny_loss, of binary cross-entropy after a sigmoid, from the net inputs z.
template <class S>
FASTMLP_NOINLINE float tiny_sigmoid_loss(const float* z, const float* t, int32_t units, float* delta) {
  using One = typename S::One;
  float sum = 0;
  for (int32_t u = 0; u < units; u++) {
    const float e = exp_negative_poly6_f32<One>(z[u]);
    sum += sigmoid_loss_value<One>(z[u], t[u], e);
    delta[u] = sigmoid_loss_derivative<One>(z[u], t[u], e);
  }
  return sum;
}

template <class S>
FASTMLP_NOINLINE double tiny_correct(const float* x, const float* t, int32_t units, DecisionCode decision) {
  return correct_share<S>(x, t, units, decision);
}

template <class S>
FASTMLP_NOINLINE void train_rows(const Batch& batch, const operands::train_rows& o, Undivided) {
  if (const auto train = trainer_in_registers<S>(o)) return train(batch, o);
  const TinyNetwork network(o);
  const TinyLayer& last = network.last();
  const bool from_net_inputs = network.ends_in_net_inputs(o.loss);
  const float rate = static_cast<float>(batch.scalars[o.learningRate]);
  float* const parameters = batch.arena + o.parameters;
  RowMetrics<S> metrics(batch);
  float room_x[kTinyWeights];
  float room_t[kTinyUnits];
  float outputs[kTinyLayers][kTinyUnits];
  float deltas[kTinyLayers][kTinyUnits];
  for (int64_t r = 0; r < batch.rows; r++) {
    const int64_t row = metrics.source_row(r);
    const float* const x =
        as_floats<S>(batch.source.inputs, batch.source.input_element, row * o.inputs, o.inputs, room_x);
    const float* const t =
        as_floats<S>(batch.source.targets, batch.source.target_element, row * last.units, last.units, room_t);
    for (int index = 0; index < network.count; index++) {
      const TinyLayer& layer = network.layers[index];
      const bool stops = from_net_inputs && index == network.count - 1;
      const int32_t activation = stops ? static_cast<int32_t>(ActivationCode::linear) : layer.activation;
      const float* const input = index == 0 ? x : outputs[index - 1];
      with_units(layer.units, [&](auto units) {
        with_activation(activation, [&](auto code) {
          tiny_forward<S, decltype(units)::value, decltype(code)::value>(
              input, layer.inputs, parameters + layer.offset, outputs[index]);
        });
      });
    }
    const float* const y = outputs[network.count - 1];
    float* const delta = deltas[network.count - 1];
    float loss = 0;
    if (from_net_inputs) {
      loss = tiny_sigmoid_loss<S>(y, t, last.units, delta);
    } else {
      with_loss(o.loss, [&](auto code) {
        loss = tiny_loss<S, decltype(code)::value>(y, t, last.units, last.activation, delta);
      });
    }
    for (int index = network.count - 1; index >= 0; index--) {
      const TinyLayer& layer = network.layers[index];
      const bool lowest = index == 0;
      const float* const input = lowest ? x : outputs[index - 1];
      float* const below = lowest ? nullptr : deltas[index - 1];
      const int32_t activation = lowest ? 0 : network.layers[index - 1].activation;
      with_units(layer.units, [&](auto units) {
        with_activation(activation, [&](auto code) {
          tiny_backward<S, decltype(units)::value, decltype(code)::value>(
              deltas[index], input, layer.inputs, rate, parameters + layer.offset, below);
        });
      });
    }
    const bool counts = o.decision >= 0;
    metrics.add(loss,
                counts ? tiny_correct<S>(y, t, last.units, static_cast<DecisionCode>(o.decision)) : 0.0);
  }
  metrics.store();
}

}  // namespace fastmlp
