/**
 * Batch and layer normalisation.
 * Shapes, with B rows in the batch: input, output, delta and gradient B×U; gamma, beta, their gradients and what is running
 * U; mean and inverseDeviation U over the rows of a batch, B over the units of a layer. Operands are 0 where absent.
 *
 * Rounding: a mean is as exact as its float, and a variance to some units in the last place, however large the mean is
 * beside the deviation, because sums are taken of distances from the first number.
 */
import { Batch } from './batch';
import { Share } from './share';
import { F32x4 } from './simd';
import { Workspace } from './workspace';

/** Rows that are read side by side, each of them in order of memory. */
const ROWS: i32 = 8;
/** Columns at once of what keeps sums in the workspace: as many sums as products. */
const COLUMNS: i32 = 4096;
const PRODUCTS: usize = (<usize>COLUMNS) << 2;

class Optional {
  /** Numbers, or `other` where there are none. */
  @inline static load(values: usize, at: usize, n: i32, other: f32): v128 {
    return values === 0 ? f32x4.splat(other) : F32x4.load_part(values + at, n);
  }
}

/** What `values` has from column `first` on; nothing of nothing. */
function from_column(values: usize, first: i32): usize {
  return values === 0 ? 0 : values + ((<usize>first) << 2);
}

/**
 * Of each column: the mean less the first number into `distances`, the sum of squared distances from the mean into
 * `squares`. Every block of rows about its own mean, then one after the other together (Chan, Golub and LeVeque 1983).
 */
function column_moments(
  input: usize,
  row_bytes: usize,
  columns: i32,
  distances: usize,
  squares: usize,
): void {
  let rows = input;
  for (let first: i32 = 0; first < Batch.rows; first += ROWS) {
    const count = min(ROWS, Batch.rows - first);
    const bytes = <usize>count * row_bytes;
    const one_of = f32x4.splat(<f32>1 / <f32>count);
    const share = f32x4.splat(<f32>count / <f32>(first + count));
    const before = f32x4.splat(<f32>first);
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      const origin = F32x4.load_last(input + at, n);
      const x = rows + at;
      const end = x + bytes;
      let sum = f32x4.splat(0);
      for (let row = x; row < end; row += row_bytes) {
        sum = f32x4.add(sum, f32x4.sub(F32x4.load_first(row, n), origin));
      }
      const middle = f32x4.mul(sum, one_of);
      let around = f32x4.splat(0);
      for (let row = x; row < end; row += row_bytes) {
        const distance = f32x4.sub(f32x4.sub(F32x4.load_first(row, n), origin), middle);
        around = F32x4.fma(distance, distance, around);
      }
      if (first === 0) {
        F32x4.store_last(distances + at, middle, n);
        F32x4.store_last(squares + at, around, n);
        continue;
      }
      const mean = F32x4.load_last(distances + at, n);
      const apart = f32x4.sub(middle, mean);
      const part = f32x4.mul(share, apart);
      const between = f32x4.mul(f32x4.mul(before, part), apart);
      F32x4.store_last(distances + at, f32x4.add(mean, part), n);
      const all = f32x4.add(F32x4.load_last(squares + at, n), f32x4.add(around, between));
      F32x4.store_last(squares + at, all, n);
    }
    rows += bytes;
  }
}

/** value[i] += momentum * (to - value[i]). */
function approach(value: usize, to: v128, momentum: v128, n: i32): void {
  const kept = F32x4.load_last(value, n);
  F32x4.store_last(value, F32x4.fma(momentum, f32x4.sub(to, kept), kept), n);
}

