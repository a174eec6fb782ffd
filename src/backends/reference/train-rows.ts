import { ActivationCode, LossCode, ReductionCode } from '../../opcodes.js';
import { type Batch, kernels, type Operands } from './kernels.js';

/** Operations on the arena of one row of a tiny network, in their order, and where its parameters lie there. */
interface RowProgram {
  readonly arena: Float64Array;
  readonly parameters: number;
  readonly steps: readonly ((batch: Batch) => void)[];
}

/** `train_rows` by its definition: the operations of a step, for each row by itself. */
export function trainRows(batch: Batch, o: Operands): void {
  const { arena, parameters, steps } = rowProgram(o);
  const trained = batch.arena.subarray(o.parameters, o.parameters + parameters);
  arena.set(trained);
  for (let r = 0; r < batch.rows; r++) {
    const row: Batch = { ...batch, arena, rows: 1, source: () => batch.source(r) };
    for (const step of steps) step(row);
  }
  trained.set(arena.subarray(0, parameters));
}

/** The parameters come first, then one place for each thing that is computed. */
function rowProgram(o: Operands): RowProgram {
  let length = 0;
  const place = (size: number): number => {
    length += size;
    return length - size;
  };
  const layers = [];
  let inputs = o.inputs;
  for (const [units, activation] of [
    [o.units1, o.activation1],
    [o.units2, o.activation2],
    [o.units3, o.activation3],
  ]) {
    if (units === 0) break;
    layers.push({ inputs, units, activation, weights: place(inputs * units), biases: place(units) });
    inputs = units;
  }
  const parameters = length;
  const gradient = place(parameters);
  const last = layers.length - 1;
  const { units } = layers[last];
  const isFused =
    o.loss === LossCode.binary_cross_entropy && layers[last].activation === ActivationCode.sigmoid;
  const x = [place(o.inputs), ...layers.map((layer) => place(layer.units))];
  const deltas = layers.map((layer) => place(layer.units));
  const [target, rowLosses] = [place(units), place(1)];

  const steps: ((batch: Batch) => void)[] = [];
  const add = (name: keyof typeof kernels, operands: Operands): void => {
    steps.push((batch) => kernels[name](batch, operands));
  };
  add('gather_rows', { output: x[0], columns: o.inputs, scale: -1, offset: -1, perColumn: 0, inPlace: 0 });
  add('gather_targets', { output: target, columns: units, width: units, first: 0 });
  layers.forEach((layer, index) => {
    const activation = isFused && index === last ? ActivationCode.linear : layer.activation;
    add('linear_forward', { ...layer, input: x[index], netInput: -1, output: x[index + 1], activation });
  });
  const [prediction, delta] = [x[last + 1], deltas[last]];
  if (o.decision >= 0) add('count_correct', { prediction, target, units, decision: o.decision });
  const loss = { target, rowLosses, units, reduction: ReductionCode.sum };
  if (isFused) {
    add('sigmoid_binary_cross_entropy', { ...loss, netInput: prediction, delta });
  } else {
    const { activation } = layers[last];
    add('loss_backward', { ...loss, prediction, gradient: delta, loss: o.loss });
    add('activation_backward', { gradient: delta, output: prediction, delta, units, activation });
  }
  for (let index = last; index >= 0; index--) {
    const { weights, biases } = layers[index];
    const sizes = { inputs: layers[index].inputs, units: layers[index].units, delta: deltas[index] };
    const weightGradient = gradient + weights;
    const biasGradient = gradient + biases;
    const input = x[index];
    add('linear_backward_weights', { ...sizes, input, weightGradient, biasGradient, accumulate: 0 });
    if (index === 0) break;
    const { activation } = layers[index - 1];
    add('linear_backward_input', {
      ...sizes,
      weights,
      gradient: deltas[index - 1],
      output: input,
      activation,
    });
  }
  add('sum_losses', { rowLosses });
  const { learningRate } = o;
  const plain = { velocity: -1, momentum: -1, weightDecay: -1, nesterov: 0 };
  add('sgd_step', { ...plain, parameters: 0, gradient, count: parameters, learningRate });
  return { arena: new Float64Array(length), parameters, steps };
}
