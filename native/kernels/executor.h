// Executes the operations of a program on one batch.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/gather.h"
#include "native/kernels/gradients.h"
#include "native/kernels/linear.h"
#include "native/kernels/losses.h"
#include "native/kernels/maps.h"
#include "native/kernels/masks.h"
#include "native/kernels/metrics.h"
#include "native/kernels/norms.h"
#include "native/kernels/optimizer_rules.h"
#include "native/kernels/optimizers.h"
#include "native/kernels/softmax.h"
#include "native/kernels/tiny.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// Kernels by opcode; the second argument are the words behind it.
template <class S>
struct Kernels {
  using Kernel = void (*)(const Batch& batch, const int32_t* operands);
#define FASTMLP_KERNEL(name, ...)                                    \
  [](const Batch& batch, const int32_t* words) {                     \
    const auto& o = *reinterpret_cast<const operands::name*>(words); \
    name<S>(batch, o, whole_of(o, batch.rows));                      \
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

// Executes a share of the first operation.
template <class S>
void execute_share(const Batch& batch, const Block& share) {
  switch (static_cast<Opcode>(*batch.begin)) {
#define FASTMLP_CASE(name, ...)                                                \
  case Opcode::name: {                                                         \
    const auto& o = *reinterpret_cast<const operands::name*>(batch.begin + 1); \
    return name<S>(batch, o, share_of<decltype(whole_of(o, 0))>(share));       \
  }
    FASTMLP_OPERATIONS(FASTMLP_CASE)
#undef FASTMLP_CASE
  }
}

}  // namespace fastmlp
