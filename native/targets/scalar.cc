// The kernels without vectors.
#include "native/simd/scalar.h"

#include "native/kernels/executor.h"
#include "native/targets/targets.h"

namespace fastmlp::scalar {

struct Simd : OneLane<Simd> {};

void execute(const Batch& batch) { fastmlp::execute<OneLane<Simd>>(batch); }
void execute_share(const Batch& batch, const Block& share) {
  fastmlp::execute_share<OneLane<Simd>>(batch, share);
}
const int64_t workspace_size = workspace_floats<OneLane<Simd>>();
int64_t panels_size(int64_t inputs, int64_t units) {
  return fastmlp::panels_size<OneLane<Simd>>(inputs, units);
}
void pack_panels(const float* weights, int64_t inputs, int64_t units, float* panels) {
  fastmlp::pack_panels<OneLane<Simd>>(weights, inputs, units, panels);
}

}  // namespace fastmlp::scalar
