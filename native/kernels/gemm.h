// C = A B, or C += A B: the way that suits the shape. The numbers of C do not depend on it: each is one sum
// along the depth, in its order.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include "native/kernels/blocked_product.h"
#include "native/kernels/outer_product.h"
#include "native/kernels/product.h"
#include "native/kernels/sparse_product.h"
#include "native/kernels/streamed_product.h"
#include "native/kernels/transposed_product.h"

namespace fastmlp {

template <class S>
constexpr int64_t workspace_floats() {
  return blocks_floats<S>() + transposed_floats<S>();
}

// Rows of C at a time where B lies in panels: so many rows of A stay in the second-level cache, and reading B
// from front to back costs less.
constexpr int64_t kRowsOverPanels = 128;

template <class S>
FASTMLP_NOINLINE void product_over_panels(const Product& p, float* workspace) {
  const Pieces<S> pieces(p.rows, kRowsOverPanels);
  for (int64_t piece = 0; piece < pieces.count; piece++) {
    const Span rows{pieces.begin(piece), pieces.begin(piece + 1)};
    blocked_product<S>(part_of<S>(p, {rows, {0, p.columns}}), workspace);
  }
}

template <class S>
FASTMLP_INLINE void gemm(const Product& p, float* workspace) {
  if (is_outer(p)) return outer_product<S>(p);
  if (p.sparse) return sparse_product<S>(p, workspace);
  if (p.panels != nullptr) return product_over_panels<S>(p, workspace);
  if (is_streamed(p)) return streamed_product<S>(p);
  if (prefers_transposed<S>(p)) return transposed_product<S>(p, workspace);
  blocked_product<S>(p, workspace);
}

}  // namespace fastmlp
