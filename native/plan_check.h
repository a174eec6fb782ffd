// The plan comes from TypeScript; a mistake there must not reach memory that is not the arena's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastmlp {

// What is wrong with a plan for batches of up to `batch_capacity` rows, or an empty string.
std::string check_plan(const std::vector<int32_t>& operations, int64_t batch_capacity, int64_t arena_length,
                       int64_t scalar_count);

}  // namespace fastmlp
