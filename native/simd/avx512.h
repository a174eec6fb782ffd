// The vocabulary on 16 floats: AVX-512 F, DQ, BW, VL.
#pragma once

#include <immintrin.h>

#include "native/simd/common.h"
#include "native/simd/scalar.h"

namespace fastmlp::avx512 {

struct Simd {
  using V = __m512;
  using I = __m512i;
  using Mask = __mmask16;
  using One = OneLane<Simd>;
  static constexpr int kLanes = 16;

  // As described in scalar.h.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  static constexpr int kTallRows = 12;
  static constexpr int kThinVectors = 8;
  static constexpr int kDotTileRows = 4;
  static constexpr int64_t kDotRows = 96;
  static constexpr int64_t kUnpackedRows = 512;
  static constexpr int64_t kBlockDepth = 384;
  static constexpr int64_t kBlockRows = 192;
  static constexpr int64_t kBlockColumns = 512;
  static constexpr int64_t kSingleBlockRows = 256;
  static constexpr int64_t kSingleBlockColumns = 4096;
  static constexpr bool kCopiesRows = false;

  static FASTMLP_INLINE V load(const float* p) { return _mm512_loadu_ps(p); }
  static FASTMLP_INLINE void store(float* p, V v) { _mm512_storeu_ps(p, v); }
  static FASTMLP_INLINE V load_partial(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static FASTMLP_INLINE void store_partial(float* p, V v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static FASTMLP_INLINE void store_pieces(float* p, V v, int n) { store_partial(p, v, n); }
  static FASTMLP_INLINE V keep(V v, int n, V other) { return _mm512_mask_blend_ps(first(n), other, v); }
  static FASTMLP_INLINE V load_u8(const uint8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
  }

  static FASTMLP_INLINE V set1(float x) { return _mm512_set1_ps(x); }
  static FASTMLP_INLINE V add(V a, V b) { return _mm512_add_ps(a, b); }
  static FASTMLP_INLINE V sub(V a, V b) { return _mm512_sub_ps(a, b); }
  static FASTMLP_INLINE V mul(V a, V b) { return _mm512_mul_ps(a, b); }
  static FASTMLP_INLINE V div(V a, V b) { return _mm512_div_ps(a, b); }
  static FASTMLP_INLINE V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static FASTMLP_INLINE V fnma(V a, V b, V c) { return _mm512_fnmadd_ps(a, b, c); }
  static FASTMLP_INLINE V fused_fnma(V a, V b, V c) { return fnma(a, b, c); }
  static FASTMLP_INLINE V max(V a, V b) { return _mm512_max_ps(a, b); }
  static FASTMLP_INLINE V min(V a, V b) { return _mm512_min_ps(a, b); }
  static FASTMLP_INLINE V abs(V a) { return _mm512_andnot_ps(sign_bit(), a); }
  static FASTMLP_INLINE V copy_sign(V magnitude, V sign) {
    return _mm512_or_ps(_mm512_andnot_ps(sign_bit(), magnitude), _mm512_and_ps(sign_bit(), sign));
  }
  static FASTMLP_INLINE V sqrt(V a) { return _mm512_sqrt_ps(a); }

  static FASTMLP_INLINE Mask less(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static FASTMLP_INLINE Mask less_equal(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
  static FASTMLP_INLINE Mask equal(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static FASTMLP_INLINE V select(Mask m, V yes, V no) { return _mm512_mask_blend_ps(m, no, yes); }
  static FASTMLP_INLINE bool any(Mask m) { return m != 0; }
  static FASTMLP_INLINE int store_filled(V v, int32_t first, int32_t* places) {
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const Mask filled = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    const __m512i all = _mm512_add_epi32(_mm512_set1_epi32(first), lanes);
    _mm512_storeu_si512(places, _mm512_maskz_compress_epi32(filled, all));
    return count_bits(filled);
  }

  static FASTMLP_INLINE V scale(V a, V rounded) {
    return _mm512_scalef_ps(a, _mm512_sub_ps(rounded, _mm512_set1_ps(12582912.0f)));
  }
  static FASTMLP_INLINE V scale_down(V a, V rounded) { return scale(a, rounded); }
  static FASTMLP_INLINE V scale_from_one(V a, V rounded) { return scale(add(a, set1(1.0f)), rounded); }
  static FASTMLP_INLINE V split(V a, V* e) {
    const __m512i root_half = _mm512_set1_epi32(0x3f3504f3);
    const __m512i shifted = _mm512_sub_epi32(_mm512_castps_si512(a), root_half);
    *e = _mm512_cvtepi32_ps(_mm512_srai_epi32(shifted, 23));
    const __m512i fraction = _mm512_and_si512(shifted, _mm512_set1_epi32(0x007fffff));
    return _mm512_castsi512_ps(_mm512_add_epi32(fraction, root_half));
  }

  static FASTMLP_INLINE I count_from(uint32_t first) {
    return plus(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), first);
  }
  static FASTMLP_INLINE I plus(I a, uint32_t b) { return _mm512_add_epi32(a, spread(b)); }
  static FASTMLP_INLINE I times(I a, uint32_t b) { return _mm512_mullo_epi32(a, spread(b)); }
  template <int kBits>
  static FASTMLP_INLINE I fold(I a) {
    return _mm512_xor_si512(a, _mm512_srli_epi32(a, kBits));
  }
  static FASTMLP_INLINE V upper_bits(I a) { return _mm512_cvtepi32_ps(_mm512_srli_epi32(a, 8)); }

  static FASTMLP_INLINE float reduce_add(V a) {
    const __m256 eight = halves(a);
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }
  static FASTMLP_INLINE void store_sums(float* p, const V (&sums)[4]) {
    const __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(halves(sums[0]), halves(sums[1])),
                                        _mm256_hadd_ps(halves(sums[2]), halves(sums[3])));
    _mm_storeu_ps(p, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
  }
  static FASTMLP_INLINE float reduce_max(V a) { return _mm512_reduce_max_ps(a); }
  static FASTMLP_INLINE void transpose(V (&rows)[16]) {
    V pairs[16];
    FASTMLP_UNROLL
    for (int i = 0; i < 8; i++) {
      pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
      pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) {
      rows[4 * i] = _mm512_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
      rows[4 * i + 1] = _mm512_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xee);
      rows[4 * i + 2] = _mm512_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
      rows[4 * i + 3] = _mm512_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xee);
    }
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) {
      pairs[i] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x88);
      pairs[i + 4] = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xdd);
      pairs[i + 8] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x88);
      pairs[i + 12] = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xdd);
    }
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) {
      rows[i] = _mm512_shuffle_f32x4(pairs[i], pairs[i + 8], 0x88);
      rows[i + 8] = _mm512_shuffle_f32x4(pairs[i], pairs[i + 8], 0xdd);
      rows[i + 4] = _mm512_shuffle_f32x4(pairs[i + 4], pairs[i + 12], 0x88);
      rows[i + 12] = _mm512_shuffle_f32x4(pairs[i + 4], pairs[i + 12], 0xdd);
    }
  }
  static FASTMLP_INLINE V load_fours(const float* p, int64_t stride) {
    V fours = _mm512_castps128_ps512(_mm_loadu_ps(p));
    fours = _mm512_insertf32x4(fours, _mm_loadu_ps(p + stride), 1);
    fours = _mm512_insertf32x4(fours, _mm_loadu_ps(p + 2 * stride), 2);
    return _mm512_insertf32x4(fours, _mm_loadu_ps(p + 3 * stride), 3);
  }
  static FASTMLP_INLINE void transpose_fours(V (&rows)[4]) {
    const V a = _mm512_unpacklo_ps(rows[0], rows[1]);
    const V b = _mm512_unpackhi_ps(rows[0], rows[1]);
    const V c = _mm512_unpacklo_ps(rows[2], rows[3]);
    const V d = _mm512_unpackhi_ps(rows[2], rows[3]);
    rows[0] = _mm512_shuffle_ps(a, c, 0x44);
    rows[1] = _mm512_shuffle_ps(a, c, 0xee);
    rows[2] = _mm512_shuffle_ps(b, d, 0x44);
    rows[3] = _mm512_shuffle_ps(b, d, 0xee);
  }
  static FASTMLP_INLINE V pick(V a, I lanes) { return _mm512_permutexvar_ps(lanes, a); }

 private:
  static FASTMLP_INLINE __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
  static FASTMLP_INLINE __m256 halves(V a) {
    return _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  }
  static FASTMLP_INLINE I spread(uint32_t a) { return _mm512_set1_epi32(static_cast<int32_t>(a)); }
  static FASTMLP_INLINE V sign_bit() { return _mm512_set1_ps(-0.0f); }
};

}  // namespace fastmlp::avx512
