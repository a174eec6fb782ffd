// The generator of src/random.ts, for the many normal numbers that weights begin with.
#pragma once

#include <cstdint>

namespace fastmlp {

// As Random.normals, to within the last bits of float64: `count` numbers for inputs × units. `words` is the
// state, and is left where the draws leave it. For float and double.
template <class T>
void draw_normals(uint32_t (&words)[4], T* into, int64_t count, int64_t units, double mean,
                  double standard_deviation);

}  // namespace fastmlp
