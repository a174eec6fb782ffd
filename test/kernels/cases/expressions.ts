import { BinaryCode, ExtentCode, ReductionCode, RowCode, UnaryCode } from '../../../src/opcodes.js';
import type { Random } from '../../../src/random.js';
import type { BufferOperand, OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { codesOf, make, read, symmetric, written } from './making.js';

const extents = [ExtentCode.full, ExtentCode.row, ExtentCode.units, ExtentCode.constant];

/** Arguments at which each function is defined, with those where its method changes. */
const domains: Partial<Record<UnaryCode, (random: Random) => number>> = {
  [UnaryCode.sqrt]: (random) => 10 * random.uniform(),
  [UnaryCode.log]: (random) => 10 ** (8 * symmetric(random)),
  [UnaryCode.sin]: (random) => 10 ** (3 * random.uniform()) * symmetric(random),
  [UnaryCode.cos]: (random) => 10 ** (3 * random.uniform()) * symmetric(random),
};

export function* maps(): Generator<OperationCase> {
  const small = (random: Random): number => 3 * symmetric(random);
  const coarse = (random: Random): number => random.integer(3) - 1;
  for (const rows of [1, 2, 5, 16]) {
    for (const columns of [1, 2, 3, 8, 15, 16, 17, 33, 65]) {
      const operand = (extent: ExtentCode, draw: (random: Random) => number): BufferOperand =>
        read([rows * columns, rows, columns, 1][extent], draw);
      const size = rows * columns;
      const output = written(size, tolerance.elementwise());
      let turn = 0;
      for (const code of codesOf(UnaryCode)) {
        const aExtent = turn++ % 2 === 0 ? ExtentCode.full : extents[turn % 4];
        const a = operand(aExtent, domains[code as UnaryCode] ?? small);
        yield make({ name: 'map_unary', rows, operands: { a, aExtent, output, columns, function: code } });
      }
      for (const aExtent of extents) {
        for (const bExtent of extents) {
          const code = codesOf(BinaryCode)[turn++ % 9];
          const compares = code >= BinaryCode.less;
          const a = operand(aExtent, compares ? coarse : small);
          const b = operand(bExtent, compares ? coarse : small);
          const operands = {
            a,
            aExtent,
            b,
            bExtent,
            output: written(size, tolerance.elementwise()),
            columns,
          };
          yield make({ name: 'map_binary', rows, operands: { ...operands, function: code } });
          const condition = operand(extents[turn % 4], coarse);
          yield make({
            name: 'map_where',
            rows,
            operands: {
              condition,
              conditionExtent: extents[turn % 4],
              ...operands,
              a: operand(aExtent, small),
            },
          });
        }
      }
      for (const aExtent of extents) {
        const a = operand(aExtent, coarse);
        const perRow = written(rows, tolerance.reduction(columns), Math.sqrt(columns));
        yield make({
          name: 'map_row',
          rows,
          operands: { a, aExtent, output: perRow, columns, function: RowCode.rowSum },
        });
        const exact = { a, aExtent, columns };
        yield make({
          name: 'map_row',
          rows,
          operands: { ...exact, output: written(rows, 0), function: RowCode.rowMax },
        });
        yield make({
          name: 'map_row',
          rows,
          operands: { ...exact, output: written(size, 0), function: RowCode.firstMax },
        });
      }
    }
    for (const reduction of [ReductionCode.sum, ReductionCode.mean]) {
      yield make({
        name: 'reduction_scale',
        rows,
        operands: { output: written(1, tolerance.elementwise()), reduction },
      });
    }
  }
}
