import { ActivationCode } from '../../../src/opcodes.js';
import type { BufferOperand, OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { make, read, rowCounts, symmetric, updated, widths, written } from './making.js';

/** All sizes of a matrix product that matter: every row count and width, paired so that each meets small and large. */
function* products(): Generator<{ rows: number; inputs: number; units: number }> {
  for (const rows of rowCounts)
    for (const units of widths) yield { rows, inputs: widths[(rows * 7 + units) % 16], units };
  for (const inputs of widths) for (const units of [1, 3, 16, 33]) yield { rows: 5, inputs, units };
  yield { rows: 3, inputs: 1031, units: 2 };
  yield { rows: 65, inputs: 300, units: 130 };
  yield { rows: 2, inputs: 3, units: 1031 };
  yield { rows: 259, inputs: 6, units: 5 };
  yield { rows: 1, inputs: 259, units: 257 };
  // Tall tiles of every height.
  for (const rows of [5, 6, 7, 8, 9, 10, 11, 12, 25])
    for (const units of [1, 10]) yield { rows, inputs: 37, units };
  // A few columns, with more rows than are computed as columns at once, and more steps than a block is deep.
  yield { rows: 155, inputs: 41, units: 10 };
  yield { rows: 305, inputs: 265, units: 4 };
  yield { rows: 37, inputs: 200, units: 19 };
  yield { rows: 270, inputs: 10, units: 41 };
  // Weights whose rows lie at a distance of pages.
  for (const rows of [5, 128, 129]) yield { rows, inputs: 261, units: 1024 };
}

/** Few rows and weights beyond the nearest caches. */
const streamedProducts = [
  { rows: 1, inputs: 1029, units: 1033 },
  { rows: 2, inputs: 517, units: 2049 },
  { rows: 3, inputs: 2051, units: 515 },
];

const activations = [
  ActivationCode.linear,
  ActivationCode.sigmoid,
  ActivationCode.tanh,
  ActivationCode.relu,
  ActivationCode.heaviside,
  ActivationCode.exp,
];

export function* linearForward(): Generator<OperationCase> {
  let turn = 0;
  for (const { rows, inputs, units } of [...products(), ...streamedProducts]) {
    const activation = activations[turn++ % activations.length];
    const exact = activation === ActivationCode.heaviside ? tolerance.exact() : undefined;
    const allowed = exact ?? tolerance.transcendentalReduction(inputs) * Math.sqrt(inputs);
    yield make({
      name: 'linear_forward',
      rows,
      operands: {
        input: read(rows * inputs),
        weights: read(inputs * units),
        biases: turn % 3 === 0 ? -1 : read(units),
        netInput: turn % 2 === 0 ? -1 : written(rows * units, tolerance.reduction(inputs), Math.sqrt(inputs)),
        output: written(rows * units, allowed),
        inputs,
        units,
        activation,
      },
    });
  }
}

export function* linearBackward(): Generator<OperationCase> {
  let turn = 0;
  for (const { rows, inputs, units } of products()) {
    turn++;
    for (const accumulate of [0, 1]) {
      const gradient = (size: number): BufferOperand => ({
        ...written(size, tolerance.reduction(rows), Math.sqrt(rows)),
        draw: accumulate ? symmetric : undefined,
      });
      yield make({
        name: 'linear_backward_weights',
        rows,
        operands: {
          input: read(rows * inputs),
          delta: read(rows * units),
          weightGradient: gradient(inputs * units),
          biasGradient: turn % 3 === 0 ? -1 : gradient(units),
          inputs,
          units,
          accumulate,
        },
      });
    }
    const activation = activations[turn % 4];
    yield make({
      name: 'linear_backward_input',
      rows,
      operands: {
        delta: read(rows * units),
        weights: read(inputs * units),
        gradient: written(rows * inputs, tolerance.reduction(units), Math.sqrt(units)),
        output: activation === ActivationCode.linear ? -1 : read(rows * inputs),
        inputs,
        units,
        activation,
      },
    });
  }
}

/** Terms that would be lost one by one in what they are added to, but not their sum. */
export function* smallTerms(): Generator<OperationCase> {
  for (const rows of [64, 512]) {
    for (const [inputs, units] of [
      [1, 1],
      [3, 5],
      [17, 33],
    ]) {
      const one = (): number => 1;
      yield make({
        name: 'linear_backward_weights',
        rows,
        operands: {
          input: read(rows * inputs, one),
          delta: read(rows * units, () => 2 ** -28),
          weightGradient: updated(inputs * units, one, tolerance.exact()),
          biasGradient: updated(units, one, tolerance.exact()),
          inputs,
          units,
          accumulate: 1,
        },
      });
    }
  }
}
