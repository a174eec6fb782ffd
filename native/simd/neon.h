// The vocabulary on 4 floats: NEON of 64-bit ARM. There are no masked loads; partial vectors are moved
// element by element.
#pragma once

#include <arm_neon.h>

#include "native/simd/common.h"
#include "native/simd/scalar.h"

namespace fastmlp::neon {

struct Simd {
  using V = float32x4_t;
  using I = uint32x4_t;
  using Mask = uint32x4_t;
  using One = OneLane<Simd>;
  static constexpr int kLanes = 4;

  // As described in scalar.h.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  static constexpr int kTallRows = 12;
  static constexpr int kThinVectors = 8;
  static constexpr int kDotTileRows = 4;
  static constexpr int64_t kDotRows = 32;
  static constexpr int64_t kUnpackedRows = 64;
  static constexpr int64_t kBlockDepth = 256;
  static constexpr int64_t kBlockRows = 192;
  static constexpr int64_t kBlockColumns = 512;
  static constexpr int64_t kSingleBlockRows = 192;
  static constexpr int64_t kSingleBlockColumns = 512;
  static constexpr bool kCopiesRows = true;

  static FASTMLP_INLINE V load(const float* p) { return vld1q_f32(p); }
  static FASTMLP_INLINE void store(float* p, V v) { vst1q_f32(p, v); }
  static FASTMLP_INLINE V load_partial(const float* p, int n) {
    float lanes[4] = {0, 0, 0, 0};
    for (int i = 0; i < n; i++) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  static FASTMLP_INLINE void store_partial(float* p, V v, int n) {
    float lanes[4];
    vst1q_f32(lanes, v);
    for (int i = 0; i < n; i++) p[i] = lanes[i];
  }
  static FASTMLP_INLINE void store_pieces(float* p, V v, int n) { store_partial(p, v, n); }
  static FASTMLP_INLINE V keep(V v, int n, V other) { return vbslq_f32(first(n), v, other); }
  static FASTMLP_INLINE V load_u8(const uint8_t* p) {
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    const uint16x8_t halves = vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes)));
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(halves)));
  }

  static FASTMLP_INLINE V set1(float x) { return vdupq_n_f32(x); }
  static FASTMLP_INLINE V add(V a, V b) { return vaddq_f32(a, b); }
  static FASTMLP_INLINE V sub(V a, V b) { return vsubq_f32(a, b); }
  static FASTMLP_INLINE V mul(V a, V b) { return vmulq_f32(a, b); }
  static FASTMLP_INLINE V div(V a, V b) { return vdivq_f32(a, b); }
  static FASTMLP_INLINE V fma(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  static FASTMLP_INLINE V fnma(V a, V b, V c) { return vfmsq_f32(c, a, b); }
  static FASTMLP_INLINE V fused_fnma(V a, V b, V c) { return fnma(a, b, c); }
  // The second operand if either is NaN, as on the other instruction sets.
  static FASTMLP_INLINE V max(V a, V b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static FASTMLP_INLINE V min(V a, V b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static FASTMLP_INLINE V abs(V a) { return vabsq_f32(a); }
  static FASTMLP_INLINE V copy_sign(V magnitude, V sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
  }
  static FASTMLP_INLINE V sqrt(V a) { return vsqrtq_f32(a); }

  static FASTMLP_INLINE Mask less(V a, V b) { return vcltq_f32(a, b); }
  static FASTMLP_INLINE Mask less_equal(V a, V b) { return vcleq_f32(a, b); }
  static FASTMLP_INLINE Mask equal(V a, V b) { return vceqq_f32(a, b); }
  static FASTMLP_INLINE V select(Mask m, V yes, V no) { return vbslq_f32(m, yes, no); }
  static FASTMLP_INLINE bool any(Mask m) { return vmaxvq_u32(m) != 0; }
  static FASTMLP_INLINE int store_filled(V v, int32_t first, int32_t* places) {
    static constexpr uint32_t kBits[4] = {1, 2, 4, 8};
    const uint32x4_t zero = vceqq_f32(v, vdupq_n_f32(0.0f));
    return store_set_bits(vaddvq_u32(vbicq_u32(vld1q_u32(kBits), zero)), first, places);
  }

  static FASTMLP_INLINE V scale(V a, V rounded) {
    const int32x4_t n = integer(rounded);
    const int32x4_t half = vshrq_n_s32(n, 1);
    return vmulq_f32(vmulq_f32(a, power_of_two(half)), power_of_two(vsubq_s32(n, half)));
  }
  static FASTMLP_INLINE V scale_down(V a, V rounded) {
    return vmulq_f32(a, power_of_two(vmaxq_s32(integer(rounded), vdupq_n_s32(-127))));
  }
  static FASTMLP_INLINE V scale_from_one(V a, V rounded) {
    const int32x4_t exponent = vaddq_s32(vreinterpretq_s32_f32(rounded), vdupq_n_s32(127 + 64));
    const V power = vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23));
    return vmulq_f32(vfmaq_f32(power, a, power), vdupq_n_f32(kTwoToMinus64));
  }
  static FASTMLP_INLINE V split(V a, V* e) {
    const int32x4_t root_half = vdupq_n_s32(0x3f3504f3);
    const int32x4_t shifted = vsubq_s32(vreinterpretq_s32_f32(a), root_half);
    *e = vcvtq_f32_s32(vshrq_n_s32(shifted, 23));
    const int32x4_t fraction = vandq_s32(shifted, vdupq_n_s32(0x007fffff));
    return vreinterpretq_f32_s32(vaddq_s32(fraction, root_half));
  }

  static FASTMLP_INLINE I count_from(uint32_t first) {
    const uint32_t lanes[4] = {0, 1, 2, 3};
    return plus(vld1q_u32(lanes), first);
  }
  static FASTMLP_INLINE I plus(I a, uint32_t b) { return vaddq_u32(a, vdupq_n_u32(b)); }
  static FASTMLP_INLINE I times(I a, uint32_t b) { return vmulq_n_u32(a, b); }
  template <int kBits>
  static FASTMLP_INLINE I fold(I a) {
    return veorq_u32(a, vshrq_n_u32(a, kBits));
  }
  static FASTMLP_INLINE V upper_bits(I a) { return vcvtq_f32_u32(vshrq_n_u32(a, 8)); }

  static FASTMLP_INLINE float reduce_add(V a) {
    const float32x2_t sum = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(vpadd_f32(sum, sum), 0);
  }
  static FASTMLP_INLINE void store_sums(float* p, const V (&sums)[4]) {
    vst1q_f32(p, vpaddq_f32(vpaddq_f32(sums[0], sums[1]), vpaddq_f32(sums[2], sums[3])));
  }
  static FASTMLP_INLINE float reduce_max(V a) { return vmaxvq_f32(a); }
  static FASTMLP_INLINE void transpose(V (&rows)[4]) {
    const V a = vtrn1q_f32(rows[0], rows[1]);
    const V b = vtrn2q_f32(rows[0], rows[1]);
    const V c = vtrn1q_f32(rows[2], rows[3]);
    const V d = vtrn2q_f32(rows[2], rows[3]);
    rows[0] = vcombine_f32(vget_low_f32(a), vget_low_f32(c));
    rows[1] = vcombine_f32(vget_low_f32(b), vget_low_f32(d));
    rows[2] = vcombine_f32(vget_high_f32(a), vget_high_f32(c));
    rows[3] = vcombine_f32(vget_high_f32(b), vget_high_f32(d));
  }
  static FASTMLP_INLINE V load_fours(const float* p, int64_t) { return load(p); }
  static FASTMLP_INLINE void transpose_fours(V (&rows)[4]) { transpose(rows); }
  static FASTMLP_INLINE V pick(V a, I lanes) {
    const uint32x4_t bytes = vaddq_u32(vmulq_n_u32(lanes, 0x04040404u), vdupq_n_u32(0x03020100u));
    return vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(a), vreinterpretq_u8_u32(bytes)));
  }

 private:
  static FASTMLP_INLINE uint32x4_t first(int n) {
    const uint32_t lanes[4] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lanes), vdupq_n_u32(static_cast<uint32_t>(n)));
  }
  static FASTMLP_INLINE int32x4_t integer(V rounded) {
    return vsubq_s32(vreinterpretq_s32_f32(rounded), vreinterpretq_s32_f32(vdupq_n_f32(12582912.0f)));
  }
  static FASTMLP_INLINE V power_of_two(int32x4_t n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
  }
};

}  // namespace fastmlp::neon
