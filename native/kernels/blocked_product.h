// C = A B, or C += A B, blocked: panels of B as wide as a tile are kept close, tiles run down them.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include "native/kernels/ahead.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/gemm_tile.h"
#include "native/kernels/pieces.h"
#include "native/kernels/product.h"

namespace fastmlp {

// The workspace of a blocked product holds the panels of a block of B, then a block of A.
template <class S>
constexpr int64_t panels_floats() {
  return S::kBlockDepth * (S::kBlockColumns + S::kLanes * S::kThinVectors);
}

// Rows or depth of a block of A, at most.
template <class S>
constexpr int64_t longest_side() {
  static_assert(S::kSingleBlockRows >= S::kBlockRows);
  return S::kBlockDepth > S::kSingleBlockRows ? S::kBlockDepth : S::kSingleBlockRows;
}

// Distance of the rows of a packed block of A, and of its columns if they are what lies together: never a
// multiple of a page, at which addresses compete for the same few places of a cache.
template <class S>
constexpr int64_t packed_stride() {
  return longest_side<S>() + 16;
}

template <class S>
constexpr int64_t blocks_floats() {
  return panels_floats<S>() + packed_stride<S>() * longest_side<S>();
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

template <class S>
constexpr int64_t panel_width() {
  return S::kTileVectors * S::kLanes;
}

// Floats of B in panels.
template <class S>
int64_t panels_size(int64_t depth, int64_t columns) {
  return (columns + panel_width<S>() - 1) / panel_width<S>() * panel_width<S>() * depth;
}

template <class S>
void pack_panels(const float* b, int64_t depth, int64_t columns, float* panels) {
  constexpr int64_t kWidth = panel_width<S>();
  for (int64_t column = 0; column < columns; column += kWidth) {
    const int64_t width = columns - column < kWidth ? columns - column : kWidth;
    pack_panel<S>(b + column, columns, depth, width, kWidth, panels + column * depth);
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

// Depth of a block of A from which on it is put down row by row where its columns are what lies together: a
// tile then reads whole lines.
constexpr int64_t kDeepBlock = 64;

// Whether a copy of a block of A pays: its rows, or columns, lie at a distance of pages, at which they drive
// each other out of the cache, or it is read in short pieces from many places.
template <class S>
bool packs_block(const Product& p, int64_t depth) {
  if (p.a_column == 1 && !S::kCopiesRows) return false;
  return p.a_row * p.a_column % 512 == 0 || (p.a_row == 1 && depth > kDeepBlock);
}

// Rows of B lie at a distance of pages, at which they compete for few places of a cache.
FASTMLP_INLINE bool is_paged(const Product& p) {
  return p.panels == nullptr && !p.b_transposed && p.b_row % 1024 == 0;
}

// Rows of C from which on copies of such rows pay.
constexpr int64_t kPagedRows = 5;

// Rows of C up to which panels of such rows are only so deep, since what is fetched ahead of few tiles would
// not stay in the second-level cache.
constexpr int64_t kFewRows = 48;
constexpr int64_t kFewDepth = 64;
constexpr int64_t kSomeRows = 128;
constexpr int64_t kSomeDepth = 128;

// Rows of C and floats of a panel from which on copies of rows pay that do not begin on lines: a vector out
// of the second-level cache then takes two lines, and out of the first one hardly longer than another.
constexpr int64_t kMisalignedRows = 48;
constexpr int64_t kNearFloats = 8192;

template <class S>
bool is_misaligned(const Product& p) {
  const int64_t width = p.columns < panel_width<S>() ? p.columns : panel_width<S>();
  return p.b_row % S::kLanes != 0 && p.rows >= kMisalignedRows && p.depth * width > kNearFloats;
}

// Whether a copy of B's panels pays: many tiles run down them, or their rows lie at a distance of pages or
// across lines.
template <class S>
bool packs_panels(const Product& p) {
  return p.b_transposed || p.rows > S::kUnpackedRows || (p.rows >= kPagedRows && is_paged(p)) ||
         is_misaligned<S>(p);
}

// Sums that go on in C do not depend on where the depth is cut; sums that are added to C do.
template <class S>
int64_t block_depth(const Product& p) {
  if (!is_paged(p) || p.accumulate || p.rows > kSomeRows) return S::kBlockDepth;
  return p.rows > kFewRows ? kSomeDepth : kFewDepth;
}

// Rows `top` to before `top + height` of A, columns `k` to before `k + depth`; in place or in the workspace.
template <class S>
void place_block(const Product& p, int64_t top, int64_t height, int64_t k, bool packs, float* workspace,
                 Tile* tile) {
  tile->a = p.a + top * p.a_row + k * p.a_column;
  tile->a_row = p.a_row;
  tile->a_column = p.a_column;
  if (!packs) return;
  float* packed = workspace + panels_floats<S>();
  if (p.a_column == 1) {
    pack_stretches<S>(tile->a, p.a_row, height, tile->depth, packed);
    tile->a_row = packed_stride<S>();
  } else if (tile->depth > kDeepBlock) {
    pack_transposed_panel<S>(tile->a, p.a_column, height, tile->depth, packed_stride<S>(), packed);
    tile->a_row = packed_stride<S>();
    tile->a_column = 1;
  } else {
    pack_stretches<S>(tile->a, p.a_column, tile->depth, height, packed);
    tile->a_column = packed_stride<S>();
  }
  tile->a = packed;
}

// `columns` columns of B from `column` on, rows `k` to before `k + depth`; in place, or in the workspace,
// where they are put for the first block of rows and found by the others.
template <class S>
void place_panel(const Product& p, int64_t k, int64_t column, int64_t columns, int64_t width, bool first,
                 float* packed, Tile* tile) {
  tile->b = packed;
  tile->b_row = width;
  if (p.panels != nullptr) {
    tile->b = p.panels + column * p.depth + k * width;
  } else if (!packs_panels<S>(p)) {
    tile->b = p.b + k * p.b_row + column;
    tile->b_row = p.b_row;
  } else if (first && p.b_transposed) {
    pack_transposed_panel<S>(p.b + column * p.b_row + k, p.b_row, tile->depth, columns, width, packed);
  } else if (first) {
    pack_panel<S>(p.b + k * p.b_row + column, p.b_row, tile->depth, columns, width, packed);
  }
}

// Runs tiles down a panel. They fetch the part ahead, at most a line at each step along the depth.
template <class S>
void run_panel(Tile tile, int64_t height, int vectors, const Ahead& ahead) {
  const float* a = tile.a;
  float* c = tile.c;
  const float* start = tile.start;
  const Pieces<S> tiles(height, tile_rows<S>(vectors));
  const int64_t width = int64_t{1} << ahead.shift;
  int64_t rate = width < kLineBytes ? width : kLineBytes;
  int64_t share = rate * tile.depth;
  // Tiles for each strip.
  int64_t turns = ahead.pitch / kLineBytes;
  if (ahead.spread && ahead.strips > 0) {
    turns = tiles.count < ahead.strips ? 1 : tiles.count / ahead.strips;
    share = (ahead.end - ahead.begin + turns - 1) / turns;
    const int64_t least = (share + tile.depth - 1) / tile.depth;
    rate = least < kLineBytes ? least : kLineBytes;
  }
  tile.ahead_rows = -width;
  tile.ahead_gap = (ahead.row_bytes >> ahead.shift) - 1;
  tile.ahead_rate = rate;
  for (int64_t t = 0; t < tiles.count; t++) {
    const int64_t row = tiles.begin(t);
    const auto rows = static_cast<int>(tiles.begin(t + 1) - row);
    tile.a = a + row * tile.a_row;
    tile.c = c + row * tile.c_row;
    if (start != nullptr) tile.start = start + row * tile.start_row;
    const bool fetches = t < ahead.strips * turns;
    if (fetches) {
      tile.ahead = reinterpret_cast<const char*>(ahead.b) + t / turns * ahead.pitch;
      tile.ahead_begin = ahead.begin + t % turns * share;
    }
    tile_function<S>(rows, vectors, tile.tail != 0, fetches)(tile);
  }
}

template <class S>
FASTMLP_NOINLINE void blocked_product(const Product& p, float* workspace) {
  const int tallest = p.rows < S::kTileRows ? static_cast<int>(p.rows) : S::kTileRows;
  const int64_t width = tile_vectors<S>(tallest) * S::kLanes;
  const Pieces<S> depths(p.depth, block_depth<S>(p));
  // A single block of rows needs each panel of B once.
  const bool is_single = p.rows <= S::kSingleBlockRows;
  const Pieces<S> blocks(p.rows, is_single ? S::kSingleBlockRows : S::kBlockRows);
  const int64_t block_columns = is_single ? S::kSingleBlockColumns : S::kBlockColumns;
  Tile tile;
  tile.c_row = p.c_row;
  for (int64_t begin = 0; begin < p.columns; begin += block_columns) {
    const Span span{begin, begin + block_columns < p.columns ? begin + block_columns : p.columns};
    for (int64_t d = 0; d < depths.count; d++) {
      const int64_t k = depths.begin(d);
      tile.depth = depths.begin(d + 1) - k;
      // What belongs to C itself is summed apart; other sums go on in C from block to block.
      tile.accumulate = p.accumulate;
      const bool goes_on = d > 0 && !p.accumulate;
      tile.start_row = goes_on ? p.c_row : 0;
      for (int64_t block = 0; block < blocks.count; block++) {
        const int64_t top = blocks.begin(block);
        const int64_t height = blocks.begin(block + 1) - top;
        const bool packs = packs_block<S>(p, tile.depth) && span.end - begin > width;
        place_block<S>(p, top, height, k, packs, workspace, &tile);
        for (int64_t column = begin; column < span.end; column += width) {
          const int64_t columns = span.end - column < width ? span.end - column : width;
          float* packed = is_single ? workspace : workspace + (column - begin) * tile.depth;
          place_panel<S>(p, k, column, columns, width, block == 0, packed, &tile);
          tile.c = p.c + top * p.c_row + column;
          tile.start = goes_on ? tile.c : p.bias == nullptr ? nullptr : p.bias + column;
          tile.tail = static_cast<int>(columns % S::kLanes);
          const auto vectors = static_cast<int>((columns + S::kLanes - 1) / S::kLanes);
          run_panel<S>(tile, height, vectors, ahead_of_panel<S>(p, depths, d, span, column, width));
        }
      }
    }
  }
}

}  // namespace fastmlp