export function batch_norm_forward(
  input: usize,
  output: usize,
  mean: usize,
  inverse_deviation: usize,
  running_mean: usize,
  running_variance: usize,
  gamma: usize,
  beta: usize,
  units: i32,
  epsilon_at: usize,
  momentum_at: usize,
): void {
  const row_bytes = (<usize>units) << 2;
  const first = Share.first_column();
  const columns = Share.end_column(units) - first;
  input = from_column(input, first);
  output = from_column(output, first);
  mean = from_column(mean, first);
  inverse_deviation = from_column(inverse_deviation, first);
  running_mean = from_column(running_mean, first);
  running_variance = from_column(running_variance, first);
  gamma = from_column(gamma, first);
  beta = from_column(beta, first);
  const is_running = momentum_at === 0;
  const rows = f32x4.splat(<f32>Batch.rows);
  const one = f32x4.splat(1);
  const epsilon = f32x4.splat(<f32>load<f64>(epsilon_at));
  const momentum = f32x4.splat(is_running ? 0 : <f32>load<f64>(momentum_at));
  if (!is_running) column_moments(input, row_bytes, columns, mean, inverse_deviation);
  for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
    let m: v128;
    let variance: v128;
    if (is_running) {
      m = F32x4.load_last(running_mean + at, n);
      variance = F32x4.load_last(running_variance + at, n);
    } else {
      m = f32x4.add(F32x4.load_last(input + at, n), F32x4.load_last(mean + at, n));
      const squares = F32x4.load_last(inverse_deviation + at, n);
      variance = f32x4.div(squares, rows);
      approach(running_mean + at, m, momentum, n);
      if (Batch.rows > 1) {
        approach(running_variance + at, f32x4.div(squares, f32x4.sub(rows, one)), momentum, n);
      }
    }
    F32x4.store_last(mean + at, m, n);
    F32x4.store_last(inverse_deviation + at, f32x4.div(one, f32x4.sqrt(f32x4.add(variance, epsilon))), n);
  }
  const to_output = output - input;
  for (let first: i32 = 0; first < Batch.rows; first += ROWS) {
    const bytes = <usize>min(ROWS, Batch.rows - first) * row_bytes;
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      const m = F32x4.load_last(mean + at, n);
      const factor = f32x4.mul(F32x4.load_last(inverse_deviation + at, n), Optional.load(gamma, at, n, 1));
      const shift = Optional.load(beta, at, n, 0);
      const end = input + at + bytes;
      for (let x = input + at; x < end; x += row_bytes) {
        const distance = f32x4.sub(F32x4.load_first(x, n), m);
        F32x4.store_first(x + to_output, F32x4.fma(distance, factor, shift), n);
      }
    }
    input += bytes;
  }
}

/**
 * Sums over the rows into the workspace: of delta, and of delta times the distance of the input from its mean. The means
 * are those of columns; with `inverse_deviation` means and inverse deviations are those of rows.
 */
function sum_products(
  input: usize,
  delta: usize,
  mean: usize,
  inverse_deviation: usize,
  row_bytes: usize,
  columns: i32,
): void {
  const sums = Workspace.panels;
  const to_input = input - delta;
  for (let first: i32 = 0; first < Batch.rows; first += ROWS) {
    const bytes = <usize>min(ROWS, Batch.rows - first) * row_bytes;
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      let m = inverse_deviation === 0 ? F32x4.load_last(mean + at, n) : f32x4.splat(0);
      let sum = f32x4.splat(0);
      let product = sum;
      let of_row = (<usize>first) << 2;
      const d_end = delta + at + bytes;
      for (let row = delta + at; row < d_end; row += row_bytes, of_row += 4) {
        if (inverse_deviation !== 0) m = v128.load32_splat(mean + of_row);
        const d = F32x4.load_first(row, n);
        let normal = f32x4.sub(F32x4.load_first(row + to_input, n), m);
        if (inverse_deviation !== 0) {
          normal = f32x4.mul(normal, v128.load32_splat(inverse_deviation + of_row));
        }
        sum = f32x4.add(sum, d);
        product = F32x4.fma(d, normal, product);
      }
      const total = sums + at;
      if (first > 0) {
        sum = f32x4.add(v128.load(total), sum);
        product = f32x4.add(v128.load(total + PRODUCTS), product);
      }
      v128.store(total, sum);
      v128.store(total + PRODUCTS, product);
    }
    delta += bytes;
  }
}

/** gradient = sums, or added to what is there; nothing without a gradient. */
function put_gradient(sums: usize, columns: i32, accumulate: bool, gradient: usize): void {
  if (gradient === 0) return;
  for (; columns > 0; columns -= 4, sums += 16, gradient += 16) {
    let sum = v128.load(sums);
    if (accumulate) sum = f32x4.add(F32x4.load_last(gradient, columns), sum);
    F32x4.store_last(gradient, sum, columns);
  }
}

