/**
 * Running metrics of an epoch, kept in the table of scalars.
 * Shapes: prediction and target are rows × units.
 */
import { DecisionCode, ScalarCode } from '../src/opcodes';
import { Batch } from './batch';
import { argmax_row } from './rows';
import { F32x4 } from './simd';

export function add_to_metric(code: i32, value: f64): void {
  const metric = Batch.scalars + ((<usize>code) << 3);
  store<f64>(metric, load<f64>(metric) + value);
}

export function sum_losses(row_losses: usize): void {
  let sum = load<f64>(Batch.scalars + (ScalarCode.loss << 3));
  for (let r: i32 = 0; r < Batch.rows; r++, row_losses += 4) sum += <f64>load<f32>(row_losses);
  store<f64>(Batch.scalars + (ScalarCode.loss << 3), sum);
  add_to_metric(ScalarCode.rows, Batch.rows);
}

/** How many outputs are on the same side of `threshold` as their target of 0.5. */
function count_same_side(prediction: usize, target: usize, units: i32, threshold: f32): i32 {
  let count = 0;
  for (let at: usize = 0; units > 0; units -= 4, at += 16) {
    const decided = f32x4.ge(F32x4.load_last(prediction + at, units), f32x4.splat(threshold));
    const wanted = f32x4.ge(F32x4.load_last(target + at, units), f32x4.splat(0.5));
    const differ = F32x4.keep(v128.xor(decided, wanted), units, i32x4.splat(-1));
    count += 4 - popcnt(i32x4.bitmask(differ));
  }
  return count;
}

/** Share of the outputs of a row that are decided as their targets; for argmax, 0 or 1. */
export function correct_share(prediction: usize, target: usize, units: i32, decision: i32): f64 {
  if (decision === DecisionCode.argmax) {
    return argmax_row(prediction, units) === argmax_row(target, units) ? 1 : 0;
  }
  const threshold: f32 = decision === DecisionCode.half ? 0.5 : 0;
  return <f64>count_same_side(prediction, target, units, threshold) / <f64>units;
}

export function count_correct(prediction: usize, target: usize, units: i32, decision: i32): void {
  const row_bytes = (<usize>units) << 2;
  let correct: f64 = 0;
  for (let r: i32 = 0; r < Batch.rows; r++, prediction += row_bytes, target += row_bytes) {
    correct += correct_share(prediction, target, units, decision);
  }
  add_to_metric(ScalarCode.correct, correct);
}

export function count_correct_labels(prediction: usize, labels: usize, units: i32): void {
  let correct: f64 = 0;
  for (let r: i32 = 0; r < Batch.rows; r++, labels += 4, prediction += (<usize>units) << 2) {
    if (<f32>argmax_row(prediction, units) === load<f32>(labels)) correct += 1;
  }
  add_to_metric(ScalarCode.correct, correct);
}
