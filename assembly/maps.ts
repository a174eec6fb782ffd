/**
 * Expressions, one function at a time. Outputs are rows × columns; operands are repeated over them as their extent
 * says. An output may be an operand of the extent `full`.
 */
import { BinaryCode, ExtentCode, RowCode } from '../src/opcodes';
import { Batch } from './batch';
import { argmax_row, max_row, sum_row } from './rows';
import { F32x4 } from './simd';
import { Last, unary_numbers } from './unary';
import { Workspace } from './workspace';

/**
 * How a loop over numbers reads an operand: from an address on, by a step in bytes for each vector, which is zero
 * where the same number comes again and again.
 */
class Operand {
  /** The extent, with `full` or `constant` for what is as good as that in a batch of one row or column. */
  @inline static extent(extent: i32, columns: i32): i32 {
    if (columns === 1) {
      if (extent === ExtentCode.row) return ExtentCode.full;
      if (extent === ExtentCode.units) return ExtentCode.constant;
    } else if (Batch.rows === 1) {
      if (extent === ExtentCode.row) return ExtentCode.constant;
      if (extent === ExtentCode.units) return ExtentCode.full;
    }
    return extent;
  }

  /** Whether the whole batch is one stretch of numbers for this operand. */
  @inline static is_flat(extent: i32): bool {
    return extent === ExtentCode.full || extent === ExtentCode.constant;
  }

  /** Where the batch begins. */
  @inline static begin(extent: i32, p: usize, slot: usize): usize {
    return extent === ExtentCode.constant ? Operand.repeat(p, slot) : p;
  }

  /** Where a row begins that is at `p`. */
  @inline static row(extent: i32, p: usize, slot: usize): usize {
    return extent === ExtentCode.row ? Operand.repeat(p, slot) : p;
  }

  /** The step from vector to vector. */
  @inline static step(extent: i32): usize {
    return extent === ExtentCode.full || extent === ExtentCode.units ? 16 : 0;
  }

  /** The step from row to row. */
  @inline static row_step(extent: i32, columns: i32): usize {
    if (extent === ExtentCode.full) return (<usize>columns) << 2;
    return extent === ExtentCode.row ? 4 : 0;
  }

  @inline private static repeat(p: usize, slot: usize): usize {
    v128.store(Workspace.repeated + slot, v128.load32_splat(p));
    return Workspace.repeated + slot;
  }
}

class Binary {
  @inline static value(code: i32, a: v128, b: v128): v128 {
    const one = f32x4.splat(1.0);
    if (code === BinaryCode.add) return f32x4.add(a, b);
    if (code === BinaryCode.sub) return f32x4.sub(a, b);
    if (code === BinaryCode.mul) return f32x4.mul(a, b);
    if (code === BinaryCode.div) return f32x4.div(a, b);
    if (code === BinaryCode.min) return f32x4.min(a, b);
    if (code === BinaryCode.max) return f32x4.max(a, b);
    if (code === BinaryCode.less) return v128.and(f32x4.lt(a, b), one);
    if (code === BinaryCode.lessEqual) return v128.and(f32x4.le(a, b), one);
    return v128.and(f32x4.eq(a, b), one);
  }

  /** output[i] = function(a[i], b[i]), in whole vectors up to `end`. */
  @inline static loop(
    code: i32,
    a: usize,
    a_step: usize,
    b: usize,
    b_step: usize,
    output: usize,
    end: usize,
  ): void {
    for (; output < end; a += a_step, b += b_step, output += 16) {
      v128.store(output, Binary.value(code, v128.load(a), v128.load(b)));
    }
  }
}

class Choice {
  @inline static value(condition: v128, a: v128, b: v128): v128 {
    return F32x4.select(f32x4.ne(condition, f32x4.splat(0.0)), a, b);
  }
}

/** output[i] = function(a[i], b[i]) for `count` numbers. */
function binary_numbers(
  code: i32,
  a: usize,
  a_step: usize,
  b: usize,
  b_step: usize,
  output: usize,
  count: i32,
): void {
  const rest = count & 3;
  const end = output + ((<usize>(count - rest)) << 2);
  binary_vectors(code, a, a_step, b, b_step, output, end);
  if (rest === 0) return;
  const last = Workspace.last;
  v128.store(last, F32x4.load_last(Last.of(a, a_step, end - output), rest));
  v128.store(last, F32x4.load_last(Last.of(b, b_step, end - output), rest), 16);
  binary_vectors(code, last, 16, last + 16, 16, last, last + 16);
  F32x4.store_last(end, v128.load(last), rest);
}

function binary_vectors(
  code: i32,
  a: usize,
  a_step: usize,
  b: usize,
  b_step: usize,
  output: usize,
  end: usize,
): void {
  // Weights of rows need no more.
  if (code === BinaryCode.mul) Binary.loop(BinaryCode.mul, a, a_step, b, b_step, output, end);
  else if (isDefined(WHOLE)) further_binary_vectors(code, a, a_step, b, b_step, output, end);
  else unreachable();
}

