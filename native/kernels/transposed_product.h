// C = A B with too few columns to fill vectors: as the transpose of B^T A^T, whose vectors lie along the rows
// of C.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include "native/kernels/blocked_product.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/product.h"

namespace fastmlp {

// Rows of C at a time.
constexpr int64_t kTransposedRows = 128;
// Vectors of columns, at most.
constexpr int64_t kTransposedVectors = 2;

// The workspace holds the transpose of those rows behind what a blocked product needs.
template <class S>
constexpr int64_t transposed_floats() {
  return kTransposedRows * kTransposedVectors * S::kLanes;
}

// A third of the vectors along the columns would be empty, and A lies along the rows.
template <class S>
bool prefers_transposed(const Product& p) {
  const int64_t vectors = (p.columns + S::kLanes - 1) / S::kLanes;
  return p.a_row == 1 && !p.b_transposed && p.columns > 1 && vectors <= kTransposedVectors &&
         p.bias == nullptr && 3 * p.columns <= 2 * vectors * S::kLanes && p.rows >= 2 * S::kLanes;
}

// C = T^T, or C += T^T, for T of columns × rows, a row of it every kTransposedRows floats.
template <class S>
void store_transposed(const float* t, int64_t rows, int64_t columns, bool add, float* c, int64_t c_row) {
  constexpr int kLanes = S::kLanes;
  for_each_vector<S>(rows, [&](auto lanes, int64_t i) {
    const int64_t height = rows - i < kLanes ? rows - i : kLanes;
    for (int64_t j = 0; j < columns; j += kLanes) {
      const int64_t width = columns - j < kLanes ? columns - j : kLanes;
      typename S::V block[kLanes];
      for (int64_t v = 0; v < kLanes; v++) {
        block[v] = v < width ? lanes.load(t + (j + v) * kTransposedRows + i) : S::set1(0.0f);
      }
      S::transpose(block);
      for (int64_t v = 0; v < height; v++) {
        float* to = c + (i + v) * c_row + j;
        const auto partial = static_cast<int>(width);
        if (width == kLanes) {
          S::store(to, add ? S::add(S::load(to), block[v]) : block[v]);
        } else {
          S::store_pieces(to, add ? S::add(S::load_partial(to, partial), block[v]) : block[v], partial);
        }
      }
    }
  });
}

template <class S>
FASTMLP_NOINLINE void transposed_product(const Product& p, float* workspace) {
  float* t = workspace + blocks_floats<S>();
  Product swapped;
  swapped.rows = p.columns;
  swapped.depth = p.depth;
  swapped.a = p.b;
  swapped.a_row = 1;
  swapped.a_column = p.b_row;
  swapped.b_transposed = false;
  swapped.b_row = p.a_column;
  swapped.c = t;
  swapped.c_row = kTransposedRows;
  swapped.bias = nullptr;
  swapped.accumulate = false;
  for (int64_t top = 0; top < p.rows; top += kTransposedRows) {
    const int64_t rows = p.rows - top < kTransposedRows ? p.rows - top : kTransposedRows;
    swapped.columns = rows;
    swapped.b = p.a + top;
    blocked_product<S>(swapped, workspace);
    store_transposed<S>(t, rows, p.columns, p.accumulate, p.c + top * p.c_row, p.c_row);
  }
}

}  // namespace fastmlp
