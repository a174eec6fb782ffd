// Executes the operations of a program on one batch.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/gather.h"
#include "native/kernels/linear.h"
#include "native/kernels/losses.h"
#include "native/kernels/maps.h"
#include "native/kernels/metrics.h"
#include "native/kernels/optimizers.h"
#include "native/kernels/softmax.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

template <class S>
void execute(const Batch& batch) {
  for (const int32_t* words = batch.begin; words != batch.end; words += kOperationStride) {
    switch (static_cast<Opcode>(*words)) {
#define FASTMLP_CASE(name, ...)                                          \
  case Opcode::name: {                                                   \
    const auto& o = *reinterpret_cast<const operands::name*>(words + 1); \
    name<S>(batch, o, whole_of(o, batch.rows));                          \
    break;                                                               \
  }
      FASTMLP_OPERATIONS(FASTMLP_CASE)
#undef FASTMLP_CASE
    }
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
