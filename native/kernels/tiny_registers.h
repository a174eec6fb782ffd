// Training steps on one row each of the smallest networks: two inputs, a layer of two to four units, one
// sigmoid. Sizes and functions are types, so that all parameters stay in registers from row to row and
// nothing between two layers goes through memory. The numbers are those of tiny.h, bit by bit.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/gather.h"
#include "native/kernels/losses.h"
#include "native/kernels/metrics.h"
#include "native/opcodes.h"

namespace fastmlp {

constexpr int kRegisterInputs = 2;

struct OutputStep {
  float loss;
  float delta;
  // What is decided on: the output, or its net input with binary cross-entropy.
  float decided;
};

template <class S, LossCode kLoss>
FASTMLP_INLINE OutputStep sigmoid_output(float z, float t) {
  using One = typename S::One;
  if constexpr (kLoss == LossCode::binary_cross_entropy) {
    const float e = exp_negative_poly6_f32<One>(z);
    return {sigmoid_loss_value<One>(z, t, e), sigmoid_loss_derivative<One>(z, t, e), z};
  }
  const float y = activate<One, ActivationCode::sigmoid>(z);
  const float slope = derivative_from_output<One, ActivationCode::sigmoid>(y);
  return {loss_value<One, kLoss>(y, t, 1.0f), loss_derivative<One, kLoss>(y, t, 1.0f) * slope, y};
}

template <class S, int kUnits, ActivationCode kHidden, LossCode kLoss>
FASTMLP_NOINLINE void train_rows_in_registers(const Batch& batch, const operands::train_rows& o) {
  using One = typename S::One;
  const float rate = static_cast<float>(batch.scalars[o.learningRate]);
  const auto decision = static_cast<DecisionCode>(o.decision);
  const float threshold = decision == DecisionCode::half ? 0.5f : 0.0f;
  const bool counts = o.decision >= 0;
  RowMetrics<S> metrics(batch);
  // Weights of the layers, with the biases as the row behind them.
  float* const parameters = batch.arena + o.parameters;
  constexpr int kFirst = (kRegisterInputs + 1) * kUnits;
  float w[kFirst];
  float v[kUnits + 1];
  FASTMLP_UNROLL
  for (int j = 0; j < kFirst; j++) w[j] = parameters[j];
  FASTMLP_UNROLL
  for (int j = 0; j <= kUnits; j++) v[j] = parameters[kFirst + j];
  for (int64_t r = 0; r < batch.rows; r++) {
    const int64_t row = metrics.source_row(r);
    float room_x[kRegisterInputs];
    float room_t;
    const float* const x = as_floats<S>(batch.source.inputs, batch.source.input_element,
                                        row * kRegisterInputs, kRegisterInputs, room_x);
    const float t = *as_floats<S>(batch.source.targets, batch.source.target_element, row, 1, &room_t);
    float h[kUnits];
    float z = v[kUnits];
    FASTMLP_UNROLL
    for (int u = 0; u < kUnits; u++) {
      float net = w[kRegisterInputs * kUnits + u];
      FASTMLP_UNROLL
      for (int i = 0; i < kRegisterInputs; i++) net = One::fma(x[i], w[i * kUnits + u], net);
      h[u] = activate<One, kHidden>(net);
    }
    FASTMLP_UNROLL
    for (int u = 0; u < kUnits; u++) z = One::fma(h[u], v[u], z);
    const OutputStep output = sigmoid_output<S, kLoss>(z, t);
    FASTMLP_UNROLL
    for (int u = 0; u < kUnits; u++) {
      // What waits for the delta comes last.
      const float below = output.delta * (v[u] * derivative_from_output<One, kHidden>(h[u]));
      v[u] = One::fnma(rate * h[u], output.delta, v[u]);
      FASTMLP_UNROLL
      for (int i = 0; i < kRegisterInputs; i++) {
        w[i * kUnits + u] = One::fnma(rate * x[i], below, w[i * kUnits + u]);
      }
      w[kRegisterInputs * kUnits + u] = One::fnma(rate, below, w[kRegisterInputs * kUnits + u]);
    }
    v[kUnits] = One::fnma(rate, output.delta, v[kUnits]);
    const bool correct = (threshold <= output.decided) == (0.5f <= t);
    metrics.add(output.loss, static_cast<double>(counts && correct));
  }
  FASTMLP_UNROLL
  for (int j = 0; j < kFirst; j++) parameters[j] = w[j];
  FASTMLP_UNROLL
  for (int j = 0; j <= kUnits; j++) parameters[kFirst + j] = v[j];
  metrics.store();
}

using RowTrainer = void (*)(const Batch& batch, const operands::train_rows& o);

template <class S, int kUnits, ActivationCode kHidden>
FASTMLP_INLINE RowTrainer trainer_for_loss(int32_t loss) {
  switch (static_cast<LossCode>(loss)) {
    case LossCode::half_squared_error:
      return train_rows_in_registers<S, kUnits, kHidden, LossCode::half_squared_error>;
    // The mean over one output is the output's.
    case LossCode::squared_error:
    case LossCode::mean_squared_error:
      return train_rows_in_registers<S, kUnits, kHidden, LossCode::squared_error>;
    case LossCode::binary_cross_entropy:
      return train_rows_in_registers<S, kUnits, kHidden, LossCode::binary_cross_entropy>;
    default:
      return nullptr;
  }
}

template <class S, int kUnits>
FASTMLP_INLINE RowTrainer trainer_for_hidden(int32_t activation, int32_t loss) {
  switch (static_cast<ActivationCode>(activation)) {
    case ActivationCode::sigmoid:
      return trainer_for_loss<S, kUnits, ActivationCode::sigmoid>(loss);
    case ActivationCode::tanh:
      return trainer_for_loss<S, kUnits, ActivationCode::tanh>(loss);
    default:
      return nullptr;
  }
}

// The trainer of a network with parameters in registers, null if there is none for it.
template <class S>
FASTMLP_INLINE RowTrainer trainer_in_registers(const operands::train_rows& o) {
  if (o.inputs != kRegisterInputs || o.units2 != 1 || o.units3 != 0) return nullptr;
  if (static_cast<ActivationCode>(o.activation2) != ActivationCode::sigmoid) return nullptr;
  if (static_cast<DecisionCode>(o.decision) == DecisionCode::argmax) return nullptr;
  switch (o.units1) {
    case 2:
      return trainer_for_hidden<S, 2>(o.activation1, o.loss);
    case 3:
      return trainer_for_hidden<S, 3>(o.activation1, o.loss);
    case 4:
      return trainer_for_hidden<S, 4>(o.activation1, o.loss);
    default:
      return nullptr;
  }
}

}  // namespace fastmlp
