// The vocabulary on single floats: all of the scalar target, and in every other target the tool for operands
// too small for vectors. `Target` makes its functions the target's own, so that code compiled for a wider
// instruction set is never linked into another one.
#pragma once

#if defined(FASTMLP_X64)
#include <immintrin.h>
#endif

#include "native/simd/common.h"

namespace fastmlp {

template <class Target>
struct OneLane {
  using V = float;
  using I = uint32_t;
  using Mask = bool;
  using One = OneLane;
  static constexpr int kLanes = 1;

  // Shapes of the products, chosen by measurement: a tile of C in registers, in rows and vectors, in rows for
  // a tile of one vector, and in vectors for a tile of three rows or fewer; rows of A in a tile of dot
  // products, and up to how many those are used.
  static constexpr int kTileRows = 4;
  static constexpr int kTileVectors = 4;
  static constexpr int kTallRows = 4;
  static constexpr int kThinVectors = 4;
  static constexpr int kDotTileRows = 3;
  static constexpr int64_t kDotRows = 16;
  // Up to so many rows of C, panels of B are read where they lie. A block of B is kBlockDepth ×
  // kBlockColumns, one of A kBlockRows × kBlockDepth. Where so few rows are one block, no panel of B is
  // needed twice, and another number of columns may be taken before A is read again. Where rows of A lie at a
  // distance of pages, a block of it is copied if kCopiesRows: the narrower the panels, the oftener it is
  // read.
  static constexpr int64_t kUnpackedRows = 64;
  static constexpr int64_t kBlockDepth = 256;
  static constexpr int64_t kBlockRows = 128;
  static constexpr int64_t kBlockColumns = 512;
  static constexpr int64_t kSingleBlockRows = 128;
  static constexpr int64_t kSingleBlockColumns = 512;
  static constexpr bool kCopiesRows = true;

  static FASTMLP_INLINE V load(const float* p) { return *p; }
  static FASTMLP_INLINE void store(float* p, V v) { *p = v; }
  static FASTMLP_INLINE V load_partial(const float* p, int) { return *p; }
  static FASTMLP_INLINE void store_partial(float* p, V v, int) { *p = v; }
  // As store_partial, where most of the work is storing.
  static FASTMLP_INLINE void store_pieces(float* p, V v, int n) { store_partial(p, v, n); }
  static FASTMLP_INLINE V keep(V v, int, V) { return v; }
  static FASTMLP_INLINE V load_u8(const uint8_t* p) { return static_cast<float>(*p); }

  static FASTMLP_INLINE V set1(float x) { return x; }
  static FASTMLP_INLINE V add(V a, V b) { return a + b; }
  static FASTMLP_INLINE V sub(V a, V b) { return a - b; }
  static FASTMLP_INLINE V mul(V a, V b) { return a * b; }
  static FASTMLP_INLINE V div(V a, V b) { return a / b; }
  // a b + c, and c - a b; rounded once where the instruction set has it.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  static FASTMLP_INLINE V fma(V a, V b, V c) { return __builtin_fmaf(a, b, c); }
  static FASTMLP_INLINE V fnma(V a, V b, V c) { return __builtin_fmaf(-a, b, c); }
#else
  static FASTMLP_INLINE V fma(V a, V b, V c) { return a * b + c; }
  static FASTMLP_INLINE V fnma(V a, V b, V c) { return c - a * b; }
#endif
  // c - a b without the rounding of the product.
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  static FASTMLP_INLINE V fused_fnma(V a, V b, V c) { return fnma(a, b, c); }
#else
  static FASTMLP_INLINE V fused_fnma(V a, V b, V c) {
    return static_cast<float>(static_cast<double>(c) - static_cast<double>(a) * static_cast<double>(b));
  }
#endif
  // The second operand if either is NaN.
  static FASTMLP_INLINE V max(V a, V b) { return a > b ? a : b; }
  static FASTMLP_INLINE V min(V a, V b) { return a < b ? a : b; }
#if defined(__GNUC__)
  static FASTMLP_INLINE V abs(V a) { return __builtin_fabsf(a); }
  static FASTMLP_INLINE V copy_sign(V magnitude, V sign) { return __builtin_copysignf(magnitude, sign); }
#else
  static FASTMLP_INLINE V abs(V a) { return from_bits(bits(a) & 0x7fffffffu); }
  static FASTMLP_INLINE V copy_sign(V magnitude, V sign) {
    return from_bits((bits(magnitude) & 0x7fffffffu) | (bits(sign) & 0x80000000u));
  }
#endif
#if defined(FASTMLP_X64)
  static FASTMLP_INLINE V sqrt(V a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }
#else
  static FASTMLP_INLINE V sqrt(V a) { return sqrtf(a); }
#endif

