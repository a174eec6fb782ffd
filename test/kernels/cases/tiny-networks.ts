import { ActivationCode, DecisionCode } from '../../../src/opcodes.js';
import type { OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { make, symmetric, updated } from './making.js';

/** Steps of tiny networks: every number of layers and units, activation, loss and decision, and rows of every type. */
export function* tinyNetworks(): Generator<OperationCase> {
  const sizes = [
    [1, 1],
    [16, 1],
    [8, 2],
    [4, 4],
    [2, 2, 1],
    [2, 3, 1],
    [2, 4, 1],
    [3, 4, 2],
    [5, 3, 4],
    [1, 1, 1],
    [16, 1, 4, 3],
    [2, 4, 4, 1],
    [4, 3, 2, 4],
  ];
  const smooth = [ActivationCode.sigmoid, ActivationCode.tanh, ActivationCode.linear, ActivationCode.relu];
  const toBytes = (_: number, index: number): number => (index * 7) % 3;
  let turn = 0;
  for (const [inputs, ...units] of sizes) {
    for (const rows of [1, 2, 7]) {
      for (const decision of [-1, DecisionCode.argmax, DecisionCode.half, DecisionCode.zero]) {
        turn++;
        const logistic = turn % 2 === 0;
        const codes = units.map((_, layer) =>
          logistic && layer === units.length - 1 ? ActivationCode.sigmoid : smooth[(turn + layer) % 4],
        );
        const loss = logistic ? [3, 4, 4, 0, 1][turn % 5] : turn % 3;
        const outputs = units[units.length - 1];
        const count = units.reduce(
          (sum, width, layer) => sum + width * ((units[layer - 1] ?? inputs) + 1),
          0,
        );
        const data = Float32Array.from({ length: (rows + 2) * inputs }, (_, index) => Math.sin(5 * index));
        const types = [data, Uint8Array.from(data, toBytes), Float64Array.from(data)];
        const targets = Float32Array.from({ length: (rows + 2) * outputs }, (_, index) => (index * 5) % 2);
        yield make({
          name: 'train_rows',
          rows,
          scalars: [0.25],
          data: { inputs: types[turn % 3], targets },
          dataRows: rows + 2,
          order: Uint32Array.from({ length: rows }, (_, row) => (row * 3 + 1) % (rows + 2)),
          scalarTolerance: 4 * rows * tolerance.transcendentalReduction(16),
          operands: {
            parameters: updated(count, symmetric, 4 * rows * tolerance.transcendentalReduction(16)),
            inputs,
            units1: units[0],
            units2: units[1] ?? 0,
            units3: units[2] ?? 0,
            activation1: codes[0],
            activation2: codes[1] ?? 0,
            activation3: codes[2] ?? 0,
            loss,
            decision,
            learningRate: 3,
          },
        });
      }
    }
  }
}
