// What a product reads next of B, and how much of it is fetched while tiles run down a panel.
// Shapes: C is rows × columns, A rows × depth, B depth × columns.
#pragma once

#include "native/kernels/pieces.h"
#include "native/kernels/product.h"
#include "native/simd/common.h"

namespace fastmlp {

constexpr int kLineShift = 6;
constexpr int64_t kLineBytes = 1 << kLineShift;

// A part of B that is fetched while tiles run down a panel: `strips` side by side, `pitch` bytes apart. Of
// each row of a strip 2^shift bytes count, whole lines or, where rows are not such lines apart, the beginning
// of one; they are numbered row by row. As few tiles as can fetch all of them, or all tiles bytes `begin` to
// before `end` of each strip.
struct Ahead {
  const float* b = nullptr;
  int64_t row_bytes = 0;
  int64_t strips = 0;
  int shift = 0;
  int64_t pitch = kLineBytes;
  bool spread = false;
  int64_t begin = 0;
  int64_t end = 0;
};

// Rows of C up to which what is read next of a B that is not distant is fetched ahead; with more of them a
// panel stays so long that it does not matter.
constexpr int64_t kFetchedRows = 128;

// What is fetched of a distant B at a time: as many columns at most, since memory delivers long stretches
// faster than short ones, and as many floats, for the second-level cache has two such parts of it.
constexpr int64_t kFetchedColumns = 256;
constexpr int64_t kFetchedFloats = 1 << 16;

// Columns fetched at a time, of so many that are read in panels of `width`: a number of panels.
FASTMLP_INLINE int64_t fetched_columns(int64_t columns, int64_t width, int64_t depth) {
  int64_t fetched = kFetchedColumns;
  while (fetched > width && (columns % fetched != 0 || fetched * depth > kFetchedFloats)) fetched /= 2;
  return fetched > width && fetched % width == 0 ? fetched : width;
}

// The same of a B that lies in panels: the part of the next one.
template <class S>
void ahead_in_panels(const Product& p, const Pieces<S>& depths, int64_t d, Span columns, int64_t column,
                     int64_t width, Ahead* ahead) {
  int64_t next = column + width;
  if (next >= columns.end) {
    d = d + 1 < depths.count ? d + 1 : 0;
    if (d > 0) next = columns.begin;
  }
  if (next >= p.columns + p.columns_after) return;
  ahead->b = p.panels + next * p.depth + depths.begin(d) * width;
  ahead->row_bytes = static_cast<int64_t>(width * sizeof(float));
  while (int64_t{1} << ahead->shift < ahead->row_bytes) ahead->shift++;
  if (ahead->shift > kLineShift) ahead->pitch = ahead->row_bytes;
  ahead->strips = 1;
  ahead->end = (depths.begin(d + 1) - depths.begin(d)) * ahead->row_bytes;
}

// What is to be fetched while tiles run down the panel from `column` on: its share of the columns beside
// those that were fetched with it, of the first of the next depth, or of what lies to the right of it all.
template <class S>
Ahead ahead_of_panel(const Product& p, const Pieces<S>& depths, int64_t d, Span columns, int64_t column,
                     int64_t width) {
  Ahead ahead;
  ahead.spread = p.b_row * p.depth > kDistantFloats;
  if (p.b_transposed || p.rows > (ahead.spread ? S::kSingleBlockRows : kFetchedRows)) return ahead;
  if (p.panels != nullptr) {
    ahead_in_panels<S>(p, depths, d, columns, column, width, &ahead);
    return ahead;
  }
  const int64_t whole = columns.end - columns.begin;
  const int64_t depth = depths.begin(d + 1) - depths.begin(d);
  const int64_t fetched = ahead.spread ? fetched_columns(whole, width, depth) : width;
  const int64_t behind = ahead.spread ? (column - columns.begin) % fetched : 0;
  const int64_t next = column - behind + fetched;
  int64_t present = columns.end - next;
  ahead.b = p.b + depths.begin(d) * p.b_row + next;
  if (present <= 0 && d + 1 < depths.count) {
    ahead.b = p.b + depths.begin(d + 1) * p.b_row + columns.begin;
    present = whole;
  } else if (present <= 0) {
    ahead.b = p.b + columns.end;
    present = p.columns - columns.end + p.columns_after;
  }
  if (present <= 0) return ahead;
  const auto bytes = static_cast<int64_t>((present < fetched ? present : fetched) * sizeof(float));
  ahead.row_bytes = static_cast<int64_t>(p.b_row * sizeof(float));
  // The bytes of a row of a strip divide those from row to row.
  while (int64_t{1} << ahead.shift < bytes && (ahead.row_bytes >> ahead.shift & 1) == 0) ahead.shift++;
  if (ahead.shift > kLineShift) ahead.pitch = int64_t{1} << ahead.shift;
  ahead.strips = (bytes + ahead.pitch - 1) / ahead.pitch;
  if (!ahead.spread) return ahead;
  const int64_t strip = depth << ahead.shift;
  ahead.begin = strip * behind / fetched;
  ahead.end = strip * (behind + width) / fetched;
  return ahead;
}

}  // namespace fastmlp
