/**
 * Training steps on one row each, of a network of up to three layers of up to four units: the numbers of a layer are
 * the lanes of one vector. Weights of a layer are inputs × units, with the biases as the row behind them.
 */
import { ActivationCode, LossCode, ScalarCode } from '../src/opcodes';
import { Activation } from './activations';
import { Batch } from './batch';
import { input_row } from './input-row';
import { loss_row, sigmoid_binary_cross_entropy_row } from './losses';
import { add_to_metric, correct_share } from './metrics';
import { F32x4 } from './simd';
import { fits_registers, train_rows_in_registers } from './tiny-registers';
import { Word } from './word';
import { Workspace } from './workspace';

const LAYERS: i32 = 3;
/** Where in the workspace outputs of each layer lie, four lanes. */
const OUTPUTS: usize = 16;

class Tiny {
  /** The delta of a layer, four lanes. */
  @inline static get delta(): usize {
    return Workspace.panels;
  }

  /** A column of up to four weights `row_bytes` apart. */
  @inline static column(weights: usize, rows: i32, row_bytes: usize): v128 {
    let lanes = v128.load32_zero(weights);
    if (rows > 1) lanes = v128.load32_lane(weights + row_bytes, lanes, 1);
    if (rows > 2) lanes = v128.load32_lane(weights + 2 * row_bytes, lanes, 2);
    return rows > 3 ? v128.load32_lane(weights + 3 * row_bytes, lanes, 3) : lanes;
  }
}

function forward(input: usize, inputs: i32, weights: usize, units: i32, activation: i32): v128 {
  const row_bytes = (<usize>units) << 2;
  let z = F32x4.load_first(weights + <usize>inputs * row_bytes, units);
  for (; inputs > 0; inputs--, input += 4, weights += row_bytes) {
    z = F32x4.fma(v128.load32_splat(input), F32x4.load_first(weights, units), z);
  }
  return Activation.value(activation, z);
}

/** (delta W^T) f'(input), f of the layer below. */
function backward_input(weights: usize, input: v128, inputs: i32, units: i32, activation: i32): v128 {
  const row_bytes = (<usize>units) << 2;
  const delta = Tiny.delta;
  let sum = f32x4.splat(0.0);
  for (let u: usize = 0; u < row_bytes; u += 4) {
    sum = F32x4.fma(v128.load32_splat(delta + u), Tiny.column(weights + u, inputs, row_bytes), sum);
  }
  return f32x4.mul(sum, Activation.derivative_from_output(activation, input));
}

function update(input: usize, inputs: i32, weights: usize, units: i32, delta: v128, rate: v128): void {
  const row_bytes = (<usize>units) << 2;
  for (; inputs > 0; inputs--, input += 4, weights += row_bytes) {
    const rate_x = f32x4.mul(rate, v128.load32_splat(input));
    F32x4.store_first(weights, F32x4.fnma(rate_x, delta, F32x4.load_first(weights, units)), units);
  }
  F32x4.store_first(weights, F32x4.fnma(rate, delta, F32x4.load_first(weights, units)), units);
}

/** One row; `units` and `activations` are three words each. */
function train_row(
  x: usize,
  t: usize,
  parameters: usize,
  inputs: i32,
  units: usize,
  activations: usize,
  loss: i32,
  decision: i32,
  rate: v128,
): void {
  const delta_row = Tiny.delta;
  const outputs_of = Workspace.panels + OUTPUTS;
  let last: i32 = 0;
  while (last + 1 < LAYERS && Word.int(units, last + 1) !== 0) last++;
  const outputs = Word.int(units, last);
  const from_net_inputs =
    loss === LossCode.binary_cross_entropy && Word.int(activations, last) === ActivationCode.sigmoid;

  let input = x;
  let depth = inputs;
  let weights = parameters;
  for (let layer: i32 = 0; layer <= last; layer++) {
    const width = Word.int(units, layer);
    const stops = from_net_inputs && layer === last;
    const activation = stops ? ActivationCode.linear : Word.int(activations, layer);
    const output = outputs_of + ((<usize>layer) << 4);
    v128.store(output, forward(input, depth, weights, width, activation));
    input = output;
    weights += (<usize>((depth + 1) * width)) << 2;
    depth = width;
  }

  const y = outputs_of + ((<usize>last) << 4);
  let row_loss: f32;
  if (from_net_inputs) {
    row_loss = sigmoid_binary_cross_entropy_row(y, t, delta_row, outputs, 1);
  } else {
    row_loss = loss_row(y, t, delta_row, outputs, loss, 1);
    const slope = Activation.derivative_from_output(Word.int(activations, last), v128.load(y));
    F32x4.store_first(delta_row, f32x4.mul(F32x4.load_first(delta_row, outputs), slope), outputs);
  }
  let delta = F32x4.load_first(delta_row, outputs);
  for (let layer = last; layer >= 0; layer--) {
    const width = Word.int(units, layer);
    depth = layer === 0 ? inputs : Word.int(units, layer - 1);
    weights -= (<usize>((depth + 1) * width)) << 2;
    if (layer === 0) {
      update(x, depth, weights, width, delta, rate);
    } else {
      const below = outputs_of + ((<usize>(layer - 1)) << 4);
      const activation = Word.int(activations, layer - 1);
      const next = backward_input(weights, v128.load(below), depth, width, activation);
      update(below, depth, weights, width, delta, rate);
      v128.store(delta_row, next);
      delta = next;
    }
  }
  if (decision >= 0) add_to_metric(ScalarCode.correct, correct_share(y, t, outputs, decision));
  add_to_metric(ScalarCode.loss, <f64>row_loss);
  add_to_metric(ScalarCode.rows, 1);
}

export function train_rows(
  parameters: usize,
  inputs: i32,
  units: usize,
  activations: usize,
  loss: i32,
  decision: i32,
  learning_rate: usize,
): void {
  if (fits_registers(inputs, units, activations, loss, decision)) {
    const hidden = Word.int(activations, 0);
    train_rows_in_registers(parameters, Word.int(units, 0), hidden, loss, decision, learning_rate);
    return;
  }
  const rate = f32x4.splat(<f32>load<f64>(learning_rate));
  const second = Word.int(units, 1);
  const third = Word.int(units, 2);
  const outputs = third !== 0 ? third : second !== 0 ? second : Word.int(units, 0);
  for (let r: i32 = 0; r < Batch.rows; r++) {
    const row = Batch.source_row(r);
    const t = Batch.targets + ((row * <usize>outputs) << 2);
    train_row(input_row(row, inputs), t, parameters, inputs, units, activations, loss, decision, rate);
  }
}
