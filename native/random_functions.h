// Logarithm and cosine for random_draws.cc.
#pragma once

#include <cstdint>
#include <cstring>

// Compilers turn only loops over what is inlined into vectors, and inline this much only if they are told to.
#if defined(__GNUC__)
#define FASTMLP_INLINE __attribute__((always_inline)) inline
#else
#define FASTMLP_INLINE inline
#endif

namespace fastmlp {

FASTMLP_INLINE uint64_t bits_of(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

FASTMLP_INLINE double of_bits(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The functions below have no branch, so that compilers turn loops over them into vectors; polynomials and
// the two parts of ln 2 and of a quarter turn are those of fdlibm (Sun Microsystems, 1993). Each is within
// one unit in the last place.

// For normal numbers > 0.
FASTMLP_INLINE double log_poly7(double x) {
  // x = 2^exponent (1 + f), 1 + f in [sqrt(1/2), sqrt(2)); kHalfRoot has the upper bits of sqrt(1/2).
  constexpr uint64_t kOne = 0x3ff0000000000000;
  constexpr uint64_t kHalfRoot = 0x3fe6a09e00000000;
  constexpr uint64_t kMantissa = 0x000fffffffffffff;
  const uint64_t shifted = bits_of(x) + (kOne - kHalfRoot);
  const double exponent = of_bits(shifted >> 52 | bits_of(0x1p52)) - (0x1p52 + 1023);
  const double f = of_bits((shifted & kMantissa) + kHalfRoot) - 1;
  const double half_square = 0.5 * f * f;
  const double s = f / (2 + f);
  const double z = s * s;
  const double w = z * z;
  const double even = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332));
  const double odd =
      z * (0.6666666666666735130 +
           w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591)));
  return s * (half_square + (odd + even)) + exponent * 1.90821492927058770002e-10 - half_square + f +
         exponent * 6.93147180369123816490e-01;
}

// For x in [0, 2 pi].
FASTMLP_INLINE double cos_poly6(double x) {
  // x = quarters pi/2 + angle + rest, |angle| <= pi/4; kRound leaves an integer in the lowest bits.
  constexpr double kRound = 0x1.8p52;
  const double rounded = x * 0.636619772367581382433 + kRound;
  const double quarters = rounded - kRound;
  const double nearly = x - quarters * 1.57079632673412561417;
  const double lower = quarters * 6.07710050650619224932e-11;
  const double angle = nearly - lower;
  const double rest = (nearly - angle) - lower;
  const double z = angle * angle;
  const double cosine_tail =
      z * (4.16666666666666019037e-02 +
           z * (-1.38888888888741095749e-03 +
                z * (2.48015872894767294178e-05 +
                     z * (-2.75573143513906633035e-07 +
                          z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
  const double half = 0.5 * z;
  const double head = 1 - half;
  const double cosine = head + (((1 - head) - half) + (z * cosine_tail - angle * rest));
  const double sine_tail = 8.33333333332248946124e-03 +
                           z * (-1.98412698298579493134e-04 +
                                z * (2.75573137070700676789e-06 +
                                     z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
  const double cube = z * angle;
  const double sine =
      angle - ((z * (0.5 * rest - cube * sine_tail) - rest) - cube * -1.66666666666666324348e-01);
  // cos, -sin, -cos, sin in the four quarters.
  const uint64_t quarter = bits_of(rounded);
  const uint64_t takes_sine = 0 - (quarter & 1);
  const uint64_t sign = ((quarter + 1) & 2) << 62;
  return of_bits(((bits_of(sine) & takes_sine) | (bits_of(cosine) & ~takes_sine)) ^ sign);
}

}  // namespace fastmlp
