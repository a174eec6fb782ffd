import { ActivationCode, DecisionCode, LossCode, ReductionCode } from '../../../src/opcodes.js';
import type { Random } from '../../../src/random.js';
import type { OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import {
  codesOf,
  labelsOf,
  make,
  probability,
  read,
  rowCounts,
  symmetric,
  widths,
  written,
} from './making.js';

export function* rowwise(): Generator<OperationCase> {
  for (const rows of [1, 3, 16, 33]) {
    for (const units of widths) {
      const size = rows * units;
      const wide = (random: Random): number => 20 * symmetric(random);
      const softmax = tolerance.transcendentalReduction(units);
      yield make({
        name: 'softmax_forward',
        rows,
        operands: { netInput: read(size, wide), output: written(size, softmax, 0.01), units },
      });
      yield make({
        name: 'softmax_backward',
        rows,
        operands: {
          gradient: read(size),
          output: read(size, probability),
          delta: written(size, tolerance.reduction(units), Math.sqrt(units)),
          units,
        },
      });
      for (const reduction of [ReductionCode.sum, ReductionCode.mean]) {
        const outputs = {
          delta: written(size, softmax, 1),
          rowLosses: written(rows, softmax, 10),
          units,
          reduction,
        };
        const netInput = read(size, wide);
        const target = read(size, probability);
        const lossOnly = { ...outputs, delta: -1 };
        yield make({
          name: 'softmax_cross_entropy',
          rows,
          operands: { netInput, target, ...outputs, rowLosses: written(rows, softmax, 20 * units) },
        });
        yield make({
          name: 'softmax_cross_entropy_labels',
          rows,
          operands: { netInput, labels: labelsOf(rows, units), ...outputs },
        });
        yield make({
          name: 'softmax_cross_entropy_labels',
          rows,
          operands: { netInput, labels: labelsOf(rows, units), ...lossOnly },
        });
        yield make({
          name: 'sigmoid_binary_cross_entropy',
          rows,
          operands: { netInput, target, ...outputs, rowLosses: written(rows, softmax, 20 * units) },
        });
        yield make({
          name: 'cross_entropy_labels',
          rows,
          operands: {
            prediction: read(size, probability),
            labels: labelsOf(rows, units),
            gradient: written(size, tolerance.elementwise()),
            rowLosses: written(rows, tolerance.elementwise()),
            units,
            reduction,
          },
        });
      }
    }
  }
}

const lossCodes = [
  LossCode.half_squared_error,
  LossCode.squared_error,
  LossCode.mean_squared_error,
  LossCode.cross_entropy,
  LossCode.binary_cross_entropy,
];

export function* elementwise(): Generator<OperationCase> {
  for (const rows of [1, 2, 17]) {
    for (const units of widths) {
      const size = rows * units;
      for (const loss of lossCodes) {
        for (const gradient of [-1, written(size, tolerance.elementwise(), 1)]) {
          yield make({
            name: 'loss_backward',
            rows,
            operands: {
              prediction: read(size, probability),
              target: read(size, (random) => (random.uniform() < 0.3 ? random.integer(2) : random.uniform())),
              gradient,
              rowLosses: written(rows, tolerance.transcendentalReduction(units), units),
              units,
              loss,
              reduction: units % 2 === 0 ? ReductionCode.sum : ReductionCode.mean,
            },
          });
        }
      }
      for (const activation of codesOf(ActivationCode)) {
        yield make({
          name: 'activation_forward',
          rows,
          operands: {
            netInput: read(size, (random) => 4 * symmetric(random)),
            output: written(size, tolerance.elementwise()),
            units,
            activation,
          },
        });
      }
      for (const activation of [0, 1, 2, 3, ActivationCode.exp]) {
        yield make({
          name: 'activation_backward',
          rows,
          operands: {
            gradient: read(size),
            output: read(size),
            delta: written(size, tolerance.elementwise()),
            units,
            activation,
          },
        });
      }
    }
  }
}

export function* decisions(): Generator<OperationCase> {
  for (const rows of rowCounts) {
    for (const units of widths) {
      const coarse = (random: Random): number => random.integer(4) / 2 - 0.5;
      const prediction = read(rows * units, coarse);
      for (const decision of [DecisionCode.argmax, DecisionCode.half, DecisionCode.zero]) {
        yield make({
          name: 'count_correct',
          rows,
          operands: { prediction, target: read(rows * units, coarse), units, decision },
          scalarTolerance: 1e-12,
        });
      }
      yield make({
        name: 'count_correct_labels',
        rows,
        operands: { prediction, labels: labelsOf(rows, units), units },
      });
    }
  }
}