export function batch_norm_backward(
  input: usize,
  delta: usize,
  mean: usize,
  inverse_deviation: usize,
  gamma: usize,
  gamma_gradient: usize,
  beta_gradient: usize,
  gradient: usize,
  units: i32,
  accumulate: bool,
  through_moments: bool,
): void {
  const row_bytes = (<usize>units) << 2;
  const end = Share.end_column(units);
  for (let first = Share.first_column(); first < end; first += COLUMNS) {
    const columns = min(COLUMNS, end - first);
    const sums = Workspace.panels;
    const products = sums + PRODUCTS;
    const inverse = from_column(inverse_deviation, first);
    const scale = from_column(gamma, first);
    const m = from_column(mean, first);
    const x = from_column(input, first);
    let d = from_column(delta, first);
    sum_products(x, d, m, 0, row_bytes, columns);
    for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
      v128.store(products + at, f32x4.mul(v128.load(products + at), F32x4.load_last(inverse + at, n)));
    }
    put_gradient(sums, columns, accumulate, from_column(beta_gradient, first));
    put_gradient(products, columns, accumulate, from_column(gamma_gradient, first));
    if (gradient === 0) continue;
    const share = f32x4.splat(through_moments ? <f32>1 / <f32>Batch.rows : 0);
    const to_input = x - d;
    const to_gradient = from_column(gradient, first) - d;
    for (let r: i32 = 0; r < Batch.rows; r += ROWS) {
      const bytes = <usize>min(ROWS, Batch.rows - r) * row_bytes;
      for (let at: usize = 0, n = columns; n > 0; n -= 4, at += 16) {
        const about = F32x4.load_last(m + at, n);
        const deviation = F32x4.load_last(inverse + at, n);
        const factor = f32x4.mul(deviation, Optional.load(scale, at, n, 1));
        const middle = f32x4.mul(share, v128.load(sums + at));
        const slope = f32x4.mul(f32x4.mul(share, v128.load(products + at)), deviation);
        const row_end = d + at + bytes;
        for (let row = d + at; row < row_end; row += row_bytes) {
          const distance = f32x4.sub(F32x4.load_first(row + to_input, n), about);
          const centred = f32x4.sub(F32x4.load_first(row, n), middle);
          F32x4.store_first(row + to_gradient, f32x4.mul(factor, F32x4.fnma(distance, slope, centred)), n);
        }
      }
      d += bytes;
    }
  }
}

export function layer_norm_backward_weights(
  input: usize,
  delta: usize,
  mean: usize,
  inverse_deviation: usize,
  gamma_gradient: usize,
  beta_gradient: usize,
  units: i32,
  accumulate: bool,
): void {
  const row_bytes = (<usize>units) << 2;
  const end = Share.end_column(units);
  for (let first = Share.first_column(); first < end; first += COLUMNS) {
    const columns = min(COLUMNS, end - first);
    const x = from_column(input, first);
    sum_products(x, from_column(delta, first), mean, inverse_deviation, row_bytes, columns);
    put_gradient(Workspace.panels, columns, accumulate, from_column(beta_gradient, first));
    put_gradient(Workspace.panels + PRODUCTS, columns, accumulate, from_column(gamma_gradient, first));
  }
}

/** Sum of x - origin - middle over a row, or of its square; in two parts, since a sum waits for itself. */
function sum_about(x: usize, count: i32, origin: v128, middle: v128, is_squared: bool): f32 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  let even = zero;
  let odd = zero;
  for (; count >= 8; count -= 8, x += 32) {
    const first = f32x4.sub(f32x4.sub(v128.load(x), origin), middle);
    const second = f32x4.sub(f32x4.sub(v128.load(x, 16), origin), middle);
    even = F32x4.fma(first, is_squared ? first : one, even);
    odd = F32x4.fma(second, is_squared ? second : one, odd);
  }
  for (; count > 0; count -= 4, x += 16) {
    const distance = f32x4.sub(f32x4.sub(F32x4.load_first(x, count), origin), middle);
    const kept = F32x4.keep(distance, count, zero);
    even = F32x4.fma(kept, is_squared ? kept : one, even);
  }
  return F32x4.reduce_add(f32x4.add(even, odd));
}

