// Large weights once more, in the order in which products read them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "native/aligned_bytes.h"
#include "native/dispatch.h"
#include "native/packed_weights.h"

namespace fastmlp {

// Operations of a plan.
struct Program {
  const int32_t* begin;
  const int32_t* end;
};

// Of programs that run again and again without changing any weights: a product then reads memory from front
// to back, and copies nothing. Takes the memory of these weights a second time until they change.
class WeightPanels {
 public:
  explicit WeightPanels(const Target& target) : target_(target) {}

  // Whether the program leaves weights as they are.
  static bool are_kept_by(const Program& program);

  // To be called before `batches` batches of up to `rows` rows by a program that keeps weights: makes panels
  // when it has been used so often that they pay.
  void prepare(const Program& program, const float* arena, int64_t rows, int64_t batches);

  // Weights change, or lie elsewhere.
  void forget() {
    if (batches_ > 0) clear();
  }

  const PackedWeights* begin() const { return packed_.data(); }
  const PackedWeights* end() const { return packed_.data() + packed_.size(); }
  size_t bytes() const;

 private:
  void clear();

  const Target& target_;
  // That could have read panels, since weights changed.
  int64_t batches_ = 0;
  std::vector<PackedWeights> packed_;
  std::vector<std::unique_ptr<AlignedBytes>> memory_;
};

}  // namespace fastmlp
