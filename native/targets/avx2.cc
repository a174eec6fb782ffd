// The kernels on AVX2 and FMA.
#include "native/simd/avx2.h"

#include "native/kernels/executor.h"
#include "native/targets/targets.h"

namespace fastmlp::avx2 {

void execute(const Batch& batch) { fastmlp::execute<Simd>(batch); }
void execute_share(const Batch& batch, const Block& share) { fastmlp::execute_share<Simd>(batch, share); }
const int64_t workspace_size = workspace_floats<Simd>();
int64_t panels_size(int64_t inputs, int64_t units) { return fastmlp::panels_size<Simd>(inputs, units); }
void pack_panels(const float* weights, int64_t inputs, int64_t units, float* panels) {
  fastmlp::pack_panels<Simd>(weights, inputs, units, panels);
}

}  // namespace fastmlp::avx2
