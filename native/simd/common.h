// Spellings that differ between compilers.
#pragma once

#include <math.h>

#include <cstdint>
#include <cstring>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define FASTMLP_INLINE __forceinline
#define FASTMLP_NOINLINE __declspec(noinline)
#define FASTMLP_UNROLL
#if defined(_M_ARM64)
#define FASTMLP_PREFETCH(address) __prefetch(address)
#define FASTMLP_PREFETCH_NEAR(address) __prefetch(address)
#define FASTMLP_PREFETCH_TO_WRITE(address) __prefetch(address)
#else
#define FASTMLP_PREFETCH(address) _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T1)
#define FASTMLP_PREFETCH_NEAR(address) _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T0)
#define FASTMLP_PREFETCH_TO_WRITE(address) _mm_prefetch(reinterpret_cast<const char*>(address), _MM_HINT_T0)
#endif
#elif defined(__clang__)
#define FASTMLP_INLINE inline __attribute__((always_inline))
#define FASTMLP_NOINLINE __attribute__((noinline))
#define FASTMLP_UNROLL _Pragma("unroll")
#else
#define FASTMLP_INLINE inline __attribute__((always_inline))
#define FASTMLP_NOINLINE __attribute__((noinline))
#define FASTMLP_UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(__GNUC__)
// Into the second-level cache; into the first; and into the first, to be written.
#define FASTMLP_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#define FASTMLP_PREFETCH_NEAR(address) __builtin_prefetch(address, 0, 3)
#define FASTMLP_PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1, 3)
#endif

namespace fastmlp {

constexpr float kTwoToMinus64 = 5.42101086e-20f;

#if defined(_MSC_VER) && !defined(__clang__)
FASTMLP_INLINE int count_bits(uint32_t bits) { return static_cast<int>(__popcnt(bits)); }
FASTMLP_INLINE int lowest_bit(uint32_t bits) {
  unsigned long place;  // NOLINT(runtime/int): the type that the intrinsic wants
  _BitScanForward(&place, bits);
  return static_cast<int>(place);
}
#else
FASTMLP_INLINE int count_bits(uint32_t bits) { return __builtin_popcount(bits); }
FASTMLP_INLINE int lowest_bit(uint32_t bits) { return __builtin_ctz(bits); }
#endif

// Stores first + i for each bit i that is set, and returns how many.
FASTMLP_INLINE int store_set_bits(uint32_t bits, int32_t first, int32_t* places) {
  int count = 0;
  for (; bits != 0; bits &= bits - 1) places[count++] = first + lowest_bit(bits);
  return count;
}

}  // namespace fastmlp
