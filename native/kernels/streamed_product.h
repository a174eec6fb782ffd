// C = A B for few rows of A and a B too large for the nearest caches: whole stretches of B's rows pass by, at
// the speed of memory. A tile would go down narrow columns of B, from page to page.
// Shapes: as in gemm.h.
#pragma once

#include "native/kernels/elementwise.h"
#include "native/kernels/product.h"
#include "native/simd/common.h"

namespace fastmlp {

// Rows of C, at most.
constexpr int kStreamedRows = 3;
// Floats of B from which on it pays: 4 MB.
constexpr int64_t kStreamedFloats = 1 << 20;
// Rows of B at a time, and columns of a block of C, which stays in the first-level cache.
constexpr int kStreamedDepth = 8;
constexpr int64_t kStreamedColumns = 1024;

// What part of B a thread reads does not matter: the sums are the same in each way.
FASTMLP_INLINE bool is_streamed(const Product& p) {
  return p.rows <= kStreamedRows && !p.b_transposed && !p.accumulate && p.depth * p.b_row >= kStreamedFloats;
}

// Adds kDepth terms to a block of C, in their order, and fetches the lines of B at `ahead`.
template <class S, int kRows, int kDepth>
FASTMLP_INLINE void add_streamed(const Product& p, int64_t k, int64_t column, int64_t columns,
                                 const float* ahead) {
  using V = typename S::V;
  const int64_t b_row = p.b_row;
  const float* b = p.b + k * b_row + column;
  float* c = p.c + column;
  V factors[kRows][kDepth];
  FASTMLP_UNROLL
  for (int i = 0; i < kRows; i++) {
    FASTMLP_UNROLL
    for (int d = 0; d < kDepth; d++) factors[i][d] = S::set1(p.a[i * p.a_row + (k + d) * p.a_column]);
  }
  for_each_vector<S>(columns, [&](auto lanes, int64_t j) {
    V sums[kRows];
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) sums[i] = lanes.load(c + i * p.c_row + j);
    FASTMLP_UNROLL
    for (int d = 0; d < kDepth; d++) {
      FASTMLP_PREFETCH_NEAR(ahead + d * b_row + j);
      const V row = lanes.load(b + d * b_row + j);
      FASTMLP_UNROLL
      for (int i = 0; i < kRows; i++) sums[i] = S::fma(factors[i][d], row, sums[i]);
    }
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) lanes.store(c + i * p.c_row + j, sums[i]);
  });
}

template <class S, int kRows = kStreamedRows>
FASTMLP_NOINLINE void streamed_product(const Product& p) {
  if constexpr (kRows > 1) {
    if (p.rows < kRows) return streamed_product<S, kRows - 1>(p);
  }
  for (int64_t i = 0; i < kRows; i++) {
    for_each_vector<S>(p.columns, [&](auto lanes, int64_t j) {
      lanes.store(p.c + i * p.c_row + j, p.bias == nullptr ? S::set1(0.0f) : lanes.load(p.bias + j));
    });
  }
  for (int64_t column = 0; column < p.columns; column += kStreamedColumns) {
    const int64_t left = p.columns - column;
    const int64_t columns = left < kStreamedColumns ? left : kStreamedColumns;
    int64_t k = 0;
    for (; k + kStreamedDepth <= p.depth; k += kStreamedDepth) {
      const int64_t next = k + 2 * kStreamedDepth <= p.depth ? k + kStreamedDepth : k;
      add_streamed<S, kRows, kStreamedDepth>(p, k, column, columns, p.b + next * p.b_row + column);
    }
    for (; k < p.depth; k++) {
      add_streamed<S, kRows, 1>(p, k, column, columns, p.b + k * p.b_row + column);
    }
  }
}

}  // namespace fastmlp
