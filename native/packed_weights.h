// Weights of the arena once more, in panels as wide as a tile, one after the other.
#pragma once

#include <cstdint>

#include "native/simd/common.h"

namespace fastmlp {

struct PackedWeights {
  int32_t weights;
  const float* panels;
};

// Floats of a matrix from which on it lies so far away that fewer lines arrive than a tile may ask for: 4 MB.
constexpr int64_t kDistantFloats = 1 << 20;

// Whether a product of so many rows had better read the panels of weights that there are: of fewer rows tiles
// are wider, and one tile or two cannot fetch what memory delivers.
FASTMLP_INLINE bool reads_panels(int64_t rows, int64_t weights) {
  return rows >= (weights > kDistantFloats ? 12 : 4);
}

// The panels of weights; null if there are none.
FASTMLP_INLINE const float* panels_of(const PackedWeights* begin, const PackedWeights* end, int32_t weights) {
  for (; begin != end; begin++) {
    if (begin->weights == weights) return begin->panels;
  }
  return nullptr;
}

}  // namespace fastmlp
