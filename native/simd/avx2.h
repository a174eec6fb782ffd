// The vocabulary on 8 floats: AVX2 with FMA.
#pragma once

#include <immintrin.h>

#include "native/simd/common.h"
#include "native/simd/scalar.h"

namespace fastmlp::avx2 {

struct Simd {
  using V = __m256;
  using I = __m256i;
  using Mask = __m256;
  using One = OneLane<Simd>;
  static constexpr int kLanes = 8;

  // As described in scalar.h.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 2;
  static constexpr int kTallRows = 12;
  static constexpr int kThinVectors = 8;
  static constexpr int kDotTileRows = 3;
  static constexpr int64_t kDotRows = 64;
  static constexpr int64_t kUnpackedRows = 64;
  static constexpr int64_t kBlockDepth = 256;
  static constexpr int64_t kBlockRows = 192;
  static constexpr int64_t kBlockColumns = 512;
  static constexpr int64_t kSingleBlockRows = 192;
  static constexpr int64_t kSingleBlockColumns = 512;
  static constexpr bool kCopiesRows = true;

  static FASTMLP_INLINE V load(const float* p) { return _mm256_loadu_ps(p); }
  static FASTMLP_INLINE void store(float* p, V v) { _mm256_storeu_ps(p, v); }
  static FASTMLP_INLINE V load_partial(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static FASTMLP_INLINE void store_partial(float* p, V v, int n) { _mm256_maskstore_ps(p, first(n), v); }
  // A masked store takes AMD processors tens of cycles.
  static FASTMLP_INLINE void store_pieces(float* p, V v, int n) {
    __m128 rest = _mm256_castps256_ps128(v);
    if (n & 4) {
      _mm_storeu_ps(p, rest);
      rest = _mm256_extractf128_ps(v, 1);
      p += 4;
    }
    if (n & 2) {
      _mm_storel_pi(reinterpret_cast<__m64*>(p), rest);
      rest = _mm_movehl_ps(rest, rest);
      p += 2;
    }
    if (n & 1) _mm_store_ss(p, rest);
  }
  static FASTMLP_INLINE V keep(V v, int n, V other) {
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(first(n)));
  }
  static FASTMLP_INLINE V load_u8(const uint8_t* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
  }

  static FASTMLP_INLINE V set1(float x) { return _mm256_set1_ps(x); }
  static FASTMLP_INLINE V add(V a, V b) { return _mm256_add_ps(a, b); }
  static FASTMLP_INLINE V sub(V a, V b) { return _mm256_sub_ps(a, b); }
  static FASTMLP_INLINE V mul(V a, V b) { return _mm256_mul_ps(a, b); }
  static FASTMLP_INLINE V div(V a, V b) { return _mm256_div_ps(a, b); }
  static FASTMLP_INLINE V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static FASTMLP_INLINE V fnma(V a, V b, V c) { return _mm256_fnmadd_ps(a, b, c); }
  static FASTMLP_INLINE V fused_fnma(V a, V b, V c) { return fnma(a, b, c); }
  static FASTMLP_INLINE V max(V a, V b) { return _mm256_max_ps(a, b); }
  static FASTMLP_INLINE V min(V a, V b) { return _mm256_min_ps(a, b); }
  static FASTMLP_INLINE V abs(V a) { return _mm256_andnot_ps(sign_bit(), a); }
  static FASTMLP_INLINE V copy_sign(V magnitude, V sign) {
    return _mm256_or_ps(_mm256_andnot_ps(sign_bit(), magnitude), _mm256_and_ps(sign_bit(), sign));
  }
  static FASTMLP_INLINE V sqrt(V a) { return _mm256_sqrt_ps(a); }

