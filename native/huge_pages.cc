#include "native/huge_pages.h"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace fastmlp {

void prefer_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t size) {
#if defined(__linux__)
  constexpr uintptr_t kHugePage = 1 << 21;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + size) / kHugePage * kHugePage;
  // A system that refuses gives ordinary pages.
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace fastmlp