/** What is done to up to four numbers of a row, `at` bytes behind the first of each operand. */
class Row {
  @inline static normalise(
    input: usize,
    output: usize,
    mean: v128,
    inverse: v128,
    gamma: usize,
    beta: usize,
    at: usize,
    n: i32,
  ): void {
    const normal = f32x4.mul(f32x4.sub(F32x4.load_part(input + at, n), mean), inverse);
    const z = F32x4.fma(normal, Optional.load(gamma, at, n, 1), Optional.load(beta, at, n, 0));
    F32x4.store_part(output + at, z, n);
  }

  @inline static pull_back(
    input: usize,
    delta: usize,
    mean: v128,
    slope: v128,
    middle: v128,
    inverse: v128,
    gamma: usize,
    gradient: usize,
    at: usize,
    n: i32,
  ): void {
    const d = f32x4.mul(F32x4.load_part(delta + at, n), Optional.load(gamma, at, n, 1));
    const distance = f32x4.sub(F32x4.load_part(input + at, n), mean);
    const centred = F32x4.fnma(distance, slope, f32x4.sub(d, middle));
    F32x4.store_part(gradient + at, f32x4.mul(inverse, centred), n);
  }
}

export function layer_norm_forward(
  input: usize,
  output: usize,
  mean: usize,
  inverse_deviation: usize,
  gamma: usize,
  beta: usize,
  units: i32,
  epsilon_at: usize,
): void {
  const row_bytes = (<usize>units) << 2;
  const zero = f32x4.splat(0);
  const epsilon = <f32>load<f64>(epsilon_at);
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  input += <usize>first * row_bytes;
  output += <usize>first * row_bytes;
  for (let r = first; r < end; r++, input += row_bytes, output += row_bytes) {
    const origin = v128.load32_splat(input);
    const middle = f32x4.splat(sum_about(input, units, origin, zero, false) / <f32>units);
    const squares = sum_about(input, units, origin, middle, true);
    const m = f32x4.add(origin, middle);
    const inverse: f32 = 1 / sqrt<f32>(squares / <f32>units + epsilon);
    v128.store32_lane(mean + ((<usize>r) << 2), m, 0);
    store<f32>(inverse_deviation + ((<usize>r) << 2), inverse);
    let at: usize = 0;
    let n = units;
    const factor = f32x4.splat(inverse);
    for (; n >= 4; n -= 4, at += 16) Row.normalise(input, output, m, factor, gamma, beta, at, 4);
    if (n > 0) Row.normalise(input, output, m, factor, gamma, beta, at, n);
  }
}

export function layer_norm_backward_input(
  input: usize,
  delta: usize,
  mean: usize,
  inverse_deviation: usize,
  gamma: usize,
  gradient: usize,
  units: i32,
): void {
  const row_bytes = (<usize>units) << 2;
  const first = Share.first_row();
  const end = Share.end_row(Batch.rows);
  input += <usize>first * row_bytes;
  delta += <usize>first * row_bytes;
  gradient += <usize>first * row_bytes;
  for (let r = first; r < end; r++, input += row_bytes, delta += row_bytes, gradient += row_bytes) {
    const m = v128.load32_splat(mean + ((<usize>r) << 2));
    const inverse = load<f32>(inverse_deviation + ((<usize>r) << 2));
    let sum = f32x4.splat(0);
    let product = sum;
    // Lanes that do not exist have a delta of 0.
    let at: usize = 0;
    let n = units;
    for (; n >= 4; n -= 4, at += 16) {
      const d = f32x4.mul(v128.load(delta + at), Optional.load(gamma, at, 4, 1));
      sum = f32x4.add(sum, d);
      product = F32x4.fma(d, f32x4.sub(v128.load(input + at), m), product);
    }
    if (n > 0) {
      const d = f32x4.mul(F32x4.load_last(delta + at, n), Optional.load(gamma, at, n, 1));
      sum = f32x4.add(sum, d);
      product = F32x4.fma(d, f32x4.sub(F32x4.load_last(input + at, n), m), product);
    }
    const middle = f32x4.splat(F32x4.reduce_add(sum) / <f32>units);
    const slope = f32x4.splat(((F32x4.reduce_add(product) * inverse) / <f32>units) * inverse);
    at = 0;
    n = units;
    const factor = f32x4.splat(inverse);
    for (; n >= 4; n -= 4, at += 16) {
      Row.pull_back(input, delta, m, slope, middle, factor, gamma, gradient, at, 4);
    }
    if (n > 0) Row.pull_back(input, delta, m, slope, middle, factor, gamma, gradient, at, n);
  }
}
