// The processor's treatment of numbers below the normal range.
#pragma once

#if defined(FASTMLP_X64)
#include <immintrin.h>
#endif

namespace fastmlp {

// While it lives, results below the normal range become 0: the moments of parameters that get no gradient any
// more decay into that range and stay there, where an x86 processor takes a hundred cycles an operation.
template <class S>
class FlushSubnormals {
#if defined(FASTMLP_X64)
 public:
  FlushSubnormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | _MM_FLUSH_ZERO_ON); }
  ~FlushSubnormals() { _mm_setcsr(saved_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  unsigned int saved_;
#endif
};

}  // namespace fastmlp
