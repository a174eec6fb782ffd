// What an operation may be divided along. The whole is the share of a thread that works alone; partition.h
// cuts it for several.
#pragma once

#include <cstdint>
#include <type_traits>

#include "native/batch.h"
#include "native/opcodes.h"
#include "native/simd/common.h"

namespace fastmlp {

// Places `begin` to before `end`.
struct Span {
  int64_t begin;
  int64_t end;
};

// Of a matrix.
struct Block {
  Span rows;
  Span columns;
};

// Of an operation that one thread executes.
struct Undivided {};

// A product is divided along its result. The others are divided along the rows of the batch, an update of
// parameters along those.
FASTMLP_INLINE Block whole_of(const operands::linear_forward& o, int64_t rows) {
  return {{0, rows}, {0, o.units}};
}
FASTMLP_INLINE Block whole_of(const operands::linear_backward_weights& o, int64_t) {
  return {{0, o.inputs}, {0, o.units}};
}
FASTMLP_INLINE Block whole_of(const operands::linear_backward_input& o, int64_t rows) {
  return {{0, rows}, {0, o.inputs}};
}
FASTMLP_INLINE Span whole_of(const operands::sgd_step& o, int64_t) { return {0, o.count}; }
FASTMLP_INLINE Span whole_of(const operands::adam_step& o, int64_t) { return {0, o.count}; }
FASTMLP_INLINE Span whole_of(const operands::optimizer_step& o, int64_t) { return {0, o.count}; }
FASTMLP_INLINE Span whole_of(const operands::clip_gradient& o, int64_t) { return {0, o.count}; }
FASTMLP_INLINE Span whole_of(const operands::penalty& o, int64_t) { return {0, o.count}; }
FASTMLP_INLINE Span whole_of(const operands::average_step& o, int64_t) { return {0, o.count}; }
// Blocks of squares, and columns of weights.
FASTMLP_INLINE Span whole_of(const operands::gradient_squares& o, int64_t) {
  return {0, (o.count - 1) / o.block + 1};
}
FASTMLP_INLINE Span whole_of(const operands::max_norm& o, int64_t) { return {0, o.units}; }
// A sum over rows is divided along the columns.
FASTMLP_INLINE Span whole_of(const operands::batch_norm_forward& o, int64_t) { return {0, o.units}; }
FASTMLP_INLINE Span whole_of(const operands::batch_norm_backward& o, int64_t) { return {0, o.units}; }
FASTMLP_INLINE Span whole_of(const operands::layer_norm_backward_weights& o, int64_t) { return {0, o.units}; }
FASTMLP_INLINE Undivided whole_of(const operands::sum_losses&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::count_correct&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::count_correct_labels&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::advance_moments&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::train_rows&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::advance_optimizer&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::count_batches&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::gradient_norm&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::reduction_scale&, int64_t) { return {}; }
FASTMLP_INLINE Undivided whole_of(const operands::next_masks&, int64_t) { return {}; }
template <class Operands>
FASTMLP_INLINE Span whole_of(const Operands&, int64_t rows) {
  return {0, rows};
}

// As blocks, of one column where there is no second direction.
FASTMLP_INLINE Block block_of(const Block& block) { return block; }
FASTMLP_INLINE Block block_of(const Span& span) { return {span, {0, 1}}; }
FASTMLP_INLINE Block block_of(Undivided) { return {{0, 1}, {0, 1}}; }

// The way back: the share that the kernel takes whose whole is `Share`.
template <class Share>
FASTMLP_INLINE Share share_of(const Block& block) {
  if constexpr (std::is_same_v<Share, Block>) return block;
  if constexpr (std::is_same_v<Share, Span>) return block.rows;
  if constexpr (std::is_same_v<Share, Undivided>) return {};
}

}  // namespace fastmlp
