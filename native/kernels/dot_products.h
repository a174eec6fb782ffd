// C = A B^T for few rows of A: dot products along the rows of both.
// Shapes: C is rows × columns, A rows × depth, B columns × depth.
// A number is summed in the same order whatever the rows, and whatever the columns but for the last, fewer
// than kDotColumns.
#pragma once

#include "native/kernels/elementwise.h"
#include "native/kernels/pieces.h"
#include "native/simd/common.h"

namespace fastmlp {

// Rows of B a tile takes at a time.
constexpr int kDotColumns = 4;

template <class S, int kRows>
FASTMLP_INLINE void dot_tile(const float* a, const float* b, int64_t depth, float* c, int64_t c_row) {
  using V = typename S::V;
  V sums[kRows][kDotColumns];
  FASTMLP_UNROLL
  for (int i = 0; i < kRows; i++) {
    FASTMLP_UNROLL
    for (int j = 0; j < kDotColumns; j++) sums[i][j] = S::set1(0.0f);
  }
  for_each_vector<S>(depth, [&](auto lanes, int64_t k) {
    V rows[kRows];
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) rows[i] = lanes.load(a + i * depth + k);
    FASTMLP_UNROLL
    for (int j = 0; j < kDotColumns; j++) {
      const V column = lanes.load(b + j * depth + k);
      FASTMLP_UNROLL
      for (int i = 0; i < kRows; i++) sums[i][j] = S::fma(rows[i], column, sums[i][j]);
    }
  });
  FASTMLP_UNROLL
  for (int i = 0; i < kRows; i++) S::store_sums(c + i * c_row, sums[i]);
}

// The tile of `rows` rows of A.
template <class S, int kRows = S::kDotTileRows>
FASTMLP_INLINE void dot_tile_of(int64_t rows, const float* a, const float* b, int64_t depth, float* c,
                                int64_t c_row) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return dot_tile_of<S, kRows - 1>(rows, a, b, depth, c, c_row);
  }
  dot_tile<S, kRows>(a, b, depth, c, c_row);
}

template <class S>
FASTMLP_NOINLINE void dot_products(const float* a, const float* b, int64_t rows, int64_t columns,
                                   int64_t depth, float* c, int64_t c_row) {
  const Pieces<S> tiles(rows, S::kDotTileRows);
  int64_t j = 0;
  for (; j + kDotColumns <= columns; j += kDotColumns) {
    for (int64_t t = 0; t < tiles.count; t++) {
      const int64_t i = tiles.begin(t);
      dot_tile_of<S>(tiles.begin(t + 1) - i, a + i * depth, b + j * depth, depth, c + i * c_row + j, c_row);
    }
  }
  for (; j < columns; j++) {
    for (int64_t i = 0; i < rows; i++) {
      c[i * c_row + j] = sum_each<S>(depth, [&](auto lanes, int64_t k) {
        using L = typename decltype(lanes)::Simd;
        return L::mul(lanes.load(a + i * depth + k), lanes.load(b + j * depth + k));
      });
    }
  }
}

}  // namespace fastmlp
