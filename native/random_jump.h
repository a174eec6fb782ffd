// Where the generator of src/random.ts is many words later, without drawing them.
#pragma once

#include <cstdint>

namespace fastmlp {

// A polynomial over the field of two elements, of degree below 128: bit i is the coefficient of x^i.
struct BitPolynomial {
  uint64_t low;
  uint64_t high;

  bool has(int power) const { return ((power < 64 ? low >> power : high >> (power - 64)) & 1) != 0; }
};

// x times p, modulo the characteristic polynomial of one step of xoshiro128. kCharacteristic is that without
// x^128, as the algorithm of Berlekamp and Massey (1969) finds it from the lowest bits of one of the words.
inline BitPolynomial times_x(BitPolynomial p) {
  constexpr BitPolynomial kCharacteristic = {0x1b489db6de18fc01, 0x00fc65a2006254b1};
  const uint64_t carried = 0 - (p.high >> 63);
  return {p.low << 1 ^ (kCharacteristic.low & carried),
          (p.high << 1 | p.low >> 63) ^ (kCharacteristic.high & carried)};
}

inline BitPolynomial product(BitPolynomial p, BitPolynomial q) {
  BitPolynomial sum = {0, 0};
  for (int power = 127; power >= 0; power--) {
    sum = times_x(sum);
    if (q.has(power)) sum = {sum.low ^ p.low, sum.high ^ p.high};
  }
  return sum;
}

// x^steps. The sum of the states i steps later, over its coefficients i, is the state that many steps later.
inline BitPolynomial jump_polynomial(uint64_t steps) {
  int bit = 63;
  while (bit > 0 && (steps >> bit & 1) == 0) bit--;
  BitPolynomial power = {1, 0};
  for (; bit >= 0; bit--) {
    power = product(power, power);
    if ((steps >> bit & 1) != 0) power = times_x(power);
  }
  return power;
}

}  // namespace fastmlp
