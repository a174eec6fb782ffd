// Expressions on matrices, one function at a time.
// Shapes: the output is rows × columns. Operands are repeated as their extents say: `full` is rows ×
// columns, `row` one number per row, `units` one per column, `constant` one number. The output may be an
// operand of extent `full`.
#pragma once

#include "native/batch.h"
#include "native/kernels/elementwise.h"
#include "native/kernels/functions.h"
#include "native/kernels/losses.h"
#include "native/kernels/math.h"
#include "native/kernels/metrics.h"
#include "native/opcodes.h"
#include "native/shares.h"

namespace fastmlp {

template <class S, UnaryCode kCode>
FASTMLP_INLINE typename S::V map_value(typename S::V a) {
  if constexpr (kCode == UnaryCode::neg) return S::mul(a, S::set1(-1.0f));
  if constexpr (kCode == UnaryCode::abs) return S::abs(a);
  if constexpr (kCode == UnaryCode::sqrt) return S::sqrt(a);
  if constexpr (kCode == UnaryCode::exp) return exp_poly6_f32<S>(a);
  if constexpr (kCode == UnaryCode::expm1) return expm1_poly6_f32<S>(a);
  if constexpr (kCode == UnaryCode::log) return log_poly10_f32<S>(a);
  if constexpr (kCode == UnaryCode::sin) return sin_or_cos_f32<S, false>(a);
  if constexpr (kCode == UnaryCode::cos) return sin_or_cos_f32<S, true>(a);
  if constexpr (kCode == UnaryCode::tanh) return tanh_poly6_f32<S>(a);
  if constexpr (kCode == UnaryCode::sigmoid) return sigmoid_poly6_f32<S>(a);
  if constexpr (kCode == UnaryCode::softplus) return softplus_f32<S>(a);
  if constexpr (kCode == UnaryCode::erf) return erf_poly11_f32<S>(a);
  return a;
}

template <class S, BinaryCode kCode>
FASTMLP_INLINE typename S::V map_value(typename S::V a, typename S::V b) {
  using V = typename S::V;
  const V one = S::set1(1.0f);
  const V zero = S::set1(0.0f);
  if constexpr (kCode == BinaryCode::add) return S::add(a, b);
  if constexpr (kCode == BinaryCode::sub) return S::sub(a, b);
  if constexpr (kCode == BinaryCode::mul) return S::mul(a, b);
  if constexpr (kCode == BinaryCode::div) return S::div(a, b);
  // min and max take their second operand where there is a NaN.
  if constexpr (kCode == BinaryCode::min) return S::select(S::equal(a, a), S::min(a, b), a);
  if constexpr (kCode == BinaryCode::max) return S::select(S::equal(a, a), S::max(a, b), a);
  if constexpr (kCode == BinaryCode::less) return S::select(S::less(a, b), one, zero);
  if constexpr (kCode == BinaryCode::lessEqual) return S::select(S::less_equal(a, b), one, zero);
  return S::select(S::equal(a, b), one, zero);
}

// The element-by-element functions of `map_rows`.
template <class Code, Code kCode>
struct MapFunction {
  template <class S, class... Values>
  static FASTMLP_INLINE typename S::V value(Values... values) {
    return map_value<S, kCode>(values...);
  }
};
struct WhereFunction {
  template <class S, class V>
  static FASTMLP_INLINE V value(V condition, V a, V b) {
    return S::select(S::equal(condition, S::set1(0.0f)), b, a);
  }
};

// Rows and columns of a map. Where all operands are full or constant, the rows are one long row.
struct MapShape {
  int64_t rows;
  int64_t columns;
};

// Where an operand lies and how it is repeated.
struct MapOperand {
  const float* values;
  ExtentCode extent;
};

// Where there is one column, or one row, every extent is as good as full or constant.
FASTMLP_INLINE ExtentCode plain_extent(int32_t code, int64_t rows, int64_t columns) {
  const auto extent = static_cast<ExtentCode>(code);
  if (columns == 1 && extent == ExtentCode::row) return ExtentCode::full;
  if (columns == 1 && extent == ExtentCode::units) return ExtentCode::constant;
  if (rows == 1 && extent == ExtentCode::units) return ExtentCode::full;
  if (rows == 1 && extent == ExtentCode::row) return ExtentCode::constant;
  return extent;
}

// Distance of an operand's numbers from one row to the next.
FASTMLP_INLINE int64_t row_step(ExtentCode extent, int64_t columns) {
  return extent == ExtentCode::full ? columns : extent == ExtentCode::row ? 1 : 0;
}

FASTMLP_INLINE bool is_flat(const MapOperand& operand) {
  return operand.extent == ExtentCode::full || operand.extent == ExtentCode::constant;
}

// An operand while its rows are gone through: element j of the row is the one at `j & mask`. A number that
// stands for a whole row is spread over a vector, where a mask of 0 stays.
template <class S>
class MapReader {
 public:
  FASTMLP_INLINE MapReader(const MapOperand& operand, int64_t columns)
      : row_(operand.values),
        spread_(operand.extent == ExtentCode::row || operand.extent == ExtentCode::constant),
        mask_(spread_ ? 0 : -1),
        step_(row_step(operand.extent, columns)) {}
  MapReader(const MapReader&) = delete;
  MapReader& operator=(const MapReader&) = delete;

  FASTMLP_INLINE void enter_row() {
    if (spread_) S::store(lanes_, S::set1(*row_));
    values_ = spread_ ? lanes_ : row_;
    row_ += step_;
  }
  template <class Lanes>
  FASTMLP_INLINE typename Lanes::V load(Lanes lanes, int64_t j) const {
    return lanes.load(values_ + (j & mask_));
  }

