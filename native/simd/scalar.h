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
  using Mask = bool;
  using One = OneLane;
  static constexpr int kLanes = 1;

  // Block sizes of a product; see kernels/gemm.h.
  static constexpr int kTileRows = 4;
  static constexpr int kTileVectors = 4;
  static constexpr int kThinVectors = 4;
  static constexpr int64_t kBlockDepth = 256;
  static constexpr int64_t kBlockRows = 128;
  static constexpr int64_t kBlockColumns = 512;

  static FASTMLP_INLINE V load(const float* p) { return *p; }
  static FASTMLP_INLINE void store(float* p, V v) { *p = v; }
  static FASTMLP_INLINE V load_partial(const float* p, int) { return *p; }
  static FASTMLP_INLINE void store_partial(float* p, V v, int) { *p = v; }
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
  static FASTMLP_INLINE V abs(V a) { return from_bits(bits(a) & 0x7fffffffu); }
  static FASTMLP_INLINE V copy_sign(V magnitude, V sign) {
    return from_bits((bits(magnitude) & 0x7fffffffu) | (bits(sign) & 0x80000000u));
  }
#if defined(FASTMLP_X64)
  static FASTMLP_INLINE V sqrt(V a) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a))); }
#else
  static FASTMLP_INLINE V sqrt(V a) { return __builtin_sqrtf(a); }
#endif

  static FASTMLP_INLINE Mask less(V a, V b) { return a < b; }
  static FASTMLP_INLINE Mask less_equal(V a, V b) { return a <= b; }
  static FASTMLP_INLINE Mask equal(V a, V b) { return a == b; }
  static FASTMLP_INLINE V select(Mask m, V yes, V no) { return m ? yes : no; }
  static FASTMLP_INLINE bool any(Mask m) { return m; }

  // To the nearest integer, for |a| < 2^22: adding 1.5 * 2^23 leaves no bits behind the point.
  static FASTMLP_INLINE V round(V a) {
    const float shift = 12582912.0f;
    return (a + shift) - shift;
  }
  // a 2^n for integral n in [-252, 254], in two factors so that neither overflows before the product does.
  static FASTMLP_INLINE V scale(V a, V n) {
    const float shift = 12582912.0f;
    const int32_t whole = static_cast<int32_t>(bits(n + shift) - bits(shift));
    const int32_t half = whole >> 1;
    return a * power_of_two(half) * power_of_two(whole - half);
  }
  // Splits normal a > 0 into m 2^e with m in [sqrt(1/2), sqrt(2)); returns m.
  static FASTMLP_INLINE V split(V a, V* e) {
    const uint32_t shifted = bits(a) - kRootHalfBits;
    *e = static_cast<float>(static_cast<int32_t>(shifted) >> 23);
    return from_bits((shifted & 0x007fffffu) + kRootHalfBits);
  }

  static FASTMLP_INLINE float reduce_add(V a) { return a; }
  static FASTMLP_INLINE float reduce_max(V a) { return a; }
  static FASTMLP_INLINE void transpose(V (&)[1]) {}

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
  static FASTMLP_INLINE float power_of_two(int32_t n) {
    return from_bits((static_cast<uint32_t>(n) + 127u) << 23);
  }
};

}  // namespace fastmlp
