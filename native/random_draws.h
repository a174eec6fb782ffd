// The generator of src/random.ts, for the many numbers that weights begin with.
#pragma once

#include <cstdint>

namespace fastmlp {

// Normal numbers of mean `first` and standard deviation `second`, to within the last bits of float64, or
// uniform ones in [first, second).
enum class Distribution { normal, uniform };

// As Random.normals and Random.uniforms: `count` numbers for inputs × units, drawn unit by unit. `words` is
// the state, and is left where the draws leave it. For float and double.
template <class T>
void draw(Distribution distribution, uint32_t (&words)[4], T* into, int64_t count, int64_t units,
          double first, double second);

}  // namespace fastmlp
