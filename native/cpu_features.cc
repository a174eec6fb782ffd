#include "native/cpu_features.h"

#if defined(FASTMLP_X64)
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

#include <cstdint>

namespace fastmlp {

namespace {

#if defined(FASTMLP_X64)

struct Registers {
  uint32_t eax;
  uint32_t ebx;
  uint32_t ecx;
  uint32_t edx;
};

// All zero for a leaf that the processor does not have.
Registers cpuid(uint32_t leaf) {
  Registers r{0, 0, 0, 0};
#if defined(_MSC_VER)
  int words[4];
  __cpuid(words, 0);
  if (static_cast<uint32_t>(words[0]) < leaf) return r;
  __cpuidex(words, static_cast<int>(leaf), 0);
  r = {static_cast<uint32_t>(words[0]), static_cast<uint32_t>(words[1]), static_cast<uint32_t>(words[2]),
       static_cast<uint32_t>(words[3])};
#else
  __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
  return r;
}

uint64_t xgetbv() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low;
  uint32_t high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool bit(uint32_t word, int index) { return ((word >> index) & 1u) != 0; }

// Bits as in the Intel manual, volume 2A, CPUID leaves 1 and 7, and volume 1, 13.3 for XCR0.
CpuFeatures detect() {
  const Registers basic = cpuid(1);
  const Registers extended = cpuid(7);
  const bool os_saves = bit(basic.ecx, 27);
  const uint64_t saved = os_saves ? xgetbv() : 0;
  constexpr uint64_t kYmm = 0x06;
  constexpr uint64_t kZmm = 0xe6;
  CpuFeatures features;
  features.fma = bit(basic.ecx, 12);
  features.avx2 = bit(basic.ecx, 28) && bit(extended.ebx, 5);
  features.avx512 =
      bit(extended.ebx, 16) && bit(extended.ebx, 17) && bit(extended.ebx, 30) && bit(extended.ebx, 31);
  features.saves_ymm = (saved & kYmm) == kYmm;
  features.saves_zmm = (saved & kZmm) == kZmm;
  return features;
}

#else

CpuFeatures detect() { return {false, false, false, false, false}; }

#endif

}  // namespace

const CpuFeatures& cpu_features() {
  static const CpuFeatures features = detect();
  return features;
}

}  // namespace fastmlp
