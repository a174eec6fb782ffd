// What the processor has and the operating system allows.
#pragma once

namespace fastmlp {

struct CpuFeatures {
  bool avx2;
  bool fma;
  // F, DQ, BW and VL.
  bool avx512;
  // The operating system saves the registers when it switches threads.
  bool saves_ymm;
  bool saves_zmm;
};

// Asked once; always the same answer.
const CpuFeatures& cpu_features();

}  // namespace fastmlp
