import type { Random } from '../../../src/random.js';
import type { BufferOperand, OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { make, probability, read, rowCounts, symmetric, updated, widths, written } from './making.js';

/** Every row count and width, and those where blocks of columns end. */
function* shapes(): Generator<{ rows: number; units: number; turn: number }> {
  let turn = 0;
  for (const rows of rowCounts) for (const units of widths) yield { rows, units, turn: turn++ };
  yield { rows: 259, units: 6, turn: turn++ };
  yield { rows: 3, units: 1031, turn: turn++ };
  for (let repeat = 0; repeat < 4; repeat++) yield { rows: 3, units: 4101, turn: turn++ };
}

/** Numbers about another mean than 0. */
const shifted = (random: Random): number => 3 + symmetric(random);
const present = (turn: number, bit: number, operand: BufferOperand): BufferOperand | -1 =>
  (turn >> bit) % 2 === 0 ? operand : -1;

export function* normForward(): Generator<OperationCase> {
  for (const { rows, units, turn } of shapes()) {
    const size = rows * units;
    const common = {
      input: read(size, shifted),
      // A normalised number is as good as its mean, whose last bit the inverse deviation magnifies.
      output: written(size, 4 * tolerance.reduction(rows), 4),
      gamma: present(turn, 0, read(units)),
      beta: present(turn, 1, read(units)),
      units,
      epsilon: 3,
    };
    for (const momentum of [-1, 4]) {
      yield make({
        name: 'batch_norm_forward',
        rows,
        scalars: [0.01, 0.1],
        operands: {
          ...common,
          mean: written(units, tolerance.reduction(rows)),
          inverseDeviation: written(units, tolerance.reduction(rows)),
          runningMean: updated(units, symmetric, momentum < 0 ? 0 : tolerance.reduction(rows)),
          runningVariance: updated(units, probability, momentum < 0 ? 0 : tolerance.reduction(rows)),
          momentum,
        },
      });
    }
    yield make({
      name: 'layer_norm_forward',
      rows,
      scalars: [0.01],
      operands: {
        ...common,
        mean: written(rows, tolerance.reduction(units)),
        inverseDeviation: written(rows, tolerance.reduction(units)),
        output: written(size, 4 * tolerance.reduction(units), 4),
      },
    });
  }
}

export function* normBackward(): Generator<OperationCase> {
  for (const { rows, units, turn } of shapes()) {
    const size = rows * units;
    const accumulate = turn % 2;
    const summed: BufferOperand = {
      ...written(units, tolerance.reduction(rows), 4 * Math.sqrt(rows)),
      draw: accumulate ? symmetric : undefined,
    };
    const gradients = {
      gammaGradient: present(turn, 1, summed),
      betaGradient: present(turn, 2, summed),
      accumulate,
    };
    const common = { input: read(size, shifted), delta: read(size), units };
    const moments = (count: number) => ({
      mean: read(count, shifted),
      inverseDeviation: read(count, probability),
    });
    for (const throughMoments of [0, 1]) {
      const gradient = written(size, tolerance.reduction(rows), 4);
      yield make({
        name: 'batch_norm_backward',
        rows,
        operands: {
          ...common,
          ...moments(units),
          ...gradients,
          gamma: present(turn, 0, read(units)),
          gradient: turn % 5 === 4 ? -1 : gradient,
          throughMoments,
        },
      });
    }
    yield make({
      name: 'layer_norm_backward_weights',
      rows,
      operands: { ...common, ...moments(rows), ...gradients },
    });
    yield make({
      name: 'layer_norm_backward_input',
      rows,
      operands: {
        ...common,
        ...moments(rows),
        gamma: present(turn, 0, read(units)),
        gradient: written(size, tolerance.reduction(units), 4),
      },
    });
  }
}
