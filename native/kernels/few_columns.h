// Exponentials of rows of a few columns, as many rows at a time as a vector has lanes. kLanes rows of n
// floats are n vectors, which are computed as they lie; what there is once a row, its largest number and its
// sum, is found for kLanes rows at once. Each row has the bits that the loops of elementwise.h give it, so
// that it does not matter how many rows there are and which of them are left to those.
#pragma once

#include <cstring>

#include "native/kernels/elementwise.h"
#include "native/kernels/math.h"

namespace fastmlp {

constexpr int64_t kFewestColumns = 2;
constexpr int64_t kMostColumns = 64;

// How many of `rows` rows are computed this way.
template <class S>
FASTMLP_INLINE int64_t rows_in_blocks(int64_t rows, int64_t columns) {
  if (S::kLanes == 1 || columns < kFewestColumns || columns > kMostColumns) return 0;
  return rows - rows % S::kLanes;
}

// What rows of a number of columns share.
template <class S>
class FewColumns {
 public:
  using V = typename S::V;
  using I = typename S::I;
  // Room for kLanes rows and what is read behind them.
  static constexpr int64_t kBlockFloats = (kMostColumns + 1) * S::kLanes;

  explicit FASTMLP_INLINE FewColumns(int64_t columns) : columns_(columns), groups_((columns + 3) / 4) {
    // Each row writes over what is too much of the one before.
    const I zero = S::times(S::count_from(0), 0);
    for (uint32_t r = 0; r < S::kLanes; r++) {
      const I row = S::plus(zero, r);
      for (int64_t j = 0; j < columns; j += S::kLanes) memcpy(rows_ + r * columns + j, &row, sizeof row);
    }
    float inside[S::kLanes];
    for (int i = 0; i < S::kLanes; i++) inside[i] = (groups_ - 1) * 4 + i % 4 < columns ? 1.0f : 0.0f;
    inside_ = S::load(inside);
  }

  // What each of the floats of vector j finds in the lane of its row.
  FASTMLP_INLINE V spread(V of_rows, int64_t j) const {
    I rows;
    memcpy(&rows, rows_ + j * S::kLanes, sizeof rows);
    return S::pick(of_rows, rows);
  }

  // Largest number of each row as max_each finds it. With fewer than four columns, three floats behind the
  // rows are read.
  FASTMLP_INLINE V largest(const float* z) const {
    const V lowest = S::set1(-INFINITY);
    V most[4];
    load(z, most);
    if (columns_ < 4) keep_inside(most, lowest);
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) most[i] = S::max(most[i], lowest);
    for (int64_t j = 4; j < columns_; j += 4) {
      V more[4];
      load(z + (j < columns_ - 4 ? j : columns_ - 4), more);
      FASTMLP_UNROLL
      for (int i = 0; i < 4; i++) most[i] = S::max(more[i], most[i]);
    }
    S::transpose_fours(most);
    return S::max(S::max(most[0], most[1]), S::max(most[2], most[3]));
  }

  // Sum of each row in the order of sum_each, and like it never -0. Three floats behind the rows are read.
  FASTMLP_INLINE V sum(const float* e) const {
    const V zero = S::set1(0.0f);
    V sums[4];
    sum_groups<1>(e, 0, sums);
    S::transpose_fours(sums);
    if (columns_ <= kSingleLanes) {
      return S::add(zero, S::add(S::add(S::add(sums[0], sums[1]), sums[2]), sums[3]));
    }
    return S::add(zero, S::add(S::add(sums[0], sums[2]), S::add(sums[1], sums[3])));
  }

