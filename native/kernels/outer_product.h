// C = A B, or C += A B, of depth 1: row after row of C, as it lies in memory.
// Shapes: C is rows × columns, A rows × 1, B 1 × columns.
#pragma once

#include "native/kernels/elementwise.h"
#include "native/kernels/product.h"

namespace fastmlp {

// Floats of C from which on it pays.
constexpr int64_t kOuterFloats = 1 << 16;

FASTMLP_INLINE bool is_outer(const Product& p) {
  return p.depth == 1 && p.bias == nullptr && !p.b_transposed && p.rows * p.c_row >= kOuterFloats;
}

template <class S>
FASTMLP_NOINLINE void outer_product(const Product& p) {
  for (int64_t i = 0; i < p.rows; i++) {
    const float number = p.a[i * p.a_row];
    if (p.sparse && p.accumulate && number == 0) continue;
    const auto factor = S::set1(number);
    float* c = p.c + i * p.c_row;
    for_each_vector<S>(p.columns, [&](auto lanes, int64_t j) {
      // As a tile does it: a product of -0 is added to 0.
      const auto value = S::fma(factor, lanes.load(p.b + j), S::set1(0.0f));
      lanes.store(c + j, p.accumulate ? S::add(lanes.load(c + j), value) : value);
    });
  }
}

}  // namespace fastmlp
