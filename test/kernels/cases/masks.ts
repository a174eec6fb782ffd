import type { OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { make, read, widths, written } from './making.js';

/** A key and a step: the first ones, and some beyond 2^31 and 2^32. */
const maskScalars = [
  [0, 1],
  [0xdeadbeef, 12],
  [0x7fffffff, 2 ** 32 + 5],
  [0xffffffff, 2 ** 53 - 2],
];

const droppedParts = [0, 1, 2 ** 23, 0xcccccd, 2 ** 24 - 1];

export function* masks(): Generator<OperationCase> {
  let turn = 0;
  for (const scalars of maskScalars) {
    yield make({ name: 'next_masks', rows: 1, operands: { masks: 3 }, scalars });
    for (const rows of [1, 2, 17]) {
      for (const units of widths) {
        const size = rows * units;
        const layer = turn++ % 5;
        const dropped = droppedParts[turn % droppedParts.length];
        yield make({
          name: 'dropout',
          rows,
          operands: {
            input: read(size, (random) => 1 + random.uniform()),
            output: written(size, tolerance.elementwise()),
            ...{ units, dropped, layer, masks: 3 },
          },
          scalars,
        });
        yield make({
          name: 'gaussian_noise',
          rows,
          operands: {
            input: read(size),
            output: written(size, 2 * tolerance.elementwise(), 6),
            ...{ units, deviation: 5, layer, masks: 3 },
          },
          scalars: [...scalars, 1.5],
        });
      }
    }
  }
}
