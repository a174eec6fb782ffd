// What each instruction set offers. A target is compiled with flags of its own, so nothing else crosses this
// border.
#pragma once

#include <cstdint>

#include "native/batch.h"
#include "native/shares.h"

#define FASTMLP_TARGET(name)                                                            \
  namespace fastmlp::name {                                                             \
  void execute(const Batch& batch);                                                     \
  void execute_share(const Batch& batch, const Block& share);                           \
  extern const int64_t workspace_size;                                                  \
  int64_t panels_size(int64_t inputs, int64_t units);                                   \
  void pack_panels(const float* weights, int64_t inputs, int64_t units, float* panels); \
  }

FASTMLP_TARGET(scalar)
#if defined(FASTMLP_X64)
FASTMLP_TARGET(avx2)
FASTMLP_TARGET(avx512)
#elif defined(FASTMLP_ARM64)
FASTMLP_TARGET(neon)
#endif

#undef FASTMLP_TARGET
