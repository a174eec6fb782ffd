// What a product is of.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include <cstdint>

#include "native/shares.h"

namespace fastmlp {

struct Product {
  int64_t rows;
  int64_t columns;
  int64_t depth;
  // A[i][k] is a[i * a_row + k * a_column].
  const float* a;
  int64_t a_row;
  int64_t a_column;
  // B[k][j] is b[k * b_row + j], or b[j * b_row + k] if transposed.
  const float* b;
  int64_t b_row;
  bool b_transposed;
  // C[i][j] is c[i * c_row + j].
  float* c;
  int64_t c_row;
  // One number per column that is added, or null.
  const float* bias;
  // A B is added to C.
  bool accumulate;
  // Terms of zeros in A are left out.
  bool sparse = false;
  // Columns of B to the right of these, which are likely to be needed next.
  int64_t columns_after = 0;
  // B once more, in panels as wide as a tile one after the other, each depth × width; or null.
  const float* panels = nullptr;
};

// The part of a product whose result is `block`. A number of C is summed in the order that the depth alone
// decides, so parts make the same numbers as the whole.
template <class S>
Product part_of(Product p, const Block& block) {
  const int64_t top = block.rows.begin;
  const int64_t left = block.columns.begin;
  p.rows = block.rows.end - top;
  p.columns_after = p.columns - block.columns.end;
  p.columns = block.columns.end - left;
  p.a += top * p.a_row;
  p.b += left * (p.b_transposed ? p.b_row : 1);
  if (p.panels != nullptr) p.panels += left * p.depth;
  p.c += top * p.c_row + left;
  if (p.bias != nullptr) p.bias += left;
  return p;
}

}  // namespace fastmlp
