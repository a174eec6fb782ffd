// The innermost part of a product: a tile of C in registers.
// Shapes: C is rows × columns, A rows × depth, B depth × columns; a tile is kRows × kVectors vectors of C.
#pragma once

#include "native/simd/common.h"

namespace fastmlp {

struct Tile {
  int64_t depth;
  // A[i][k] is a[i * a_row + k * a_column].
  const float* a;
  int64_t a_row;
  int64_t a_column;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
  // What the sums begin with, by rows `start_row` apart, 0 for one row that is repeated; zero if null.
  const float* start;
  int64_t start_row;
  // The sums are added to C, each rounded by itself first: many small terms do not drown in a large C.
  bool accumulate;
  // What the caller will need soon lies in rows of a power of two of bytes. Byte i of them all is at
  // ahead[i + (i & ahead_rows) * ahead_gap]. A tile that fetches begins with `ahead_begin` and goes on
  // `ahead_rate` bytes at each step along the depth.
  const char* ahead = nullptr;
  int64_t ahead_rows = 0;
  int64_t ahead_gap = 0;
  int64_t ahead_begin = 0;
  int64_t ahead_rate = 0;
  // Columns of the last vector, if it is a partial one.
  int tail;
};

template <class S, int kRows, int kVectors, bool kTail, bool kFetches>
FASTMLP_NOINLINE void gemm_tile_f32(const Tile& tile) {
  using V = typename S::V;
  constexpr int kLanes = S::kLanes;
  const int tail = tile.tail;
  const auto load = [tail](const float* p, int v) {
    return kTail && v == kVectors - 1 ? S::load_partial(p + v * kLanes, tail) : S::load(p + v * kLanes);
  };
  V sums[kRows][kVectors];
  if (tile.start != nullptr) {
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) {
      FASTMLP_UNROLL
      for (int v = 0; v < kVectors; v++) sums[i][v] = load(tile.start + i * tile.start_row, v);
    }
  } else {
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) {
      FASTMLP_UNROLL
      for (int v = 0; v < kVectors; v++) sums[i][v] = S::set1(0.0f);
    }
  }
  // A deep tile has time to fetch what it will write.
  if (tile.depth >= 32) {
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) {
      for (int v = 0; v < kVectors; v++) FASTMLP_PREFETCH_TO_WRITE(tile.c + i * tile.c_row + v * kLanes);
    }
  }
  const float* a = tile.a;
  const float* b = tile.b;
  // So that the places of a tall tile's rows fit into registers, and those of what is fetched beside them.
  constexpr int kUpper = kFetches ? (kRows + 1) / 2 : kRows < S::kTileRows ? kRows : S::kTileRows;
  const float* lower = a + kUpper * tile.a_row;
  const int64_t a_row = tile.a_row;
  const int64_t a_column = tile.a_column;
  const int64_t b_row = tile.b_row;
  const char* ahead = tile.ahead + (kFetches ? tile.ahead_begin : 0);
  const int64_t ahead_rows = tile.ahead_rows;
  const int64_t ahead_gap = tile.ahead_gap;
  const int64_t ahead_rate = tile.ahead_rate;
  int64_t fetched = tile.ahead_begin;
  for (int64_t k = tile.depth; k > 0; k--) {
    if constexpr (kFetches) {
      FASTMLP_PREFETCH(ahead + (fetched & ahead_rows) * ahead_gap);
      ahead += ahead_rate;
      fetched += ahead_rate;
    }
    V row[kVectors];
    FASTMLP_UNROLL
    for (int v = 0; v < kVectors; v++) row[v] = load(b, v);
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) {
      const V factor = S::set1(i < kUpper ? a[i * a_row] : lower[(i - kUpper) * a_row]);
      FASTMLP_UNROLL
      for (int v = 0; v < kVectors; v++) sums[i][v] = S::fma(factor, row[v], sums[i][v]);
    }
    a += a_column;
    lower += a_column;
    b += b_row;
  }
  float* c = tile.c;
  const int64_t c_row = tile.c_row;
  if (tile.accumulate) {
    FASTMLP_UNROLL
    for (int i = 0; i < kRows; i++) {
      FASTMLP_UNROLL
      for (int v = 0; v < kVectors; v++) sums[i][v] = S::add(load(c + i * c_row, v), sums[i][v]);
    }
  }
  FASTMLP_UNROLL
  for (int i = 0; i < kRows; i++) {
    FASTMLP_UNROLL
    for (int v = 0; v < kVectors; v++) {
      float* p = c + i * c_row + v * kLanes;
      if (kTail && v == kVectors - 1) {
        S::store_partial(p, sums[i][v], tail);
      } else {
        S::store(p, sums[i][v]);
      }
    }
  }
}

// Rows of a tile so many vectors wide: of one vector it takes more, so that there are enough sums to keep the
// multipliers busy, and fewer loads of that vector.
template <class S>
constexpr int tile_rows(int vectors) {
  return vectors == 1 ? S::kTallRows : S::kTileRows;
}

// Vectors a tile of so many rows may have: with few rows it takes more of them, likewise.
template <class S>
constexpr int tile_vectors(int rows) {
  if (rows > S::kTileRows) return 1;
  const int registers = S::kTileRows * S::kTileVectors;
  const int fitting = registers / rows < S::kThinVectors ? registers / rows : S::kThinVectors;
  return rows <= 3 && fitting > S::kTileVectors ? fitting : S::kTileVectors;
}

using TileFunction = void (*)(const Tile&);

// Large tiles alone fetch ahead, for others it would take too much of their time.
template <class S>
constexpr bool may_fetch(int rows, int vectors) {
  return rows + 2 >= S::kTileRows && rows <= S::kTileRows && vectors == S::kTileVectors;
}

// The tile of `kRows` rows for `vectors` vectors.
template <class S, int kRows, int kVectors = tile_vectors<S>(kRows)>
TileFunction tile_of_vectors(int vectors, bool tail, bool fetches) {
  if constexpr (kVectors > 1) {
    if (vectors < kVectors) return tile_of_vectors<S, kRows, kVectors - 1>(vectors, tail, fetches);
  }
  if constexpr (S::kLanes > 1) {
    if (tail) return gemm_tile_f32<S, kRows, kVectors, true, false>;
  }
  if constexpr (may_fetch<S>(kRows, kVectors)) {
    if (fetches) return gemm_tile_f32<S, kRows, kVectors, false, true>;
  }
  return gemm_tile_f32<S, kRows, kVectors, false, false>;
}

template <class S, int kRows = tile_rows<S>(1)>
TileFunction tile_function(int rows, int vectors, bool tail, bool fetches) {
  if constexpr (kRows > S::kTileRows) {
    if (vectors > 1) return tile_function<S, S::kTileRows>(rows, vectors, tail, fetches);
  }
  if constexpr (kRows > 1) {
    if (rows < kRows) return tile_function<S, kRows - 1>(rows, vectors, tail, fetches);
  }
  return tile_of_vectors<S, kRows>(vectors, tail, fetches);
}

}  // namespace fastmlp
