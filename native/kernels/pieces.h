// Cutting lengths.
#pragma once

#include <cstdint>

namespace fastmlp {

// `whole` cut into the fewest pieces no longer than `longest`, of equal length but for one.
template <class S>
struct Pieces {
  int64_t count = 1;
  int64_t length;
  int64_t longer = 0;
  Pieces(int64_t whole, int64_t longest) : length(whole) {
    if (whole <= longest) return;
    count = (whole + longest - 1) / longest;
    length = whole / count;
    longer = whole % count;
  }
  int64_t begin(int64_t piece) const { return piece * length + (piece < longer ? piece : longer); }
};

}  // namespace fastmlp
