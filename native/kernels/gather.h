// Rows of the data into the arena, and rows of the arena into the result.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

// Data row of row r of the batch.
template <class S>
FASTMLP_INLINE int64_t source_row(const Batch& batch, int64_t r) {
  return batch.order == nullptr ? batch.position + r : static_cast<int64_t>(batch.order[r]);
}

// `count` numbers of the data as floats: where they lie if they are floats, else in `room`.
template <class S>
FASTMLP_INLINE const float* as_floats(const void* data, Element element, int64_t first, int32_t count,
                                      float* room) {
  switch (element) {
    case Element::float32:
      return static_cast<const float*>(data) + first;
    case Element::uint8:
      for (int32_t j = 0; j < count; j++) room[j] = static_cast<const uint8_t*>(data)[first + j];
      return room;
    case Element::float64:
      for (int32_t j = 0; j < count; j++) {
        room[j] = static_cast<float>(static_cast<const double*>(data)[first + j]);
      }
      return room;
  }
  return room;
}

template <class L>
FASTMLP_INLINE typename L::V load_element(const float* p) {
  return L::load(p);
}
template <class L>
FASTMLP_INLINE typename L::V load_element(const uint8_t* p) {
  return L::load_u8(p);
}

// Calls body(simd, i) for whole vectors, then for single elements.
template <class S, class Body>
FASTMLP_INLINE void for_each_exact(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + S::kLanes <= count; i += S::kLanes) body(S{}, i);
  for (; i < count; i++) body(typename S::One{}, i);
}

// output[j] = row[j] * scale[j] + offset[j]; `scale` and `offset` have one number for all columns or one per
// column.
template <class S, class T>
FASTMLP_INLINE void transform_row(const T* row, int64_t columns, const float* scale, const float* offset,
                                  bool per_column, float* output) {
  if (scale == nullptr && offset == nullptr) {
    for_each_exact<S>(columns, [&](auto simd, int64_t j) {
      using L = decltype(simd);
      L::store(output + j, load_element<L>(row + j));
    });
    return;
  }
  if (per_column) {
    for_each_exact<S>(columns, [&](auto simd, int64_t j) {
      using L = decltype(simd);
      const auto factor = scale == nullptr ? L::set1(1.0f) : L::load(scale + j);
      const auto shift = offset == nullptr ? L::set1(0.0f) : L::load(offset + j);
      L::store(output + j, L::fma(load_element<L>(row + j), factor, shift));
    });
    return;
  }
  const float factor = scale == nullptr ? 1.0f : *scale;
  const float shift = offset == nullptr ? 0.0f : *offset;
  for_each_exact<S>(columns, [&](auto simd, int64_t j) {
    using L = decltype(simd);
    L::store(output + j, L::fma(load_element<L>(row + j), L::set1(factor), L::set1(shift)));
  });
}

// float64 rows are rounded first, then transformed in place.
template <class S>
FASTMLP_INLINE void transform_row(const double* row, int64_t columns, const float* scale, const float* offset,
                                  bool per_column, float* output) {
  for (int64_t j = 0; j < columns; j++) output[j] = static_cast<float>(row[j]);
  transform_row<S>(static_cast<const float*>(output), columns, scale, offset, per_column, output);
}

// Shuffled rows lie anywhere in memory: they are fetched this many rows before they are needed.
constexpr int64_t kRowsAhead = 3;

template <class S, class T>
FASTMLP_INLINE void fetch_row(const T* row, int64_t columns) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  for (int64_t j = 0; j < columns; j += kLine) FASTMLP_PREFETCH(row + j);
}

template <class S, class T>
FASTMLP_INLINE void gather_typed_rows(const Batch& batch, const T* source, const operands::gather_rows& o,
                                      Span rows) {
  if (o.scale < 0 && o.offset < 0 && batch.rows * o.columns <= kSingleLanes) {
    float* output = batch.arena + o.output + rows.begin * o.columns;
    for (int64_t r = rows.begin; r < rows.end; r++) {
      const T* row = source + source_row<S>(batch, r) * o.columns;
      for (const T* end = row + o.columns; row < end; row++) *output++ = static_cast<float>(*row);
    }
    return;
  }
  const float* scale = o.scale < 0 ? nullptr : batch.arena + o.scale;
  const float* offset = o.offset < 0 ? nullptr : batch.arena + o.offset;
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const T* row = source + source_row<S>(batch, r) * o.columns;
    if (r + kRowsAhead < rows.end)
      fetch_row<S>(source + source_row<S>(batch, r + kRowsAhead) * o.columns, o.columns);
    transform_row<S>(row, o.columns, scale, offset, o.perColumn != 0, batch.arena + o.output + r * o.columns);
  }
}

template <class S>
FASTMLP_NOINLINE void gather_rows(const Batch& batch, const operands::gather_rows& o, Span rows) {
  const void* inputs = batch.source.inputs;
  switch (batch.source.input_element) {
    case Element::float32:
      return gather_typed_rows<S>(batch, static_cast<const float*>(inputs), o, rows);
    case Element::uint8:
      return gather_typed_rows<S>(batch, static_cast<const uint8_t*>(inputs), o, rows);
    case Element::float64:
      return gather_typed_rows<S>(batch, static_cast<const double*>(inputs), o, rows);
  }
}

template <class S>
FASTMLP_NOINLINE void gather_targets(const Batch& batch, const operands::gather_targets& o, Span rows) {
  const void* targets = batch.source.targets;
  for (int64_t r = rows.begin; r < rows.end; r++) {
    const int64_t first = source_row<S>(batch, r) * o.width + o.first;
    float* output = batch.arena + o.output + r * o.columns;
    if (batch.source.target_element == Element::float64) {
      const double* row = static_cast<const double*>(targets) + first;
      for (int64_t j = 0; j < o.columns; j++) output[j] = static_cast<float>(row[j]);
    } else {
      const float* row = static_cast<const float*>(targets) + first;
      for_each<S>(o.columns, [&](auto lanes, int64_t j) { lanes.store(output + j, lanes.load(row + j)); });
    }
  }
}

template <class S>
FASTMLP_NOINLINE void gather_labels(const Batch& batch, const operands::gather_labels& o, Span rows) {
  float* output = batch.arena + o.output;
  for (int64_t r = rows.begin; r < rows.end; r++) {
    output[r] = static_cast<float>(batch.source.labels[source_row<S>(batch, r)]);
  }
}

template <class S>
FASTMLP_NOINLINE void store_rows(const Batch& batch, const operands::store_rows& o, Span rows) {
  const float* output = batch.arena + o.output + rows.begin * o.units;
  const int64_t count = (rows.end - rows.begin) * o.units;
  const int64_t first = (batch.position + rows.begin) * o.units;
  if (batch.result_element == Element::float64) {
    double* result = static_cast<double*>(batch.result) + first;
    for (int64_t i = 0; i < count; i++) result[i] = static_cast<double>(output[i]);
  } else {
    float* result = static_cast<float*>(batch.result) + first;
    for_each<S>(count, [&](auto lanes, int64_t i) { lanes.store(result + i, lanes.load(output + i)); });
  }
}

}  // namespace fastmlp
