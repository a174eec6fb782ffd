// How many floating-point operations an instruction set can do: independent multiply-adds on registers, with
// the vocabulary of the kernels and nothing from memory. `run N` answers the seconds of N repeats.
#include <time.h>

#include <cstdint>
#include <cstdio>

#if defined(FASTMLP_AVX512)
#include "native/simd/avx512.h"
using Simd = fastmlp::avx512::Simd;
#elif defined(FASTMLP_AVX2)
#include "native/simd/avx2.h"
using Simd = fastmlp::avx2::Simd;
#elif defined(FASTMLP_NEON)
#include "native/simd/neon.h"
using Simd = fastmlp::neon::Simd;
#else
#include "native/simd/scalar.h"
struct Simd : fastmlp::OneLane<Simd> {};
#endif

namespace {

// Latency of a multiply-add × those begun in a cycle, and no more than the registers hold with the two factors.
#if defined(FASTMLP_NEON)
constexpr int kChains = 24;
#else
constexpr int kChains = 12;
#endif
constexpr int64_t kRounds = 4096;
constexpr long long kFlop = 2 * kRounds * kChains * Simd::kLanes;  // NOLINT(runtime/int): as printf has it

// Keeps the work alive.
volatile float sink;

FASTMLP_NOINLINE void chains(int64_t rounds, float factor, float term) {
  const auto a = Simd::set1(factor);
  const auto b = Simd::set1(term);
  Simd::V sums[kChains];
  FASTMLP_UNROLL
  for (int i = 0; i < kChains; i++) sums[i] = Simd::set1(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; round++) {
    FASTMLP_UNROLL
    for (int i = 0; i < kChains; i++) sums[i] = Simd::fma(sums[i], a, b);
  }
  FASTMLP_UNROLL
  for (int i = 0; i < kChains; i++) sink = sink + Simd::reduce_add(sums[i]);
}

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

int main() {
  std::printf("{\"ok\":true,\"version\":\"%d floats\"}\n", Simd::kLanes);
  std::fflush(stdout);
  long long repeats = 0;
  while (std::scanf(" run %lld", &repeats) == 1) {
    const double start = now();
    for (long long i = 0; i < repeats; i++) chains(kRounds, 0.5f, 0.25f);
    const double seconds = now() - start;
    std::printf("{\"ok\":true,\"seconds\":%.9f,\"flop\":%lld}\n", seconds, kFlop);
    std::fflush(stdout);
  }
  return 0;
}
