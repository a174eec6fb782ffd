import { ClipCode } from '../../../src/opcodes.js';
import type { OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { lengths, make, probability, read, symmetric, updated, widths, written } from './making.js';

export function* gradients(): Generator<OperationCase> {
  for (const first of [0, 1]) {
    yield make({ name: 'count_batches', rows: 1, scalars: [4], operands: { batches: 3, first } });
  }
  for (const count of lengths) {
    const gradient = updated(count, symmetric, tolerance.elementwise());
    for (const block of [8, 100, 1024]) {
      yield make({
        name: 'gradient_squares',
        rows: 1,
        operands: {
          ...{ gradient: read(count), count, block },
          sums: written(Math.ceil(count / block), tolerance.reduction(block)),
        },
      });
    }
    yield make({
      name: 'gradient_norm',
      rows: 1,
      scalars: [0],
      operands: { sums: read(count, probability), count, norm: 3 },
      scalarTolerance: 1e-12,
    });
    // Values, a norm above the limit, one below it, and the mean.
    for (const [kind, limit, measure] of [
      [ClipCode.value, 3, -1],
      [ClipCode.norm, 3, 4],
      [ClipCode.norm, 4, 3],
      [ClipCode.mean, -1, 4],
    ]) {
      yield make({
        name: 'clip_gradient',
        rows: 1,
        scalars: [0.5, 3],
        operands: { gradient, count, kind, limit, measure },
      });
    }
    for (const [l1, l2, perRow] of [
      [3, -1, 0],
      [-1, 4, 0],
      [3, 4, 1],
    ]) {
      const parameters = read(count, (random) => random.integer(3) - 1);
      yield make({
        name: 'penalty',
        rows: 5,
        scalars: [0.25, 0.75],
        operands: { parameters, gradient, count, l1, l2, perRow },
      });
    }
    const average = gradient;
    yield make({
      name: 'average_step',
      rows: 1,
      scalars: [0.99],
      operands: { parameters: read(count), average, count, decay: 3 },
    });
  }
  for (const units of widths) {
    for (const inputs of [1, 3, 16]) {
      for (const limit of [0.01, 1, 100]) {
        yield make({
          name: 'max_norm',
          rows: 1,
          scalars: [limit],
          operands: {
            weights: updated(inputs * units, symmetric, tolerance.elementwise()),
            ...{ inputs, units, limit: 3 },
          },
        });
      }
    }
  }
}
