/**
 * Fully connected layers. Shapes: input is rows × inputs, weights inputs × units, output and delta rows × units.
 */
import { Batch } from './batch';
import { Epilogue } from './epilogue';
import { product_f32 } from './gemm';
import { Share } from './share';
import { ONE } from './workspace';

export function linear_forward(
  input: usize,
  weights: usize,
  biases: usize,
  net_input: usize,
  output: usize,
  inputs: i32,
  units: i32,
  activation: i32,
): void {
  const input_row = (<usize>inputs) << 2;
  const weight_row = (<usize>units) << 2;
  Epilogue.activate(activation, net_input);
  product_f32(Batch.rows, units, inputs, input, input_row, 4, weights, weight_row, 4, biases, output);
}

export function linear_backward_weights(
  input: usize,
  delta: usize,
  weight_gradient: usize,
  bias_gradient: usize,
  inputs: i32,
  units: i32,
): void {
  const input_row = (<usize>inputs) << 2;
  const delta_row = (<usize>units) << 2;
  Epilogue.none();
  product_f32(inputs, units, Batch.rows, input, 4, input_row, delta, delta_row, 4, 0, weight_gradient);
  if (bias_gradient === 0 || Share.first_row() > 0) return;
  const first = Share.first_column();
  const at = (<usize>first) << 2;
  const count = Share.end_column(units) - first;
  // This one is not divided further.
  Share.is_part = false;
  product_f32(1, count, Batch.rows, ONE, 0, 0, delta + at, delta_row, 4, 0, bias_gradient + at);
}

/** The transpose of the weights is taken while they are packed. */
export function linear_backward_input(
  delta: usize,
  weights: usize,
  gradient: usize,
  output: usize,
  inputs: i32,
  units: i32,
  activation: i32,
): void {
  const row = (<usize>units) << 2;
  Epilogue.differentiate(activation, output);
  product_f32(Batch.rows, inputs, units, delta, row, 4, weights, 4, row, 0, gradient);
}
