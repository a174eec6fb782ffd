/**
 * Training steps on one row each of the smallest networks: two inputs, a layer of two to four units, one sigmoid. All
 * parameters stay in registers from row to row: the numbers of the layer are the lanes of a vector, those of the output
 * are in all lanes. The results are those of `tiny.ts`, bit by bit.
 */
import { ActivationCode, DecisionCode, LossCode, ScalarCode } from '../src/opcodes';
import { Activation } from './activations';
import { Batch } from './batch';
import { input_row } from './input-row';
import { square_factor } from './losses';
import { Math32 } from './math';
import { add_to_metric } from './metrics';
import { F32x4 } from './simd';
import { Word } from './word';

/** Whether a network has its parameters in registers; `units` and `activations` are three words each. */
export function fits_registers(
  inputs: i32,
  units: usize,
  activations: usize,
  loss: i32,
  decision: i32,
): bool {
  const hidden = Word.int(activations, 0);
  return (
    inputs === 2 &&
    Word.int(units, 0) >= 2 &&
    Word.int(units, 1) === 1 &&
    Word.int(units, 2) === 0 &&
    (hidden === ActivationCode.sigmoid || hidden === ActivationCode.tanh) &&
    Word.int(activations, 1) === ActivationCode.sigmoid &&
    (loss === LossCode.binary_cross_entropy || square_factor(loss, 1) !== 0) &&
    decision !== DecisionCode.argmax
  );
}

export function train_rows_in_registers(
  parameters: usize,
  units: i32,
  hidden: i32,
  loss: i32,
  decision: i32,
  learning_rate: usize,
): void {
  const rate = f32x4.splat(<f32>load<f64>(learning_rate));
  const row_bytes = (<usize>units) << 2;
  const factor = f32x4.splat(square_factor(loss, 1));
  const threshold: f32 = decision === DecisionCode.half ? 0.5 : 0;
  const exists = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(units));
  let w0 = F32x4.load_last(parameters, units);
  let w1 = F32x4.load_last(parameters + row_bytes, units);
  let b = F32x4.load_last(parameters + 2 * row_bytes, units);
  const second = parameters + 3 * row_bytes;
  let v = F32x4.load_last(second, units);
  let c = v128.load32_splat(second + row_bytes);
  const losses_at = Batch.scalars + (ScalarCode.loss << 3);
  let losses = load<f64>(losses_at);
  let correct: i32 = 0;
  let r: i32 = 0;
  do {
    const row = Batch.source_row(r);
    const x = input_row(row, 2);
    const x0 = v128.load32_splat(x);
    const x1 = v128.load32_splat(x, 4);
    const t = v128.load32_splat(Batch.targets + (row << 2));
    const net = F32x4.fma(x1, w1, F32x4.fma(x0, w0, b));
    const is_sigmoid = hidden === ActivationCode.sigmoid;
    const f = is_sigmoid ? Math32.sigmoid_poly6(net) : Math32.tanh_poly6(net);
    const slope = is_sigmoid
      ? Activation.derivative_from_output(ActivationCode.sigmoid, f)
      : Activation.derivative_from_output(ActivationCode.tanh, f);
    const h = v128.and(f, exists);
    let z = F32x4.fma(h, v, c);
    z = F32x4.fma(v128.shuffle<f32>(h, h, 1, 1, 1, 1), v128.shuffle<f32>(v, v, 1, 1, 1, 1), z);
    if (units > 2) {
      z = F32x4.fma(v128.shuffle<f32>(h, h, 2, 2, 2, 2), v128.shuffle<f32>(v, v, 2, 2, 2, 2), z);
      z = F32x4.fma(v128.shuffle<f32>(h, h, 3, 3, 3, 3), v128.shuffle<f32>(v, v, 3, 3, 3, 3), z);
    }
    z = v128.shuffle<f32>(z, z, 0, 0, 0, 0);
    let decided = z;
    let delta: v128;
    let row_loss: v128;
    if (loss === LossCode.binary_cross_entropy) {
      const e = Math32.exp_poly6(f32x4.neg(f32x4.abs(z)));
      const linear = F32x4.fnma(z, t, F32x4.max(z, f32x4.splat(0)));
      row_loss = f32x4.add(linear, Math32.log1p_poly10(e));
      delta = f32x4.sub(Math32.sigmoid_of_exp(z, e), t);
    } else {
      decided = Activation.value(ActivationCode.sigmoid, z);
      const error = f32x4.sub(decided, t);
      const weighted = f32x4.mul(factor, error);
      row_loss = f32x4.mul(weighted, error);
      const slope = Activation.derivative_from_output(ActivationCode.sigmoid, decided);
      delta = f32x4.mul(f32x4.add(weighted, weighted), slope);
    }
    const below = f32x4.mul(f32x4.mul(delta, v), slope);
    v = F32x4.fnma(f32x4.mul(rate, h), delta, v);
    w0 = F32x4.fnma(f32x4.mul(rate, x0), below, w0);
    w1 = F32x4.fnma(f32x4.mul(rate, x1), below, w1);
    b = F32x4.fnma(rate, below, b);
    c = F32x4.fnma(rate, delta, c);
    losses += <f64>f32x4.extract_lane(row_loss, 0);
    const above = f32x4.extract_lane(decided, 0) >= threshold;
    correct += <i32>(above === f32x4.extract_lane(t, 0) >= 0.5);
    r++;
  } while (r < Batch.rows);
  F32x4.store_last(parameters, w0, units);
  F32x4.store_last(parameters + row_bytes, w1, units);
  F32x4.store_last(parameters + 2 * row_bytes, b, units);
  F32x4.store_last(second, v, units);
  v128.store32_lane(second + row_bytes, c, 0);
  store<f64>(losses_at, losses);
  if (decision >= 0) add_to_metric(ScalarCode.correct, <f64>correct);
  add_to_metric(ScalarCode.rows, Batch.rows);
}
