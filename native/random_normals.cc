#include "native/random_normals.h"

#include <cmath>

namespace fastmlp {

namespace {

class Generator {
 public:
  explicit Generator(const uint32_t (&words)[4]) : a_(words[0]), b_(words[1]), c_(words[2]), d_(words[3]) {}

  void store(uint32_t (&words)[4]) const {
    words[0] = a_;
    words[1] = b_;
    words[2] = c_;
    words[3] = d_;
  }

  // A uniform number in [0, 1), with 53 random bits.
  double uniform() {
    const double high = next() >> 5;
    const double low = next() >> 6;
    return (high * 0x1p26 + low) * 0x1p-53;
  }

 private:
  uint32_t next() {
    const uint32_t scrambled = b_ * 5;
    const uint32_t c = c_ ^ a_;
    const uint32_t d = d_ ^ b_;
    c_ = c ^ (b_ << 9);
    b_ ^= c;
    a_ ^= d;
    d_ = d << 11 | d >> 21;
    return (scrambled << 7 | scrambled >> 25) * 9;
  }

  uint32_t a_;
  uint32_t b_;
  uint32_t c_;
  uint32_t d_;
};

constexpr double kTurn = 6.283185307179586;

}  // namespace

void draw_normals(uint32_t (&words)[4], double* into, int64_t count, int64_t units, double mean,
                  double standard_deviation) {
  Generator generator(words);
  for (int64_t unit = 0; unit < units; unit++) {
    for (int64_t i = unit; i < count; i += units) {
      const double radius = std::sqrt(-2 * std::log(1 - generator.uniform()));
      into[i] = mean + standard_deviation * (radius * std::cos(kTurn * generator.uniform()));
    }
  }
  generator.store(words);
}

}  // namespace fastmlp
