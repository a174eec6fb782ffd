// The kernels on AVX-512.
#include "native/targets/targets.h"

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes _mm512_undefined_ps in its own header for a mistake.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "native/kernels/executor.h"
#include "native/simd/avx512.h"

namespace fastmlp::avx512 {

void execute(const Batch& batch) { fastmlp::execute<Simd>(batch); }
void execute_share(const Batch& batch, const Block& share) { fastmlp::execute_share<Simd>(batch, share); }
const int64_t workspace_size = workspace_floats<Simd>();
int64_t panels_size(int64_t inputs, int64_t units) { return fastmlp::panels_size<Simd>(inputs, units); }
void pack_panels(const float* weights, int64_t inputs, int64_t units, float* panels) {
  fastmlp::pack_panels<Simd>(weights, inputs, units, panels);
}

}  // namespace fastmlp::avx512