 private:
  const float* row_;
  const float* values_ = nullptr;
  bool spread_;
  int64_t mask_;
  int64_t step_;
  float lanes_[S::kLanes];
};

// output[r,j] = Function(operands[r,j]…).
template <class S, class Function, class... Readers>
FASTMLP_INLINE void map_each(const MapShape& shape, float* output, Readers&&... readers) {
  for (int64_t r = 0; r < shape.rows; r++, output += shape.columns) {
    (readers.enter_row(), ...);
    for_each<S>(shape.columns, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(output + j, Function::template value<L>(readers.load(lanes, j)...));
    });
  }
}

// A function of its own for each kind of map, so that they do not compete for registers.
template <class S, class Function, class... Operands>
FASTMLP_NOINLINE void map_rows(const MapShape& shape, float* output, const Operands&... operands) {
  map_each<S, Function>(shape, output, MapReader<S>(operands, shape.columns)...);
}

template <class S, class Function, class... Operands>
FASTMLP_INLINE void map(const Batch& batch, Span rows, int32_t output, int64_t columns,
                        const Operands&... operands) {
  const bool flat = (is_flat(operands) && ...);
  const int64_t count = rows.end - rows.begin;
  const MapShape shape = flat ? MapShape{1, count * columns} : MapShape{count, columns};
  map_rows<S, Function>(shape, batch.arena + output + rows.begin * columns, operands...);
}

template <class S>
FASTMLP_INLINE MapOperand map_operand(const Batch& batch, Span rows, int32_t offset, int32_t code,
                                      int64_t columns) {
  const ExtentCode extent = plain_extent(code, batch.rows, columns);
  return {batch.arena + offset + rows.begin * row_step(extent, columns), extent};
}

// Calls body with a code as a type, one of 0 … kLast.
template <class Code, Code kLast, int32_t kFirst = 0, class Body>
FASTMLP_INLINE void with_code(int32_t code, Body body) {
  if (code == kFirst) return body(Constant<Code, static_cast<Code>(kFirst)>{});
  if constexpr (kFirst < static_cast<int32_t>(kLast)) with_code<Code, kLast, kFirst + 1>(code, body);
}

template <class S>
FASTMLP_INLINE void map_unary(const Batch& batch, const operands::map_unary& o, Span rows) {
  const MapOperand a = map_operand<S>(batch, rows, o.a, o.aExtent, o.columns);
  with_code<UnaryCode, UnaryCode::erf>(o.function, [&](auto code) {
    map<S, MapFunction<UnaryCode, decltype(code)::value>>(batch, rows, o.output, o.columns, a);
  });
}

template <class S>
FASTMLP_INLINE void map_binary(const Batch& batch, const operands::map_binary& o, Span rows) {
  const MapOperand a = map_operand<S>(batch, rows, o.a, o.aExtent, o.columns);
  const MapOperand b = map_operand<S>(batch, rows, o.b, o.bExtent, o.columns);
  with_code<BinaryCode, BinaryCode::equal>(o.function, [&](auto code) {
    map<S, MapFunction<BinaryCode, decltype(code)::value>>(batch, rows, o.output, o.columns, a, b);
  });
}

template <class S>
FASTMLP_INLINE void map_where(const Batch& batch, const operands::map_where& o, Span rows) {
  const MapOperand condition = map_operand<S>(batch, rows, o.condition, o.conditionExtent, o.columns);
  const MapOperand a = map_operand<S>(batch, rows, o.a, o.aExtent, o.columns);
  const MapOperand b = map_operand<S>(batch, rows, o.b, o.bExtent, o.columns);
  map<S, WhereFunction>(batch, rows, o.output, o.columns, condition, a, b);
}

// Sum or largest of a row, or of as many columns of one repeated number.
template <class S>
FASTMLP_INLINE float map_row_value(const float* row, int64_t columns, bool repeated, RowCode function) {
  if (function == RowCode::rowMax) return row[repeated ? 0 : argmax<S>(row, columns)];
  if (repeated) return static_cast<float>(columns) * *row;
  return sum_each<S>(columns, [&](auto lanes, int64_t j) { return lanes.load(row + j); });
}

template <class S>
FASTMLP_NOINLINE void map_row(const Batch& batch, const operands::map_row& o, Span rows) {
  const auto extent = static_cast<ExtentCode>(o.aExtent);
  const auto function = static_cast<RowCode>(o.function);
  const bool repeated = extent == ExtentCode::row || extent == ExtentCode::constant;
  const int64_t step = row_step(extent, o.columns);
  const float* row = batch.arena + o.a + rows.begin * step;
  float* output = batch.arena + o.output;
  for (int64_t r = rows.begin; r < rows.end; r++, row += step) {
    if (function != RowCode::firstMax) {
      output[r] = map_row_value<S>(row, o.columns, repeated, function);
      continue;
    }
    const int64_t first = repeated ? 0 : argmax<S>(row, o.columns);
    float* marks = output + r * o.columns;
    for_each<S>(o.columns, [&](auto lanes, int64_t j) {
      using L = typename decltype(lanes)::Simd;
      lanes.store(marks + j, L::set1(0.0f));
    });
    marks[first] = 1.0f;
  }
}

template <class S>
FASTMLP_INLINE void reduction_scale(const Batch& batch, const operands::reduction_scale& o, Undivided) {
  batch.arena[o.output] = scale_of<S>(o.reduction, batch.rows);
}

}  // namespace fastmlp