  static FASTMLP_INLINE Mask less(V a, V b) { return a < b; }
  static FASTMLP_INLINE Mask less_equal(V a, V b) { return a <= b; }
  static FASTMLP_INLINE Mask equal(V a, V b) { return a == b; }
  static FASTMLP_INLINE V select(Mask m, V yes, V no) { return m ? yes : no; }
  static FASTMLP_INLINE bool any(Mask m) { return m; }
  // Stores first + i for each lane i that is not zero, one after the other, and returns how many; what it
  // writes beyond them, up to kLanes in all, is without meaning.
  static FASTMLP_INLINE int store_filled(V v, int32_t first, int32_t* places) {
    *places = first;
    return v != 0 ? 1 : 0;
  }

  // a 2^n, with n + 1.5 * 2^23 given, for n in [-252, 254]; in two factors, so that neither overflows before
  // the product does.
  static FASTMLP_INLINE V scale(V a, V rounded) {
    const int32_t n = integer(rounded);
    const int32_t half = n >> 1;
    return a * power_of_two(half) * power_of_two(n - half);
  }
  // As scale, for n <= 127; 0 where 2^n is below the normal range.
  static FASTMLP_INLINE V scale_down(V a, V rounded) {
    const int32_t n = integer(rounded);
    return a * power_of_two(n < -127 ? -127 : n);
  }
  // scale of 1 + a, to the bit, for n in [-190, 63].
  static FASTMLP_INLINE V scale_from_one(V a, V rounded) {
    const float power = power_of_two(integer(rounded) + 64);
    return fma(a, power, power) * kTwoToMinus64;
  }
  // Splits normal a > 0 into m 2^e with m in [sqrt(1/2), sqrt(2)); returns m.
  static FASTMLP_INLINE V split(V a, V* e) {
    const uint32_t shifted = bits(a) - kRootHalfBits;
    *e = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
    return from_bits((shifted & 0x007fffffu) + kRootHalfBits);
  }

  // 32-bit integers, a lane each: first, first + 1, …; sums and products that wrap; a ^ (a >> n); the upper
  // 24 bits as a number.
  static FASTMLP_INLINE I count_from(uint32_t first) { return first; }
  static FASTMLP_INLINE I plus(I a, uint32_t b) { return a + b; }
  static FASTMLP_INLINE I times(I a, uint32_t b) { return a * b; }
  template <int kBits>
  static FASTMLP_INLINE I fold(I a) {
    return a ^ (a >> kBits);
  }
  static FASTMLP_INLINE V upper_bits(I a) { return static_cast<float>(a >> 8); }

  // The sum of the lanes: the upper half is added to the lower one until one lane is left.
  static FASTMLP_INLINE float reduce_add(V a) { return a; }
  // The sum of each of four vectors.
  static FASTMLP_INLINE void store_sums(float* p, const V (&sums)[4]) {
    for (int i = 0; i < 4; i++) p[i] = sums[i];
  }
  static FASTMLP_INLINE float reduce_max(V a) { return a; }
  static FASTMLP_INLINE void transpose(V (&)[1]) {}
  // Vectors have three more. load_fours(p, stride) loads four floats from each of p, p + stride, …;
  // transpose_fours takes those of four vectors, at one place, for a matrix of 4 × 4; pick(a, lanes) has in
  // lane i what a has in lane lanes[i].

 private:
  // sqrt(1/2) as float bits.
  static constexpr uint32_t kRootHalfBits = 0x3f3504f3u;
  static FASTMLP_INLINE uint32_t bits(float a) {
    uint32_t b;
    memcpy(&b, &a, sizeof b);
    return b;
  }
  static FASTMLP_INLINE float from_bits(uint32_t b) {
    float a;
    memcpy(&a, &b, sizeof a);
    return a;
  }
  static FASTMLP_INLINE int32_t integer(V rounded) {
    return static_cast<int32_t>(bits(rounded) - bits(12582912.0f));
  }
  static FASTMLP_INLINE float power_of_two(int32_t n) {
    return from_bits((static_cast<uint32_t>(n) + 127u) << 23);
  }
};

}  // namespace fastmlp
