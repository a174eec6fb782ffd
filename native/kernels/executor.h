// Executes the operations of a program on one batch.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/gather.h"
#include "native/kernels/gradients.h"
#include "native/kernels/linear.h"
#include "native/kernels/losses.h"
#include "native/kernels/maps.h"
#include "native/kernels/metrics.h"
#include "native/kernels/optimizer_rules.h"
#include "native/kernels/optimizers.h"
#include "native/kernels/softmax.h"
#include "native/opcodes.h"

namespace fastmlp {

// Kernels by opcode; the second argument are the words behind it.
template <class S>
struct Kernels {
  using Kernel = void (*)(const Batch& batch, const int32_t* operands);
#define FASTMLP_KERNEL(name, ...)                                       \
  [](const Batch& batch, const int32_t* operands) {                     \
    name<S>(batch, *reinterpret_cast<const operands::name*>(operands)); \
  },
  static constexpr Kernel kOfOpcode[] = {FASTMLP_OPERATIONS(FASTMLP_KERNEL)};
#undef FASTMLP_KERNEL
};

// The plan has been checked: every opcode is one of the list.
template <class S>
void execute(const Batch& batch) {
  const int32_t* const end = batch.end;
  for (const int32_t* words = batch.begin; words != end; words += kOperationStride) {
    Kernels<S>::kOfOpcode[*words](batch, words + 1);
  }
}

}  // namespace fastmlp