 private:
  // Four columns of all rows; those of row 4 k + i are quarter k of vector i.
  FASTMLP_INLINE void load(const float* p, V (&fours)[4]) const {
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) fours[i] = S::load_fours(p + i * columns_, 4 * columns_);
  }
  // Puts `other` where the last four columns are fewer.
  FASTMLP_INLINE void keep_inside(V (&fours)[4], V other) const {
    const auto inside = S::equal(inside_, S::set1(1.0f));
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) fours[i] = S::select(inside, fours[i], other);
  }
  // Four columns from 4 `group`, zero where there are none.
  FASTMLP_INLINE void load_group(const float* e, int64_t group, V (&fours)[4]) const {
    load(e + 4 * group, fours);
    if (group == groups_ - 1) keep_inside(fours, S::set1(0.0f));
  }
  // Groups `first`, first + kStep, … as the lanes of a vector are summed: first those that fall on the same
  // lanes, then halves.
  template <int kStep>
  FASTMLP_INLINE void sum_groups(const float* e, int64_t first, V (&sums)[4]) const {
    if constexpr (4 * kStep == S::kLanes) {
      load_group(e, first, sums);
      for (int64_t group = first + kStep; group < groups_; group += kStep) {
        V more[4];
        load_group(e, group, more);
        add(sums, more);
      }
    } else {
      sum_groups<2 * kStep>(e, first, sums);
      if (first + kStep >= groups_) return;
      V more[4];
      sum_groups<2 * kStep>(e, first + kStep, more);
      add(sums, more);
    }
  }
  static FASTMLP_INLINE void add(V (&sums)[4], const V (&more)[4]) {
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) sums[i] = S::add(sums[i], more[i]);
  }

  int64_t columns_;
  int64_t groups_;
  // 1 in the lanes of the last four columns that exist.
  V inside_;
  // Row of each float.
  uint32_t rows_[kBlockFloats];
};

// output = factor exp(z - largest) for `rows` rows, a multiple of kLanes; factor(few, r, largest, sum) gives
// the factors of kLanes rows from row r. The output may be null, or z. Blocks go through four stages, each
// block a stage behind the one before it, so that the processor has reductions, exponentials and memory at
// the same time, and a sum does not wait for stores just made.
template <class S, class Factor>
FASTMLP_INLINE void exponentials_of_rows(const float* z, float* output, int64_t columns, int64_t rows,
                                         Factor factor) {
  using V = typename S::V;
  constexpr int64_t kSlots = 4;
  // In blocks. The processor's own prefetching ends at every page.
  constexpr int64_t kAhead = 4;
  const FewColumns<S> few(columns);
  const int64_t blocks = rows / S::kLanes;
  const int64_t floats = columns * S::kLanes;
  V of_rows[kSlots];
  V largest[kSlots];
  alignas(64) float exponentials[kSlots * FewColumns<S>::kBlockFloats];
  const auto slot = [&](int64_t block) {
    return exponentials + block % kSlots * FewColumns<S>::kBlockFloats;
  };
  for (int64_t step = 0; step < blocks + 3; step++) {
    if (step < blocks) {
      const float* from = z + step * floats;
      if (columns < 4 && step == blocks - 1) {
        // The floats behind it may be another thread's, or nobody's.
        float* copy = slot(step);
        for (int64_t i = 0; i < floats; i += S::kLanes) S::store(copy + i, S::load(from + i));
        from = copy;
      }
      largest[step % kSlots] = few.largest(from);
    }
    if (step >= 1 && step - 1 < blocks) {
      const int64_t block = step - 1;
      const float* from = z + block * floats;
      float* to = slot(block);
      const V most = largest[block % kSlots];
      for (int64_t j = 0; j < columns; j++) {
        FASTMLP_PREFETCH_NEAR(from + kAhead * floats + j * S::kLanes);
        if (output != nullptr) {
          FASTMLP_PREFETCH_TO_WRITE(output + (block + kAhead) * floats + j * S::kLanes);
        }
        const V distance = S::sub(S::load(from + j * S::kLanes), few.spread(most, j));
        S::store(to + j * S::kLanes, exp_upto0_poly6_f32<S>(distance));
      }
    }
    if (step >= 2 && step - 2 < blocks) {
      const int64_t block = step - 2;
      of_rows[block % kSlots] = factor(few, block * S::kLanes, largest[block % kSlots], few.sum(slot(block)));
    }
    if (step >= 3 && output != nullptr) {
      const int64_t block = step - 3;
      const float* from = slot(block);
      float* to = output + block * floats;
      const V factors = of_rows[block % kSlots];
      for (int64_t j = 0; j < columns; j++) {
        S::store(to + j * S::kLanes, S::mul(S::load(from + j * S::kLanes), few.spread(factors, j)));
      }
    }
  }
}

}  // namespace fastmlp
