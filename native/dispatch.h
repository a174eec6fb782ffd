// The instruction sets this addon knows, best first.
#pragma once

#include <cstdint>

#include "native/batch.h"
#include "native/shares.h"

namespace fastmlp {

struct Target {
  const char* id;
  // Why this machine cannot run it; null if it can.
  const char* (*unusable)();
  // All null if the addon was built for another architecture.
  void (*execute)(const Batch& batch);
  // Executes a share of the first operation of the batch.
  void (*execute_share)(const Batch& batch, const Block& share);
  const int64_t* workspace_size;
  // Floats of the panels of inputs × units weights, and how they are filled.
  int64_t (*panels_size)(int64_t inputs, int64_t units);
  void (*pack_panels)(const float* weights, int64_t inputs, int64_t units, float* panels);
};

constexpr int kTargetCount = 4;
extern const Target kTargets[kTargetCount];

// The target of that id, null if there is none.
const Target* find_target(const char* id);

}  // namespace fastmlp
