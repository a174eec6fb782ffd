// What layers do in training steps only: dropout and noise. Nothing random is stored: the bits of an element
// follow from the scalars, the layer and its place in the batch, the same on every instruction set.
// Shapes: input and output B×U; the output may be the input.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/functions.h"
#include "native/kernels/math.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

constexpr uint32_t kMixFirst = 0x21f0aaadu;
constexpr uint32_t kMixSecond = 0x735a2d97u;
constexpr uint32_t kGolden = 0x9e3779b9u;
// 2^-24: masks have 24 bits for an element.
constexpr float kMaskUnit = 5.96046448e-8f;

struct MaskKeys {
  uint32_t first;
  uint32_t second;
};

template <class L>
FASTMLP_INLINE typename L::I mix(typename L::I a, uint32_t halfway) {
  a = L::times(L::template fold<16>(a), kMixFirst);
  a = L::times(L::plus(L::template fold<15>(a), halfway), kMixSecond);
  return L::template fold<15>(a);
}

// As maskKeys of the reference.
template <class S>
FASTMLP_INLINE MaskKeys mask_keys(const Batch& batch, int32_t masks, int32_t layer) {
  using One = typename S::One;
  const auto key = static_cast<uint32_t>(batch.scalars[masks]);
  const auto step = static_cast<uint32_t>(static_cast<uint64_t>(batch.scalars[masks + 1]));
  const uint32_t base = mix<One>(key ^ mix<One>(static_cast<uint32_t>(layer) + kGolden, 0), 0);
  return {mix<One>(base + step, 0), mix<One>(mix<One>(base ^ kGolden, 0) + step, 0)};
}

// As maskBits of the reference, as numbers below 2^24, of elements from `element` on.
template <class L>
FASTMLP_INLINE typename L::V mask_bits(const MaskKeys& keys, int64_t element) {
  const auto counted = L::count_from(static_cast<uint32_t>(element) + keys.first);
  return L::upper_bits(mix<L>(counted, keys.second));
}

template <class S>
FASTMLP_NOINLINE void next_masks(const Batch& batch, const operands::next_masks& o, Undivided) {
  batch.scalars[o.masks + 1] += 1;
}

template <class S>
FASTMLP_NOINLINE void dropout(const Batch& batch, const operands::dropout& o, Span rows) {
  const MaskKeys keys = mask_keys<S>(batch, o.masks, o.layer);
  const auto dropped = static_cast<float>(o.dropped);
  const float factor = 1.0f / (1.0f - dropped * kMaskUnit);
  const int64_t first = rows.begin * o.units;
  const float* input = batch.arena + o.input + first;
  float* output = batch.arena + o.output + first;
  for_each<S>((rows.end - rows.begin) * o.units, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto is_dropped = L::less(mask_bits<L>(keys, first + i), L::set1(dropped));
    const auto scaled = L::mul(lanes.load(input + i), L::set1(factor));
    lanes.store(output + i, L::select(is_dropped, L::set1(0.0f), scaled));
  });
}

template <class S>
FASTMLP_NOINLINE void gaussian_noise(const Batch& batch, const operands::gaussian_noise& o, Span rows) {
  const MaskKeys keys = mask_keys<S>(batch, o.masks, o.layer);
  using One = typename S::One;
  const MaskKeys others{mix<One>(keys.second, 0), mix<One>(keys.first, 0)};
  const auto deviation = static_cast<float>(batch.scalars[o.deviation]);
  const int64_t first = rows.begin * o.units;
  const float* input = batch.arena + o.input + first;
  float* output = batch.arena + o.output + first;
  for_each<S>((rows.end - rows.begin) * o.units, [&](auto lanes, int64_t i) {
    using L = typename decltype(lanes)::Simd;
    const auto share = L::mul(L::add(mask_bits<L>(keys, first + i), L::set1(1.0f)), L::set1(kMaskUnit));
    const auto radius = L::sqrt(L::mul(L::set1(-2.0f), log_poly10_f32<L>(share)));
    // 2 pi / 2^24.
    const auto angle = L::mul(mask_bits<L>(others, first + i), L::set1(3.74507028e-7f));
    const auto normal = L::mul(radius, sin_or_cos_f32<L, true>(angle));
    lanes.store(output + i, L::fma(L::set1(deviation), normal, lanes.load(input + i)));
  });
}

}  // namespace fastmlp
