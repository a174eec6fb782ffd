// C = A B, or C += A B, for an A with many zeros, whose terms are left out: no finite sum depends on them.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include "native/kernels/blocked_product.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/pieces.h"
#include "native/kernels/product.h"

namespace fastmlp {

// Of so many numbers of A at most one is not zero. A term takes longer than one of a tile, whose rows share
// what they read of B.
constexpr int64_t kZerosPerTerm = 3;
// Terms from which on looking for zeros pays.
constexpr int64_t kSparseTerms = 1 << 16;
// Rows of the matrix that are looked at.
constexpr int64_t kSampledRows = 8;
// Rows of a block of A; and columns, where sums may go on in C, so that what they are multiplied with stays
// in the first-level cache, and at most.
constexpr int64_t kSparseRows = 64;
constexpr int64_t kSparseDepth = 32;
constexpr int64_t kMostSparseDepth = 384;

// Whether a row-major matrix has so many zeros that its products with `columns` others are done without them.
// All shares of a product ask for the whole of it.
template <class S>
FASTMLP_NOINLINE bool is_sparse(const float* matrix, int64_t rows, int64_t width, int64_t columns) {
  if (rows * width * columns < kSparseTerms || columns < 2 * S::kLanes) return false;
  const int64_t samples = rows < kSampledRows ? rows : kSampledRows;
  int64_t filled = 0;
  for (int64_t sample = 0; sample < samples; sample++) {
    const float* row = matrix + rows * sample / samples * width;
    for_each_vector<S>(width, [&](auto lanes, int64_t j) {
      int32_t places[S::kLanes];
      filled += S::store_filled(lanes.load(row + j), 0, places);
    });
  }
  return filled * kZerosPerTerm <= samples * width;
}

// The numbers of a stretch of A that are not zero, and the rows of B that they are factors of.
struct Terms {
  const float* a;
  const int32_t* places;
  int64_t count;
  const float* b;
  int64_t b_row;
};

// Some vectors of a row of C.
template <class S, int kVectors, bool kTail>
FASTMLP_NOINLINE void add_terms(const Terms& terms, const float* start, bool accumulate, int tail, float* c) {
  using V = typename S::V;
  const auto load = [tail](const float* p, int v) {
    return kTail && v == kVectors - 1 ? S::load_partial(p + v * S::kLanes, tail) : S::load(p + v * S::kLanes);
  };
  V sums[kVectors];
  FASTMLP_UNROLL
  for (int v = 0; v < kVectors; v++) sums[v] = start == nullptr ? S::set1(0.0f) : load(start, v);
  const int32_t* const end = terms.places + terms.count;
  for (const int32_t* place = terms.places; place < end; place++) {
    const V factor = S::set1(terms.a[*place]);
    const float* b = terms.b + *place * terms.b_row;
    FASTMLP_UNROLL
    for (int v = 0; v < kVectors; v++) sums[v] = S::fma(factor, load(b, v), sums[v]);
  }
  FASTMLP_UNROLL
  for (int v = 0; v < kVectors; v++) {
    const V sum = accumulate ? S::add(load(c, v), sums[v]) : sums[v];
    if (kTail && v == kVectors - 1) {
      S::store_partial(c + v * S::kLanes, sum, tail);
    } else {
      S::store(c + v * S::kLanes, sum);
    }
  }
}

using TermsFunction = void (*)(const Terms&, const float*, bool, int, float*);

template <class S, int kVectors = S::kThinVectors>
TermsFunction terms_function(int64_t vectors, bool tail) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return terms_function<S, kVectors - 1>(vectors, tail);
  }
  if constexpr (S::kLanes > 1) {
    if (tail) return add_terms<S, kVectors, true>;
  }
  return add_terms<S, kVectors, false>;
}

// A block of A: what stands in its rows, one after the other, and where it is not zero.
template <class S>
struct SparseBlock {
  const float* a;
  int64_t a_row;
  int32_t* places;
  int64_t counts[kSparseRows];
};

template <class S>
constexpr int64_t places_row() {
  return kMostSparseDepth + S::kLanes;
}

// The workspace holds a block of A, if its columns are what lies together, and the places of a block.
template <class S>
constexpr int64_t sparse_floats() {
  return kSparseRows * (kMostSparseDepth + places_row<S>());
}

// Rows `top` to before `top + rows` of A, columns `k` to before `k + depth`.
template <class S>
void place_sparse(const Product& p, int64_t top, int64_t rows, int64_t k, int64_t depth, float* workspace,
                  SparseBlock<S>* block) {
  block->a = p.a + top * p.a_row + k * p.a_column;
  block->a_row = p.a_row;
  if (p.a_column != 1) {
    pack_transposed_panel<S>(block->a, p.a_column, rows, depth, kMostSparseDepth, workspace);
    block->a = workspace;
    block->a_row = kMostSparseDepth;
  }
  block->places = reinterpret_cast<int32_t*>(workspace + kSparseRows * kMostSparseDepth);
  for (int64_t i = 0; i < rows; i++) {
    const float* a = block->a + i * block->a_row;
    int32_t* places = block->places + i * places_row<S>();
    int64_t count = 0;
    for_each_vector<S>(depth, [&](auto lanes, int64_t j) {
      count += S::store_filled(lanes.load(a + j), static_cast<int32_t>(j), places + count);
    });
    block->counts[i] = count;
  }
}

// What belongs to C itself is summed apart, as in a tile; other sums go on in C from block to block.
template <class S>
FASTMLP_NOINLINE void sparse_product(const Product& p, float* workspace) {
  static_assert(sparse_floats<S>() <= blocks_floats<S>() && S::kBlockDepth <= kMostSparseDepth, "");
  constexpr int64_t kWidth = S::kThinVectors * S::kLanes;
  SparseBlock<S> block;
  const Pieces<S> depths(p.depth, p.accumulate ? S::kBlockDepth : kSparseDepth);
  for (int64_t top = 0; top < p.rows; top += kSparseRows) {
    const int64_t rows = p.rows - top < kSparseRows ? p.rows - top : kSparseRows;
    for (int64_t d = 0; d < depths.count; d++) {
      const int64_t k = depths.begin(d);
      place_sparse<S>(p, top, rows, k, depths.begin(d + 1) - k, workspace, &block);
      const bool goes_on = d > 0 && !p.accumulate;
      for (int64_t column = 0; column < p.columns; column += kWidth) {
        const int64_t columns = p.columns - column < kWidth ? p.columns - column : kWidth;
        const auto tail = static_cast<int>(columns % S::kLanes);
        const auto add = terms_function<S>((columns + S::kLanes - 1) / S::kLanes, tail != 0);
        for (int64_t i = 0; i < rows; i++) {
          const int64_t count = block.counts[i];
          if (count == 0 && (p.accumulate || goes_on)) continue;
          float* c = p.c + (top + i) * p.c_row + column;
          const float* start = goes_on ? c : p.bias == nullptr ? nullptr : p.bias + column;
          const Terms terms = {block.a + i * block.a_row, block.places + i * places_row<S>(), count,
                               p.b + k * p.b_row + column, p.b_row};
          add(terms, start, p.accumulate, tail, c);
        }
      }
    }
  }
}

}  // namespace fastmlp
