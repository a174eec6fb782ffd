// C = A B, blocked: panels of B as wide as a tile are kept close, tiles run down them.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include "native/kernels/elementwise.h"
#include "native/kernels/gemm_tile.h"
#include "native/kernels/pieces.h"

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
  // Rows of `columns` floats, one after the other.
  float* c;
  // One number per column that is added, or null.
  const float* bias;
};

constexpr int64_t kLineFloats = 16;

// The workspace holds the panels of a block of B, then a block of A.
template <class S>
constexpr int64_t panels_floats() {
  return S::kBlockDepth * (S::kBlockColumns + S::kLanes * S::kThinVectors);
}

// Distance of the rows of a packed block of A, and of its columns if they are what lies together: never a
// multiple of a page, at which addresses compete for the same few places of a cache.
template <class S>
constexpr int64_t packed_stride() {
  return (S::kBlockDepth > S::kBlockRows ? S::kBlockDepth : S::kBlockRows) + 16;
}

template <class S>
constexpr int64_t workspace_floats() {
  return panels_floats<S>() +
         packed_stride<S>() * (S::kBlockDepth > S::kBlockRows ? S::kBlockDepth : S::kBlockRows);
}

// Copies a panel of B, `columns` wide and `depth` deep, into rows of `width` floats; what lies beyond is
// zero.
template <class S>
void pack_panel(const float* b, int64_t b_row, int64_t depth, int64_t columns, int64_t width, float* packed) {
  for (int64_t k = 0; k < depth; k++) {
    for_each_vector<S>(columns, [&](auto lanes, int64_t j) {
      S::store(packed + k * width + j, lanes.load(b + k * b_row + j));
    });
  }
}

// Copies `count` stretches of `length` floats.
template <class S>
void pack_stretches(const float* from, int64_t from_stride, int64_t count, int64_t length, float* to) {
  for (int64_t i = 0; i < count; i++) {
    for_each_vector<S>(length, [&](auto lanes, int64_t j) {
      lanes.store(to + i * packed_stride<S>() + j, lanes.load(from + i * from_stride + j));
    });
  }
}

// As pack_panel, from the transpose of B.
template <class S>
void pack_transposed_panel(const float* b, int64_t b_row, int64_t depth, int64_t columns, int64_t width,
                           float* packed) {
  constexpr int kLanes = S::kLanes;
  for (int64_t j = 0; j < columns; j += kLanes) {
    const int64_t present = columns - j < kLanes ? columns - j : kLanes;
    for_each_vector<S>(depth, [&](auto lanes, int64_t k) {
      typename S::V block[kLanes];
      for (int64_t i = 0; i < kLanes; i++) {
        block[i] = i < present ? lanes.load(b + (j + i) * b_row + k) : S::set1(0.0f);
      }
      S::transpose(block);
      const int64_t filled = depth - k < kLanes ? depth - k : kLanes;
      for (int64_t i = 0; i < filled; i++) S::store(packed + (k + i) * width + j, block[i]);
    });
  }
}

// Whether a copy of a block of A pays: its rows, or columns, lie at a distance of pages, at which they drive
// each other out of the cache, or it is read in short pieces from many places.
template <class S>
bool packs_block(const Product& p, int64_t depth) {
  return p.a_row * p.a_column % 512 == 0 || (p.a_row == 1 && depth > 64);
}

// Whether a copy of B's panels pays: many tiles run down them, or their rows lie at a distance of pages.
template <class S>
bool packs_panels(const Product& p) {
  return p.b_transposed || p.rows > S::kUnpackedRows || (p.rows > 64 && p.b_row % 1024 == 0);
}

template <class S>
FASTMLP_NOINLINE void gemm(const Product& p, float* workspace) {
  const int tallest = p.rows < S::kTileRows ? static_cast<int>(p.rows) : S::kTileRows;
  const int64_t width = tile_vectors<S>(tallest) * S::kLanes;
  const Pieces<S> depths(p.depth, S::kBlockDepth);
  const Pieces<S> blocks(p.rows, S::kBlockRows);
  for (int64_t first = 0; first < p.columns; first += S::kBlockColumns) {
    const int64_t beyond = first + S::kBlockColumns < p.columns ? first + S::kBlockColumns : p.columns;
    for (int64_t d = 0; d < depths.count; d++) {
      const int64_t k = depths.begin(d);
      const int64_t depth = depths.begin(d + 1) - k;
      for (int64_t block = 0; block < blocks.count; block++) {
        const int64_t top = blocks.begin(block);
        const int64_t height = blocks.begin(block + 1) - top;
        const Pieces<S> tiles(height, S::kTileRows);
        const float* a = p.a + top * p.a_row + k * p.a_column;
        int64_t a_row = p.a_row;
        int64_t a_column = p.a_column;
        if (packs_block<S>(p, depth) && beyond - first > 2 * width) {
          float* packed = workspace + panels_floats<S>();
          if (a_column == 1) {
            pack_stretches<S>(a, a_row, height, depth, packed);
            a_row = packed_stride<S>();
          } else {
            pack_stretches<S>(a, a_column, depth, height, packed);
            a_column = packed_stride<S>();
          }
          a = packed;
        }
        for (int64_t column = first; column < beyond; column += width) {
          const int64_t columns = beyond - column < width ? beyond - column : width;
          Tile tile;
          tile.depth = depth;
          tile.a_row = a_row;
          tile.a_column = a_column;
          tile.b = p.b + k * p.b_row + column;
          tile.b_row = p.b_row;
          if (packs_panels<S>(p)) {
            float* packed = workspace + (column - first) * depth;
            if (block == 0) {
              if (p.b_transposed) {
                pack_transposed_panel<S>(p.b + column * p.b_row + k, p.b_row, depth, columns, width, packed);
              } else {
                pack_panel<S>(tile.b, p.b_row, depth, columns, width, packed);
              }
            }
            tile.b = packed;
            tile.b_row = width;
          }
          tile.c_row = p.columns;
          tile.start = p.bias == nullptr ? nullptr : p.bias + column;
          tile.accumulate = d > 0;
          tile.tail = static_cast<int>(columns % S::kLanes);
          const int vectors = static_cast<int>((columns + S::kLanes - 1) / S::kLanes);
          for (int64_t t = 0; t < tiles.count; t++) {
            const int64_t row = top + tiles.begin(t);
            const int64_t rows = tiles.begin(t + 1) - tiles.begin(t);
            tile.a = a + (row - top) * a_row;
            tile.c = p.c + row * p.columns + column;
            // The first tiles of a panel fetch the next panel, a line of each of its rows at a time.
            const int64_t line = column + width + t * kLineFloats;
            const bool fetches = block == 0 && !p.b_transposed && t * kLineFloats < width && line < beyond;
            tile.ahead = fetches ? p.b + k * p.b_row + line : tile.b;
            tile.ahead_row = fetches ? p.b_row : 0;
            tile_function<S>(static_cast<int>(rows), vectors, tile.tail != 0)(tile);
          }
        }
      }
    }
  }
}

}  // namespace fastmlp
