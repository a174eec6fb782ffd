// Executes the operations of a program on one batch.
#pragma once

#include "native/batch.h"
#include "native/kernels/activations.h"
#include "native/kernels/gather.h"
#include "native/kernels/linear.h"
#include "native/kernels/losses.h"
#include "native/kernels/maps.h"
#include "native/kernels/metrics.h"
#include "native/kernels/optimizer_rules.h"
#include "native/kernels/optimizers.h"
#include "native/kernels/softmax.h"
#include "native/opcodes.h"

namespace fastmlp {

template <class S>
void execute(const Batch& batch) {
  for (const int32_t* words = batch.begin; words != batch.end; words += kOperationStride) {
    switch (static_cast<Opcode>(*words)) {
#define FASTMLP_CASE(name, ...)                                          \
  case Opcode::name:                                                     \
    name<S>(batch, *reinterpret_cast<const operands::name*>(words + 1)); \
    break;
      FASTMLP_OPERATIONS(FASTMLP_CASE)
#undef FASTMLP_CASE
    }
  }
}

}  // namespace fastmlp
