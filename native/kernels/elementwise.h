// Loops over contiguous floats, written once for whole vectors, the partial one at the end, and single
// floats.
#pragma once

#include "native/simd/common.h"

namespace fastmlp {

// Whole vectors.
template <class S>
struct WholeLanes {
  using Simd = S;
  using V = typename S::V;
  FASTMLP_INLINE V load(const float* p) const { return S::load(p); }
  FASTMLP_INLINE void store(float* p, V v) const { S::store(p, v); }
  // v, with `other` in the lanes that do not exist.
  FASTMLP_INLINE V keep(V v, V) const { return v; }
};

// The first `count` lanes of a vector, fewer than all.
template <class S>
struct FirstLanes {
  using Simd = S;
  using V = typename S::V;
  int count;
  FASTMLP_INLINE V load(const float* p) const { return S::load_partial(p, count); }
  FASTMLP_INLINE void store(float* p, V v) const { S::store_partial(p, v, count); }
  FASTMLP_INLINE V keep(V v, V other) const { return S::keep(v, count, other); }
};

// A number as a type.
template <class T, T kValue>
struct Constant {
  static constexpr T value = kValue;
};

// Up to this many floats go one by one: a float stored and loaded again is forwarded within the processor, a
// masked vector is not.
constexpr int64_t kSingleLanes = 4;

// Calls body(lanes, i) for stretches that cover [0, count); `lanes` is WholeLanes or FirstLanes.
template <class S, class Body>
FASTMLP_INLINE void for_each_vector(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + S::kLanes <= count; i += S::kLanes) body(WholeLanes<S>{}, i);
  if constexpr (S::kLanes > 1) {
    if (i < count) body(FirstLanes<S>{static_cast<int>(count - i)}, i);
  }
}

// As for_each_vector, for bodies whose vectors do not depend on each other; up to `kFew` floats go one by
// one.
template <class S, int64_t kFew = kSingleLanes, class Body>
FASTMLP_INLINE void for_each(int64_t count, Body body) {
  if (S::kLanes > 1 && count <= kFew) {
    for (int64_t i = 0; i < count; i++) body(WholeLanes<typename S::One>{}, i);
  } else {
    for_each_vector<S>(count, body);
  }
}

// Sum of body(lanes, i) over [0, count).
template <class S, class Body>
FASTMLP_INLINE float sum_each(int64_t count, Body body) {
  if (S::kLanes > 1 && count <= kSingleLanes) {
    float sum = 0;
    for (int64_t i = 0; i < count; i++) sum += body(WholeLanes<typename S::One>{}, i);
    return sum;
  }
  const typename S::V zero = S::set1(0.0f);
  typename S::V sum = zero;
  for_each_vector<S>(count,
                     [&](auto lanes, int64_t i) { sum = S::add(sum, lanes.keep(body(lanes, i), zero)); });
  return S::reduce_add(sum);
}

// Largest of `count` floats, NaNs left out; -inf if nothing else is left.
template <class S>
FASTMLP_INLINE float max_each(const float* values, int64_t count) {
  if (S::kLanes > 1 && count <= kSingleLanes) {
    float most = -INFINITY;
    for (int64_t i = 0; i < count; i++) most = S::One::max(values[i], most);
    return most;
  }
  const typename S::V lowest = S::set1(-INFINITY);
  typename S::V most = lowest;
  int64_t first = 0;
  // One maximum waits for the one before it.
  constexpr int64_t kChains = 4;
  if (count >= 2 * kChains * S::kLanes) {
    typename S::V chains[kChains] = {lowest, lowest, lowest, lowest};
    for (; first + kChains * S::kLanes <= count; first += kChains * S::kLanes) {
      FASTMLP_UNROLL
      for (int64_t c = 0; c < kChains; c++) {
        chains[c] = S::max(S::load(values + first + c * S::kLanes), chains[c]);
      }
    }
    most = S::max(S::max(chains[0], chains[1]), S::max(chains[2], chains[3]));
  }
  for_each_vector<S>(count - first, [&](auto lanes, int64_t i) {
    most = S::max(lanes.keep(lanes.load(values + first + i), lowest), most);
  });
  return S::reduce_max(most);
}

}  // namespace fastmlp
