// The operations of a plan, as listed in src/plan/operations.ts, and the codes of src/opcodes.ts and
// src/optimizer-scalars.ts. The TypeScript side compares both lists with `operations()` and `codes()` of the
// addon when it loads.
#pragma once

#include <cstdint>

// X(name, operands in their order)
#define FASTMLP_OPERATIONS(X)                                                                                \
  X(gather_rows, output, columns, scale, offset, perColumn, inPlace)                                         \
  X(gather_targets, output, columns, width, first)                                                           \
  X(gather_labels, output)                                                                                   \
  X(linear_forward, input, weights, biases, netInput, output, inputs, units, activation)                     \
  X(softmax_forward, netInput, output, units)                                                                \
  X(loss_backward, prediction, target, gradient, rowLosses, units, loss, reduction)                          \
  X(cross_entropy_labels, prediction, labels, gradient, rowLosses, units, reduction)                         \
  X(softmax_cross_entropy, netInput, target, delta, rowLosses, units, reduction)                             \
  X(softmax_cross_entropy_labels, netInput, labels, delta, rowLosses, units, reduction)                      \
  X(sigmoid_binary_cross_entropy, netInput, target, delta, rowLosses, units, reduction)                      \
  X(activation_backward, gradient, output, delta, units, activation)                                         \
  X(softmax_backward, gradient, output, delta, units)                                                        \
  X(linear_backward_weights, input, delta, weightGradient, biasGradient, inputs, units, accumulate)          \
  X(linear_backward_input, delta, weights, gradient, output, inputs, units, activation)                      \
  X(batch_norm_forward, input, output, mean, inverseDeviation, runningMean, runningVariance, gamma, beta,    \
    units, epsilon, momentum)                                                                                \
  X(batch_norm_backward, input, delta, mean, inverseDeviation, gamma, gammaGradient, betaGradient, gradient, \
    units, accumulate, throughMoments)                                                                       \
  X(layer_norm_forward, input, output, mean, inverseDeviation, gamma, beta, units, epsilon)                  \
  X(layer_norm_backward_weights, input, delta, mean, inverseDeviation, gammaGradient, betaGradient, units,   \
    accumulate)                                                                                              \
  X(layer_norm_backward_input, input, delta, mean, inverseDeviation, gamma, gradient, units)                 \
  X(sum_losses, rowLosses)                                                                                   \
  X(count_correct, prediction, target, units, decision)                                                      \
  X(count_correct_labels, prediction, labels, units)                                                         \
  X(advance_moments, moments)                                                                                \
  X(sgd_step, parameters, gradient, velocity, count, learningRate, momentum, weightDecay, nesterov)          \
  X(adam_step, parameters, gradient, firstMoment, secondMoment, count, learningRate, moments, weightDecay,   \
    decoupled)                                                                                               \
  X(scale_by_rate, delta, units, learningRate)                                                               \
  X(train_rows, parameters, inputs, units1, units2, units3, activation1, activation2, activation3, loss,     \
    decision, learningRate)                                                                                  \
  X(advance_optimizer, scalars, learningRate, rule)                                                          \
  X(optimizer_step, parameters, gradient, state1, state2, state3, count, scalars, rule)                      \
  X(count_batches, batches, first)                                                                           \
  X(gradient_squares, gradient, count, block, sums)                                                          \
  X(gradient_norm, sums, count, norm)                                                                        \
  X(clip_gradient, gradient, count, kind, limit, measure)                                                    \
  X(penalty, parameters, gradient, count, l1, l2, perRow)                                                    \
  X(max_norm, weights, inputs, units, limit)                                                                 \
  X(average_step, parameters, average, count, decay)                                                         \
  X(store_rows, output, units)                                                                               \
  X(map_unary, a, aExtent, output, columns, function)                                                        \
  X(map_binary, a, aExtent, b, bExtent, output, columns, function)                                           \
  X(map_where, condition, conditionExtent, a, aExtent, b, bExtent, output, columns)                          \
  X(map_row, a, aExtent, output, columns, function)                                                          \
  X(reduction_scale, output, reduction)                                                                      \
  X(activation_forward, netInput, output, units, activation)                                                 \
  X(next_masks, masks)                                                                                       \
  X(dropout, input, output, units, dropped, layer, masks)                                                    \
  X(gaussian_noise, input, output, units, deviation, layer, masks)

// X(name of the enum, names of its codes from 0 on)
#define FASTMLP_CODES(X)                                                                                   \
  X(ActivationCode, linear, sigmoid, tanh, relu, heaviside, exp)                                           \
  X(LossCode, half_squared_error, squared_error, mean_squared_error, cross_entropy, binary_cross_entropy)  \
  X(ClipCode, value, norm, mean)                                                                           \
  X(OptimizerCode, amsgrad, nadam, radam, adamax, rmsprop, adagrad, adadelta, lion, rprop)                 \
  X(OptimizerScalar, weightDecay, decoupledDecay, decay1, decay2, epsilon, option, largest, steps, power1, \
    power2, power3, product, intoGradient, kept, c0, c1, c2, c3, c4, c5, c6, c7, count)                    \
  X(ReductionCode, sum, mean)                                                                              \
  X(DecisionCode, argmax, half, zero)                                                                      \
  X(ExtentCode, full, row, units, constant)                                                                \
  X(UnaryCode, copy, neg, abs, sqrt, exp, expm1, log, sin, cos, tanh, sigmoid, softplus, erf)              \
  X(BinaryCode, add, sub, mul, div, min, max, less, lessEqual, equal)                                      \
  X(RowCode, rowSum, rowMax, firstMax)                                                                     \
  X(ScalarCode, loss, correct, rows, first_free)

namespace fastmlp {

// int32 places an operation takes in a plan: its opcode, its operands, zeros up to this width.
constexpr int32_t kOperationStride = 12;

#define FASTMLP_OPCODE(name, ...) name,
enum class Opcode : int32_t { FASTMLP_OPERATIONS(FASTMLP_OPCODE) };
#undef FASTMLP_OPCODE

#define FASTMLP_CODE(name, ...) enum class name : int32_t { __VA_ARGS__ };
FASTMLP_CODES(FASTMLP_CODE)
#undef FASTMLP_CODE

// `operands::linear_forward` overlays the words behind the opcode of a linear_forward.
namespace operands {
#define FASTMLP_OPERANDS(name, ...) \
  struct name {                     \
    int32_t __VA_ARGS__;            \
  };
FASTMLP_OPERATIONS(FASTMLP_OPERANDS)
#undef FASTMLP_OPERANDS
}  // namespace operands

}  // namespace fastmlp
