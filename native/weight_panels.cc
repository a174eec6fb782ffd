#include "native/weight_panels.h"

#include <algorithm>
#include <new>

#include "native/huge_pages.h"
#include "native/opcodes.h"

namespace fastmlp {

namespace {

// Weights that lie in the second-level cache are read as fast where they are.
constexpr int64_t kLeastWeights = 1 << 18;

// Making panels takes as long as some ten batches gain by them.
constexpr int64_t kBatchesToMake = 16;

// Operations of passes forwards and of losses, which write to buffers of the batch.
bool keeps_weights(Opcode opcode) {
  switch (opcode) {
    case Opcode::gather_rows:
    case Opcode::gather_targets:
    case Opcode::gather_labels:
    case Opcode::linear_forward:
    case Opcode::softmax_forward:
    case Opcode::activation_forward:
    case Opcode::batch_norm_forward:
    case Opcode::layer_norm_forward:
    case Opcode::loss_backward:
    case Opcode::cross_entropy_labels:
    case Opcode::softmax_cross_entropy:
    case Opcode::softmax_cross_entropy_labels:
    case Opcode::sigmoid_binary_cross_entropy:
    case Opcode::sum_losses:
    case Opcode::count_correct:
    case Opcode::count_correct_labels:
    case Opcode::store_rows:
    case Opcode::map_unary:
    case Opcode::map_binary:
    case Opcode::map_where:
    case Opcode::map_row:
      return true;
    default:
      return false;
  }
}

// Calls body(operands) for the layers whose products would read panels.
template <class Body>
void for_each_reader(const Program& program, int64_t rows, Body body) {
  for (const int32_t* words = program.begin; words != program.end; words += kOperationStride) {
    if (static_cast<Opcode>(*words) != Opcode::linear_forward) continue;
    const auto& o = *reinterpret_cast<const operands::linear_forward*>(words + 1);
    const int64_t weights = int64_t{o.inputs} * o.units;
    if (weights >= kLeastWeights && reads_panels(rows, weights)) body(o);
  }
}

}  // namespace

bool WeightPanels::are_kept_by(const Program& program) {
  for (const int32_t* words = program.begin; words != program.end; words += kOperationStride) {
    if (!keeps_weights(static_cast<Opcode>(*words))) return false;
  }
  return true;
}

void WeightPanels::prepare(const Program& program, const float* arena, int64_t rows, int64_t batches) {
  int readers = 0;
  for_each_reader(program, rows, [&](const operands::linear_forward&) { readers++; });
  if (readers == 0) return;
  batches_ = std::min(batches_ + batches, kBatchesToMake);
  if (batches_ < kBatchesToMake) return;
  for_each_reader(program, rows, [&](const operands::linear_forward& o) {
    if (panels_of(begin(), end(), o.weights) != nullptr) return;
    const auto bytes = static_cast<size_t>(target_.panels_size(o.inputs, o.units)) * sizeof(float);
    try {
      memory_.push_back(std::make_unique<AlignedBytes>(bytes));
    } catch (const std::bad_alloc&) {
      return;
    }
    prefer_huge_pages(memory_.back()->data(), bytes);
    auto* const panels = static_cast<float*>(memory_.back()->data());
    target_.pack_panels(arena + o.weights, o.inputs, o.units, panels);
    packed_.push_back({o.weights, panels});
  });
}

void WeightPanels::clear() {
  batches_ = 0;
  packed_.clear();
  memory_.clear();
}

size_t WeightPanels::bytes() const {
  size_t sum = 0;
  for (const auto& memory : memory_) sum += memory->size();
  return sum;
}

}  // namespace fastmlp
