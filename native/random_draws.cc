#include "native/random_draws.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "native/cpu_features.h"
#include "native/random_functions.h"
#include "native/random_jump.h"

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

// Numbers drawn before their logarithms are taken, all at once.
constexpr int64_t kBlock = 128;

// Uniform numbers of a block and, for normal ones, the second number of each.
struct Block {
  double numbers[kBlock];
  double angles[kBlock];
};

// Numbers of the distribution (Box and Muller, 1958) in the place of uniform ones in [0, 1).
FASTMLP_INLINE void transform(Distribution distribution, Block& block, int64_t count, double first,
                              double second) {
  double* numbers = block.numbers;
  double* angles = block.angles;
  if (distribution == Distribution::uniform) {
    for (int64_t i = 0; i < count; i++) numbers[i] = first + (second - first) * numbers[i];
    return;
  }
  for (int64_t i = 0; i < count; i++) numbers[i] = -2 * log_poly7(1 - numbers[i]);
  for (int64_t i = 0; i < count; i++) angles[i] = cos_poly6(kTurn * angles[i]);
  for (int64_t i = 0; i < count; i++) numbers[i] = first + second * (std::sqrt(numbers[i]) * angles[i]);
}

// The units from `unit` on, one after the other.
template <class T>
void draw_in_order(Distribution distribution, uint32_t (&words)[4], T* into, int64_t count, int64_t units,
                   int64_t unit, double first, double second) {
  Generator generator(words);
  Block block;
  const int64_t inputs = count / units;
  int64_t place = unit;
  for (int64_t left = count - inputs * unit; left > 0; left -= kBlock) {
    const int64_t drawn = std::min(kBlock, left);
    for (int64_t i = 0; i < drawn; i++) {
      block.numbers[i] = generator.uniform();
      if (distribution == Distribution::normal) block.angles[i] = generator.uniform();
    }
    transform(distribution, block, drawn, first, second);
    for (int64_t i = 0; i < drawn; i++) {
      into[place] = static_cast<T>(block.numbers[i]);
      place += units;
      if (place >= count) place = ++unit;
    }
  }
  generator.store(words);
}

// Vectors as GCC and Clang have them.
#if defined(__GNUC__)

constexpr int kLanes = 8;

// Fewer numbers are drawn sooner than the lanes are set up.
constexpr int64_t kFewNumbers = 4096;

using Words = uint32_t __attribute__((vector_size(4 * kLanes)));
using Integers = int32_t __attribute__((vector_size(4 * kLanes)));
using Numbers = double __attribute__((vector_size(8 * kLanes)));

// A generator per lane. Vectors go in and out by reference: how they are passed depends on the instruction
// set.
struct Generators {
  Words a;
  Words b;
  Words c;
  Words d;
};

FASTMLP_INLINE void advance(Generators& state) {
  const Words b = state.b;
  const Words c = state.c ^ state.a;
  const Words d = state.d ^ b;
  state.c = c ^ (b << 9);
  state.b = b ^ c;
  state.a ^= d;
  state.d = d << 11 | d >> 21;
}

FASTMLP_INLINE void next(Generators& state, Words& word) {
  const Words scrambled = state.b * 5;
  word = (scrambled << 7 | scrambled >> 25) * 9;
  advance(state);
}

FASTMLP_INLINE void uniform(Generators& state, double* into) {
  Words high;
  Words low;
  next(state, high);
  next(state, low);
  const Integers upper = (Integers)(high >> 5);
  const Integers lower = (Integers)(low >> 6);
  const Numbers numbers =
      (__builtin_convertvector(upper, Numbers) * 0x1p26 + __builtin_convertvector(lower, Numbers)) * 0x1p-53;
  std::memcpy(into, &numbers, sizeof numbers);
}

FASTMLP_INLINE void jump(Generators& state, BitPolynomial polynomial) {
  Generators sum = {};
  for (int power = 0; power < 128; power++) {
    const uint32_t has = 0 - static_cast<uint32_t>(polynomial.has(power));
    sum.a ^= state.a & has;
    sum.b ^= state.b & has;
    sum.c ^= state.c & has;
    sum.d ^= state.d & has;
    advance(state);
  }
  state = sum;
}

