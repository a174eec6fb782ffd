#include "native/dispatch.h"

#include <cstring>

#include "native/cpu_features.h"
#include "native/targets/targets.h"

namespace fastmlp {

namespace {

const char* always_usable() { return nullptr; }

#if defined(FASTMLP_X64)

const char* avx2_unusable() {
  const CpuFeatures& cpu = cpu_features();
  if (!cpu.avx2) return "CPU has no AVX2";
  if (!cpu.fma) return "CPU has no FMA";
  if (!cpu.saves_ymm) return "the operating system does not save AVX registers";
  return nullptr;
}

const char* avx512_unusable() {
  const CpuFeatures& cpu = cpu_features();
  if (!cpu.avx512) return "CPU has no AVX-512 (F, DQ, BW, VL)";
  if (!cpu.saves_zmm) return "the operating system does not save AVX-512 registers";
  return nullptr;
}

const char* arm_only() { return "not built for x64"; }

#elif defined(FASTMLP_ARM64)

const char* x64_only() { return "not built for arm64"; }

#endif

}  // namespace

#define FASTMLP_BUILT(name) \
  name::execute, name::execute_share, &name::workspace_size, name::panels_size, name::pack_panels
#define FASTMLP_NOT_BUILT nullptr, nullptr, nullptr, nullptr, nullptr

const Target kTargets[kTargetCount] = {
#if defined(FASTMLP_X64)
    {"native-avx512", avx512_unusable, FASTMLP_BUILT(avx512)},
    {"native-avx2", avx2_unusable, FASTMLP_BUILT(avx2)},
    {"native-neon", arm_only, FASTMLP_NOT_BUILT},
#elif defined(FASTMLP_ARM64)
    {"native-avx512", x64_only, FASTMLP_NOT_BUILT},
    {"native-avx2", x64_only, FASTMLP_NOT_BUILT},
    {"native-neon", always_usable, FASTMLP_BUILT(neon)},
#endif
    {"native-scalar", always_usable, FASTMLP_BUILT(scalar)},
};

const Target* find_target(const char* id) {
  for (const Target& target : kTargets) {
    if (std::strcmp(target.id, id) == 0) return &target;
  }
  return nullptr;
}

}  // namespace fastmlp
