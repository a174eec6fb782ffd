/**
 * Fully connected layers. Shapes: input is rows × inputs, weights inputs × units, output and delta rows × units.
 */
import { ActivationCode } from '../src/opcodes';
import { activate_one_f32, multiply_by_derivative_f32 } from './activations';
import { Batch } from './batch';
import { Epilogue } from './epilogue';
import { add_product_f32, product_f32, TINY } from './gemm';
import { Share } from './share';
import { is_sparse, sparse_product_f32 } from './sparse-product';
import { ONE } from './workspace';

/**
 * Layers of a few numbers go one by one through all that is done to them, in the order in which `product_f32` sums:
 * a number stored and loaded again is forwarded within the processor, several loaded as one vector are not.
 */
function is_tiny(inputs: i32, units: i32): bool {
  return inputs < TINY && units < TINY && Batch.rows < TINY && Batch.rows * inputs * units < TINY;
}

function tiny_forward(
  input: usize,
  weights: usize,
  biases: usize,
  net_input: usize,
  output: usize,
  inputs: i32,
  units: i32,
  activation: i32,
): void {
  const weight_row = (<usize>units) << 2;
  for (let r = Batch.rows; r > 0; r--, input += (<usize>inputs) << 2) {
    for (let u: usize = 0; u < weight_row; u += 4, output += 4) {
      let z: f32 = biases === 0 ? 0 : load<f32>(biases + u);
      let at = input;
      let weight = weights + u;
      for (let k = inputs; k > 0; k--, at += 4, weight += weight_row) z += load<f32>(at) * load<f32>(weight);
      if (net_input !== 0) {
        store<f32>(net_input, z);
        net_input += 4;
      }
      store<f32>(output, activation === ActivationCode.linear ? z : activate_one_f32(activation, z));
    }
  }
}

/** One row: the outer product. Zeros are added for the sign of zero that a sum has. */
function tiny_backward_weights(
  input: usize,
  delta: usize,
  weight_gradient: usize,
  bias_gradient: usize,
  inputs: i32,
  units: i32,
): void {
  const zero: f32 = 0;
  const delta_end = delta + ((<usize>units) << 2);
  for (; inputs > 0; inputs--, input += 4) {
    const x = load<f32>(input);
    for (let at = delta; at < delta_end; at += 4, weight_gradient += 4) {
      store<f32>(weight_gradient, zero + x * load<f32>(at));
    }
  }
  if (bias_gradient === 0) return;
  for (; delta < delta_end; delta += 4, bias_gradient += 4)
    store<f32>(bias_gradient, zero + load<f32>(delta));
}

function tiny_backward_input(
  delta: usize,
  weights: usize,
  gradient: usize,
  output: usize,
  inputs: i32,
  units: i32,
  activation: i32,
): void {
  const row = (<usize>units) << 2;
  let to = gradient;
  for (let r = Batch.rows; r > 0; r--, delta += row) {
    let weight = weights;
    for (let i = inputs; i > 0; i--, to += 4) {
      let sum: f32 = 0;
      for (let at = delta; at < delta + row; at += 4, weight += 4) sum += load<f32>(at) * load<f32>(weight);
      store<f32>(to, sum);
    }
  }
  if (output === 0) return;
  multiply_by_derivative_f32(activation, gradient, output, gradient, Batch.rows * inputs);
}

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
  if (inputs > 1 && is_tiny(inputs, units)) {
    tiny_forward(input, weights, biases, net_input, output, inputs, units, activation);
    return;
  }
  const input_row = (<usize>inputs) << 2;
  const weight_row = (<usize>units) << 2;
  Epilogue.activate(activation, net_input);
  const rows = Batch.rows;
  if (is_sparse(input, rows, inputs, units)) {
    sparse_product_f32(rows, units, inputs, input, input_row, 4, weights, weight_row, biases, false, output);
  } else {
    product_f32(rows, units, inputs, input, input_row, 4, weights, weight_row, 4, biases, output);
  }
}

export function linear_backward_weights(
  input: usize,
  delta: usize,
  weight_gradient: usize,
  bias_gradient: usize,
  inputs: i32,
  units: i32,
  accumulate: bool,
): void {
  if (!accumulate && Batch.rows === 1 && units < 4 && is_tiny(inputs, units)) {
    tiny_backward_weights(input, delta, weight_gradient, bias_gradient, inputs, units);
    return;
  }
  const input_row = (<usize>inputs) << 2;
  const delta_row = (<usize>units) << 2;
  Epilogue.none();
  const rows = Batch.rows;
  if (is_sparse(input, rows, inputs, units)) {
    const to = weight_gradient;
    sparse_product_f32(inputs, units, rows, input, 4, input_row, delta, delta_row, 0, accumulate, to);
  } else if (accumulate) {
    add_product_f32(inputs, units, Batch.rows, input, 4, input_row, delta, delta_row, weight_gradient);
  } else {
    product_f32(inputs, units, Batch.rows, input, 4, input_row, delta, delta_row, 4, 0, weight_gradient);
  }
  if (bias_gradient === 0 || Share.first_row() > 0) return;
  const first = Share.first_column();
  const count = Share.end_column(units) - first;
  delta += (<usize>first) << 2;
  bias_gradient += (<usize>first) << 2;
  // This one is not divided further.
  Share.is_part = false;
  if (accumulate) add_product_f32(1, count, Batch.rows, ONE, 0, 0, delta, delta_row, bias_gradient);
  else product_f32(1, count, Batch.rows, ONE, 0, 0, delta, delta_row, 4, 0, bias_gradient);
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
  if ((units > 1 || inputs < 4) && is_tiny(inputs, units)) {
    tiny_backward_input(delta, weights, gradient, output, inputs, units, activation);
    return;
  }
  const row = (<usize>units) << 2;
  Epilogue.differentiate(activation, output);
  product_f32(Batch.rows, inputs, units, delta, row, 4, weights, 4, row, 0, gradient);
}