// The first `lane_units` units, kLanes at a time: each lane begins where its unit does.
template <class T>
FASTMLP_INLINE void draw_lanes(Distribution distribution, uint32_t (&words)[4], T* into, int64_t inputs,
                               int64_t units, int64_t lane_units, double first, double second) {
  constexpr int64_t kRows = kBlock / kLanes;
  const int64_t words_of_unit = inputs * (distribution == Distribution::normal ? 4 : 2);
  const BitPolynomial unit_later = jump_polynomial(words_of_unit);
  const Words zero = {};
  Generators state = {zero + words[0], zero + words[1], zero + words[2], zero + words[3]};
  Generators later = state;
  for (int lane = 1; lane < kLanes; lane++) {
    jump(later, unit_later);
    state.a[lane] = later.a[lane];
    state.b[lane] = later.b[lane];
    state.c[lane] = later.c[lane];
    state.d[lane] = later.d[lane];
  }
  const BitPolynomial others_later = jump_polynomial(words_of_unit * (kLanes - 1));
  Block block;
  for (int64_t unit = 0; unit < lane_units; unit += kLanes) {
    if (unit > 0) jump(state, others_later);
    for (int64_t input = 0; input < inputs; input += kRows) {
      const int64_t rows = std::min(kRows, inputs - input);
      for (int64_t row = 0; row < rows; row++) {
        uniform(state, block.numbers + row * kLanes);
        if (distribution == Distribution::normal) uniform(state, block.angles + row * kLanes);
      }
      transform(distribution, block, rows * kLanes, first, second);
      for (int64_t row = 0; row < rows; row++) {
        T* const target = into + (input + row) * units + unit;
        for (int lane = 0; lane < kLanes; lane++)
          target[lane] = static_cast<T>(block.numbers[row * kLanes + lane]);
      }
    }
  }
  words[0] = state.a[kLanes - 1];
  words[1] = state.b[kLanes - 1];
  words[2] = state.c[kLanes - 1];
  words[3] = state.d[kLanes - 1];
}

#if defined(FASTMLP_X64)

#define FASTMLP_TARGET_AVX2 __attribute__((target("avx2")))

// Nothing is contracted: the numbers are the same bit for bit.
template <class T>
FASTMLP_TARGET_AVX2 void draw_lanes_avx2(Distribution distribution, uint32_t (&words)[4], T* into,
                                         int64_t inputs, int64_t units, int64_t lane_units, double first,
                                         double second) {
  draw_lanes(distribution, words, into, inputs, units, lane_units, first, second);
}

#endif

template <class T>
void draw_lanes_baseline(Distribution distribution, uint32_t (&words)[4], T* into, int64_t inputs,
                         int64_t units, int64_t lane_units, double first, double second) {
  draw_lanes(distribution, words, into, inputs, units, lane_units, first, second);
}

#endif

}  // namespace

template <class T>
void draw(Distribution distribution, uint32_t (&words)[4], T* into, int64_t count, int64_t units,
          double first, double second) {
  int64_t lane_units = 0;
#if defined(__GNUC__)
  if (count >= kFewNumbers && count % units == 0) lane_units = units - units % kLanes;
  if (lane_units > 0) {
    auto* lanes = draw_lanes_baseline<T>;
#if defined(FASTMLP_X64)
    const CpuFeatures& cpu = cpu_features();
    if (cpu.avx2 && cpu.saves_ymm) lanes = draw_lanes_avx2<T>;
#endif
    lanes(distribution, words, into, count / units, units, lane_units, first, second);
  }
#endif
  draw_in_order(distribution, words, into, count, units, lane_units, first, second);
}

template void draw(Distribution, uint32_t (&)[4], float*, int64_t, int64_t, double, double);
template void draw(Distribution, uint32_t (&)[4], double*, int64_t, int64_t, double, double);

}  // namespace fastmlp
