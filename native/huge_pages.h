// Memory in larger pages, where the system gives them on request.
#pragma once

#include <cstddef>

namespace fastmlp {

// For memory that nobody has touched yet; whole huge pages of it only. Reading many rows at once, or rows at
// random, then waits less for addresses.
void prefer_huge_pages(void* data, size_t size);

}  // namespace fastmlp