  static FASTMLP_INLINE Mask less(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static FASTMLP_INLINE Mask less_equal(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
  static FASTMLP_INLINE Mask equal(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
  static FASTMLP_INLINE V select(Mask m, V yes, V no) { return _mm256_blendv_ps(no, yes, m); }
  static FASTMLP_INLINE bool any(Mask m) { return _mm256_movemask_ps(m) != 0; }
  static FASTMLP_INLINE int store_filled(V v, int32_t first, int32_t* places) {
    const __m256 filled = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_NEQ_UQ);
    return store_set_bits(static_cast<uint32_t>(_mm256_movemask_ps(filled)), first, places);
  }

  static FASTMLP_INLINE V scale(V a, V rounded) {
    const __m256i n = integer(rounded);
    const __m256i half = _mm256_srai_epi32(n, 1);
    return _mm256_mul_ps(_mm256_mul_ps(a, power_of_two(half)), power_of_two(_mm256_sub_epi32(n, half)));
  }
  static FASTMLP_INLINE V scale_down(V a, V rounded) {
    const __m256i n = _mm256_max_epi32(integer(rounded), _mm256_set1_epi32(-127));
    return _mm256_mul_ps(a, power_of_two(n));
  }
  static FASTMLP_INLINE V scale_from_one(V a, V rounded) {
    const __m256i exponent = _mm256_add_epi32(_mm256_castps_si256(rounded), _mm256_set1_epi32(127 + 64));
    const V power = _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
    return _mm256_mul_ps(_mm256_fmadd_ps(a, power, power), _mm256_set1_ps(kTwoToMinus64));
  }
  static FASTMLP_INLINE V split(V a, V* e) {
    const __m256i root_half = _mm256_set1_epi32(0x3f3504f3);
    const __m256i shifted = _mm256_sub_epi32(_mm256_castps_si256(a), root_half);
    *e = _mm256_cvtepi32_ps(_mm256_srai_epi32(shifted, 23));
    const __m256i fraction = _mm256_and_si256(shifted, _mm256_set1_epi32(0x007fffff));
    return _mm256_castsi256_ps(_mm256_add_epi32(fraction, root_half));
  }

  static FASTMLP_INLINE I count_from(uint32_t first) {
    return plus(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), first);
  }
  static FASTMLP_INLINE I plus(I a, uint32_t b) { return _mm256_add_epi32(a, spread(b)); }
  static FASTMLP_INLINE I times(I a, uint32_t b) { return _mm256_mullo_epi32(a, spread(b)); }
  template <int kBits>
  static FASTMLP_INLINE I fold(I a) {
    return _mm256_xor_si256(a, _mm256_srli_epi32(a, kBits));
  }
  static FASTMLP_INLINE V upper_bits(I a) { return _mm256_cvtepi32_ps(_mm256_srli_epi32(a, 8)); }

  static FASTMLP_INLINE float reduce_add(V a) {
    __m128 sum = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
  }
  static FASTMLP_INLINE void store_sums(float* p, const V (&sums)[4]) {
    const V pairs = _mm256_hadd_ps(_mm256_hadd_ps(sums[0], sums[1]), _mm256_hadd_ps(sums[2], sums[3]));
    _mm_storeu_ps(p, _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1)));
  }
  static FASTMLP_INLINE float reduce_max(V a) {
    __m128 most = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    return _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
  }
  static FASTMLP_INLINE void transpose(V (&rows)[8]) {
    V pairs[8];
    V quads[8];
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) {
      pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
      pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    FASTMLP_UNROLL
    for (int i = 0; i < 2; i++) {
      quads[4 * i] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0x44);
      quads[4 * i + 1] = _mm256_shuffle_ps(pairs[4 * i], pairs[4 * i + 2], 0xee);
      quads[4 * i + 2] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0x44);
      quads[4 * i + 3] = _mm256_shuffle_ps(pairs[4 * i + 1], pairs[4 * i + 3], 0xee);
    }
    FASTMLP_UNROLL
    for (int i = 0; i < 4; i++) {
      rows[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
      rows[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
    }
  }
  static FASTMLP_INLINE V load_fours(const float* p, int64_t stride) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + stride), 1);
  }
  static FASTMLP_INLINE void transpose_fours(V (&rows)[4]) {
    const V a = _mm256_unpacklo_ps(rows[0], rows[1]);
    const V b = _mm256_unpackhi_ps(rows[0], rows[1]);
    const V c = _mm256_unpacklo_ps(rows[2], rows[3]);
    const V d = _mm256_unpackhi_ps(rows[2], rows[3]);
    rows[0] = _mm256_shuffle_ps(a, c, 0x44);
    rows[1] = _mm256_shuffle_ps(a, c, 0xee);
    rows[2] = _mm256_shuffle_ps(b, d, 0x44);
    rows[3] = _mm256_shuffle_ps(b, d, 0xee);
  }
  static FASTMLP_INLINE V pick(V a, I lanes) { return _mm256_permutevar8x32_ps(a, lanes); }

 private:
  static FASTMLP_INLINE __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static FASTMLP_INLINE I spread(uint32_t a) { return _mm256_set1_epi32(static_cast<int32_t>(a)); }
  static FASTMLP_INLINE V sign_bit() { return _mm256_set1_ps(-0.0f); }
  static FASTMLP_INLINE __m256i integer(V rounded) {
    return _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_castps_si256(_mm256_set1_ps(12582912.0f)));
  }
  static FASTMLP_INLINE V power_of_two(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
};

}  // namespace fastmlp::avx2