function further_binary_vectors(
  code: i32,
  a: usize,
  a_step: usize,
  b: usize,
  b_step: usize,
  output: usize,
  end: usize,
): void {
  switch (code) {
    case BinaryCode.add:
      Binary.loop(BinaryCode.add, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.sub:
      Binary.loop(BinaryCode.sub, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.div:
      Binary.loop(BinaryCode.div, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.min:
      Binary.loop(BinaryCode.min, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.max:
      Binary.loop(BinaryCode.max, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.less:
      Binary.loop(BinaryCode.less, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.lessEqual:
      Binary.loop(BinaryCode.lessEqual, a, a_step, b, b_step, output, end);
      break;
    case BinaryCode.equal:
      Binary.loop(BinaryCode.equal, a, a_step, b, b_step, output, end);
      break;
  }
}

/** output[i] = condition[i] != 0 ? a[i] : b[i] for `count` numbers. */
function choose_numbers(
  condition: usize,
  condition_step: usize,
  a: usize,
  a_step: usize,
  b: usize,
  b_step: usize,
  output: usize,
  count: i32,
): void {
  for (; count >= 4; count -= 4, output += 16) {
    v128.store(output, Choice.value(v128.load(condition), v128.load(a), v128.load(b)));
    condition += condition_step;
    a += a_step;
    b += b_step;
  }
  if (count > 0) {
    const last_condition = F32x4.load_last(condition, count);
    const last = Choice.value(last_condition, F32x4.load_last(a, count), F32x4.load_last(b, count));
    F32x4.store_last(output, last, count);
  }
}

export function map_unary(a: usize, a_extent: i32, output: usize, columns: i32, code: i32): void {
  a_extent = Operand.extent(a_extent, columns);
  const a_step = Operand.step(a_extent);
  a = Operand.begin(a_extent, a, 0);
  if (Operand.is_flat(a_extent)) {
    unary_numbers(code, a, a_step, output, Batch.rows * columns);
    return;
  }
  for (let r: i32 = 0; r < Batch.rows; r++, output += (<usize>columns) << 2) {
    unary_numbers(code, Operand.row(a_extent, a, 0), a_step, output, columns);
    a += Operand.row_step(a_extent, columns);
  }
}

export function map_binary(
  a: usize,
  a_extent: i32,
  b: usize,
  b_extent: i32,
  output: usize,
  columns: i32,
  code: i32,
): void {
  a_extent = Operand.extent(a_extent, columns);
  b_extent = Operand.extent(b_extent, columns);
  const a_step = Operand.step(a_extent);
  const b_step = Operand.step(b_extent);
  a = Operand.begin(a_extent, a, 0);
  b = Operand.begin(b_extent, b, 16);
  if (Operand.is_flat(a_extent) && Operand.is_flat(b_extent)) {
    binary_numbers(code, a, a_step, b, b_step, output, Batch.rows * columns);
    return;
  }
  for (let r: i32 = 0; r < Batch.rows; r++, output += (<usize>columns) << 2) {
    const a_row = Operand.row(a_extent, a, 0);
    const b_row = Operand.row(b_extent, b, 16);
    binary_numbers(code, a_row, a_step, b_row, b_step, output, columns);
    a += Operand.row_step(a_extent, columns);
    b += Operand.row_step(b_extent, columns);
  }
}

export function map_where(
  condition: usize,
  condition_extent: i32,
  a: usize,
  a_extent: i32,
  b: usize,
  b_extent: i32,
  output: usize,
  columns: i32,
): void {
  condition_extent = Operand.extent(condition_extent, columns);
  a_extent = Operand.extent(a_extent, columns);
  b_extent = Operand.extent(b_extent, columns);
  const condition_step = Operand.step(condition_extent);
  const a_step = Operand.step(a_extent);
  const b_step = Operand.step(b_extent);
  condition = Operand.begin(condition_extent, condition, 0);
  a = Operand.begin(a_extent, a, 16);
  b = Operand.begin(b_extent, b, 32);
  if (Operand.is_flat(condition_extent) && Operand.is_flat(a_extent) && Operand.is_flat(b_extent)) {
    choose_numbers(condition, condition_step, a, a_step, b, b_step, output, Batch.rows * columns);
    return;
  }
  for (let r: i32 = 0; r < Batch.rows; r++, output += (<usize>columns) << 2) {
    const condition_row = Operand.row(condition_extent, condition, 0);
    const a_row = Operand.row(a_extent, a, 16);
    const b_row = Operand.row(b_extent, b, 32);
    choose_numbers(condition_row, condition_step, a_row, a_step, b_row, b_step, output, columns);
    condition += Operand.row_step(condition_extent, columns);
    a += Operand.row_step(a_extent, columns);
    b += Operand.row_step(b_extent, columns);
  }
}

function fill_zero(output: usize, count: i32): void {
  for (; count > 0; count -= 4, output += 16) F32x4.store_last(output, f32x4.splat(0.0), count);
}

/** The output may not be the operand. */
export function map_row(a: usize, a_extent: i32, output: usize, columns: i32, code: i32): void {
  // An operand without columns is a row of one number.
  const has_columns = a_extent === ExtentCode.full || a_extent === ExtentCode.units;
  const width = has_columns ? columns : 1;
  const row_bytes = (<usize>columns) << 2;
  for (let r: i32 = 0; r < Batch.rows; r++, a += Operand.row_step(a_extent, columns)) {
    if (code === RowCode.firstMax) {
      fill_zero(output, columns);
      store<f32>(output + ((<usize>argmax_row(a, width)) << 2), 1);
      output += row_bytes;
      continue;
    }
    if (code === RowCode.rowMax) store<f32>(output, max_row(a, width));
    else store<f32>(output, sum_row(a, width) * (has_columns ? 1 : <f32>columns));
    output += 4;
  }
}

export function reduction_scale(output: usize, reduction: i32): void {
  store<f32>(output, Batch.reduction_scale(reduction));
}
