#include "native/plan_check.h"

#include "native/opcodes.h"
#include "native/tiny_network.h"

namespace fastmlp {

namespace {

constexpr int64_t kMoments = 5;
constexpr int64_t kMaskScalars = 2;
constexpr int32_t kMaskBits = 1 << 24;
constexpr auto kOptimizerScalars = static_cast<int64_t>(OptimizerScalar::count);

// Whether every operand of one operation lies where it may.
class OperationCheck {
 public:
  OperationCheck(int64_t rows, int64_t arena_length, int64_t scalar_count)
      : rows_(rows), arena_length_(arena_length), scalar_count_(scalar_count) {}

  bool check(const operands::gather_rows& o) const {
    const int64_t constants = o.perColumn != 0 ? o.columns : 1;
    return size(o.columns) && batch(o.output, o.columns) && optional(o.scale, constants) &&
           optional(o.offset, constants);
  }
  bool check(const operands::gather_targets& o) const {
    return size(o.columns) && batch(o.output, o.columns) && o.first >= 0 && o.columns <= o.width - o.first;
  }
  bool check(const operands::gather_labels& o) const { return batch(o.output, 1); }
  bool check(const operands::linear_forward& o) const {
    return size(o.inputs) && size(o.units) && batch(o.input, o.inputs) &&
           matrix(o.weights, o.inputs, o.units) && optional(o.biases, o.units) &&
           optional_batch(o.netInput, o.units) && batch(o.output, o.units) &&
           code(o.activation, ActivationCode::exp);
  }
  bool check(const operands::softmax_forward& o) const {
    return size(o.units) && batch(o.netInput, o.units) && batch(o.output, o.units);
  }
  bool check(const operands::loss_backward& o) const {
    return loss_rows(o.prediction, o.gradient, o.rowLosses, o.units, o.reduction) &&
           batch(o.target, o.units) && code(o.loss, LossCode::binary_cross_entropy);
  }
  bool check(const operands::cross_entropy_labels& o) const {
    return loss_rows(o.prediction, o.gradient, o.rowLosses, o.units, o.reduction) && batch(o.labels, 1);
  }
  bool check(const operands::softmax_cross_entropy& o) const {
    return loss_rows(o.netInput, o.delta, o.rowLosses, o.units, o.reduction) && batch(o.target, o.units);
  }
  bool check(const operands::softmax_cross_entropy_labels& o) const {
    return loss_rows(o.netInput, o.delta, o.rowLosses, o.units, o.reduction) && batch(o.labels, 1);
  }
  bool check(const operands::sigmoid_binary_cross_entropy& o) const {
    return loss_rows(o.netInput, o.delta, o.rowLosses, o.units, o.reduction) && batch(o.target, o.units);
  }
  bool check(const operands::activation_backward& o) const {
    return size(o.units) && batch(o.gradient, o.units) && batch(o.output, o.units) &&
           batch(o.delta, o.units) && code(o.activation, ActivationCode::exp);
  }
  bool check(const operands::softmax_backward& o) const {
    return size(o.units) && batch(o.gradient, o.units) && batch(o.output, o.units) && batch(o.delta, o.units);
  }
  bool check(const operands::linear_backward_weights& o) const {
    return size(o.inputs) && size(o.units) && batch(o.input, o.inputs) && batch(o.delta, o.units) &&
           matrix(o.weightGradient, o.inputs, o.units) && optional(o.biasGradient, o.units);
  }
  bool check(const operands::linear_backward_input& o) const {
    return size(o.inputs) && size(o.units) && batch(o.delta, o.units) &&
           matrix(o.weights, o.inputs, o.units) && batch(o.gradient, o.inputs) &&
           optional_batch(o.output, o.inputs) && code(o.activation, ActivationCode::exp);
  }
  bool check(const operands::batch_norm_forward& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.output, o.units) &&
           matrix(o.mean, 1, o.units) && matrix(o.inverseDeviation, 1, o.units) &&
           matrix(o.runningMean, 1, o.units) && matrix(o.runningVariance, 1, o.units) &&
           optional(o.gamma, o.units) && optional(o.beta, o.units) && scalars(o.epsilon, 1) &&
           optional_scalar(o.momentum);
  }
  bool check(const operands::batch_norm_backward& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.delta, o.units) &&
           matrix(o.mean, 1, o.units) && matrix(o.inverseDeviation, 1, o.units) &&
           optional(o.gamma, o.units) && optional(o.gammaGradient, o.units) &&
           optional(o.betaGradient, o.units) && optional_batch(o.gradient, o.units);
  }
  bool check(const operands::layer_norm_forward& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.output, o.units) && batch(o.mean, 1) &&
           batch(o.inverseDeviation, 1) && optional(o.gamma, o.units) && optional(o.beta, o.units) &&
           scalars(o.epsilon, 1);
  }
  bool check(const operands::layer_norm_backward_weights& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.delta, o.units) && batch(o.mean, 1) &&
           batch(o.inverseDeviation, 1) && optional(o.gammaGradient, o.units) &&
           optional(o.betaGradient, o.units);
  }
  bool check(const operands::layer_norm_backward_input& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.delta, o.units) && batch(o.mean, 1) &&
           batch(o.inverseDeviation, 1) && optional(o.gamma, o.units) && batch(o.gradient, o.units);
  }
  bool check(const operands::sum_losses& o) const { return batch(o.rowLosses, 1); }
  bool check(const operands::count_correct& o) const {
    return size(o.units) && batch(o.prediction, o.units) && batch(o.target, o.units) &&
           code(o.decision, DecisionCode::zero);
  }
  bool check(const operands::count_correct_labels& o) const {
    return size(o.units) && batch(o.prediction, o.units) && batch(o.labels, 1);
  }
  bool check(const operands::advance_moments& o) const { return scalars(o.moments, kMoments); }
  bool check(const operands::sgd_step& o) const {
    return size(o.count) && matrix(o.parameters, 1, o.count) && matrix(o.gradient, 1, o.count) &&
           optional(o.velocity, o.count) && scalars(o.learningRate, 1) && optional_scalar(o.momentum) &&
           optional_scalar(o.weightDecay);
  }
  bool check(const operands::adam_step& o) const {
    return size(o.count) && matrix(o.parameters, 1, o.count) && matrix(o.gradient, 1, o.count) &&
           matrix(o.firstMoment, 1, o.count) && matrix(o.secondMoment, 1, o.count) &&
           scalars(o.learningRate, 1) && scalars(o.moments, kMoments) && optional_scalar(o.weightDecay);
  }
  bool check(const operands::scale_by_rate& o) const {
    return size(o.units) && batch(o.delta, o.units) && scalars(o.learningRate, 1);
  }
  bool check(const operands::train_rows& o) const {
    if (o.units1 < 1 || !code(o.loss, LossCode::binary_cross_entropy) || !scalars(o.learningRate, 1) ||
        o.decision < -1 || o.decision > static_cast<int32_t>(DecisionCode::zero)) {
      return false;
    }
    const TinyNetwork network(o);
    for (int index = 0; index < network.count; index++) {
      const TinyLayer& layer = network.layers[index];
      if (!size(layer.inputs) || !size(layer.units) || layer.units > kTinyUnits ||
          layer.inputs > kTinyWeights / layer.units || !code(layer.activation, ActivationCode::exp)) {
        return false;
      }
    }
    return matrix(o.parameters, 1, network.parameters);
  }
  bool check(const operands::advance_optimizer& o) const {
    return scalars(o.scalars, kOptimizerScalars) && scalars(o.learningRate, 1) &&
           code(o.rule, OptimizerCode::rprop);
  }
  bool check(const operands::optimizer_step& o) const {
    return size(o.count) && matrix(o.parameters, 1, o.count) && matrix(o.gradient, 1, o.count) &&
           matrix(o.state1, 1, o.count) && states(o) && scalars(o.scalars, kOptimizerScalars) &&
           code(o.rule, OptimizerCode::rprop);
  }
  bool check(const operands::count_batches& o) const { return scalars(o.batches, 1); }
  bool check(const operands::gradient_squares& o) const {
    return size(o.count) && size(o.block) && matrix(o.gradient, 1, o.count) &&
           matrix(o.sums, 1, (o.count - 1) / o.block + 1);
  }
  bool check(const operands::gradient_norm& o) const {
    return size(o.count) && matrix(o.sums, 1, o.count) && scalars(o.norm, 1);
  }
  bool check(const operands::clip_gradient& o) const {
    return size(o.count) && matrix(o.gradient, 1, o.count) && code(o.kind, ClipCode::mean) &&
           optional_scalar(o.limit) && optional_scalar(o.measure);
  }
  bool check(const operands::penalty& o) const {
    return size(o.count) && matrix(o.parameters, 1, o.count) && matrix(o.gradient, 1, o.count) &&
           optional_scalar(o.l1) && optional_scalar(o.l2);
  }
  bool check(const operands::max_norm& o) const {
    return size(o.inputs) && size(o.units) && matrix(o.weights, o.inputs, o.units) && scalars(o.limit, 1);
  }
  bool check(const operands::average_step& o) const {
    return size(o.count) && matrix(o.parameters, 1, o.count) && matrix(o.average, 1, o.count) &&
           scalars(o.decay, 1);
  }
  bool check(const operands::store_rows& o) const { return size(o.units) && batch(o.output, o.units); }
  bool check(const operands::map_unary& o) const {
    return size(o.columns) && repeated(o.a, o.aExtent, o.columns) && batch(o.output, o.columns) &&
           code(o.function, UnaryCode::erf);
  }
  bool check(const operands::map_binary& o) const {
    return size(o.columns) && repeated(o.a, o.aExtent, o.columns) && repeated(o.b, o.bExtent, o.columns) &&
           batch(o.output, o.columns) && code(o.function, BinaryCode::equal);
  }
  bool check(const operands::map_where& o) const {
    return size(o.columns) && repeated(o.condition, o.conditionExtent, o.columns) &&
           repeated(o.a, o.aExtent, o.columns) && repeated(o.b, o.bExtent, o.columns) &&
           batch(o.output, o.columns);
  }
  bool check(const operands::map_row& o) const {
    const bool per_row = static_cast<RowCode>(o.function) != RowCode::firstMax;
    return size(o.columns) && repeated(o.a, o.aExtent, o.columns) &&
           batch(o.output, per_row ? 1 : o.columns) && code(o.function, RowCode::firstMax);
  }
  bool check(const operands::activation_forward& o) const {
    return size(o.units) && batch(o.netInput, o.units) && batch(o.output, o.units) &&
           code(o.activation, ActivationCode::exp);
  }
  bool check(const operands::next_masks& o) const { return scalars(o.masks, kMaskScalars); }
  bool check(const operands::dropout& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.output, o.units) && o.dropped >= 0 &&
           o.dropped < kMaskBits && scalars(o.masks, kMaskScalars);
  }
  bool check(const operands::gaussian_noise& o) const {
    return size(o.units) && batch(o.input, o.units) && batch(o.output, o.units) && scalars(o.deviation, 1) &&
           scalars(o.masks, kMaskScalars);
  }
  bool check(const operands::reduction_scale& o) const {
    return matrix(o.output, 1, 1) && code(o.reduction, ReductionCode::mean);
  }

 private:
  static bool size(int32_t count) { return count >= 1; }
  template <class Code>
  static bool code(int32_t value, Code last) {
    return value >= 0 && value <= static_cast<int32_t>(last);
  }
  bool matrix(int32_t offset, int64_t rows, int64_t columns) const {
    return offset >= 0 && rows * columns <= arena_length_ - offset;
  }
  bool batch(int32_t offset, int64_t columns) const { return matrix(offset, rows_, columns); }
  // An operand of a map, as often as its extent has it.
  bool repeated(int32_t offset, int32_t extent, int64_t columns) const {
    switch (static_cast<ExtentCode>(extent)) {
      case ExtentCode::full:
        return batch(offset, columns);
      case ExtentCode::row:
        return batch(offset, 1);
      case ExtentCode::units:
        return matrix(offset, 1, columns);
      case ExtentCode::constant:
        return matrix(offset, 1, 1);
    }
    return false;
  }
  bool optional(int32_t offset, int64_t count) const { return offset < 0 || matrix(offset, 1, count); }
  bool optional_batch(int32_t offset, int64_t columns) const { return offset < 0 || batch(offset, columns); }
  bool scalars(int32_t first, int64_t count) const { return first >= 0 && first + count <= scalar_count_; }
  bool optional_scalar(int32_t index) const { return index < 0 || scalars(index, 1); }
  bool loss_rows(int32_t prediction, int32_t gradient, int32_t row_losses, int32_t units,
                 int32_t reduction) const {
    return size(units) && batch(prediction, units) && optional_batch(gradient, units) &&
           batch(row_losses, 1) && code(reduction, ReductionCode::mean);
  }

  // The second and third state of an optimizer, where its rule has them.
  bool states(const operands::optimizer_step& o) const {
    switch (static_cast<OptimizerCode>(o.rule)) {
      case OptimizerCode::rmsprop:
      case OptimizerCode::adagrad:
        return optional(o.state2, o.count) && optional(o.state3, o.count);
      case OptimizerCode::lion:
        return true;
      default:
        return matrix(o.state2, 1, o.count) && optional(o.state3, o.count);
    }
  }

  int64_t rows_;
  int64_t arena_length_;
  int64_t scalar_count_;
};

bool check_operation(const OperationCheck& check, const int32_t* words) {
  switch (static_cast<Opcode>(*words)) {
#define FASTMLP_CASE(name, ...) \
  case Opcode::name:            \
    return check.check(*reinterpret_cast<const operands::name*>(words + 1));
    FASTMLP_OPERATIONS(FASTMLP_CASE)
#undef FASTMLP_CASE
  }
  return false;
}

}  // namespace

std::string check_plan(const std::vector<int32_t>& operations, int64_t batch_capacity, int64_t arena_length,
                       int64_t scalar_count) {
  if (operations.size() % kOperationStride != 0) return "the plan does not consist of whole operations";
  if (batch_capacity < 1 || batch_capacity > INT32_MAX) return "the plan has no room for a batch";
  if (scalar_count < static_cast<int64_t>(ScalarCode::first_free)) return "the scalars are too few";
  const OperationCheck check(batch_capacity, arena_length, scalar_count);
  for (size_t word = 0; word < operations.size(); word += kOperationStride) {
    if (check_operation(check, operations.data() + word)) continue;
    return "operation " + std::to_string(word / kOperationStride) + " reaches outside the plan";
  }
  return {};
}

}  // namespace fastmlp
