import { Opcode } from '../../opcodes.js';
import { OPERATION_STRIDE } from '../../plan/encoding.js';
import { basicOperations } from '../../plan/operations.js';
import type { Program } from '../../plan/plan.js';
import type { Run } from '../backend.js';

/** What an operation costs besides its products, in multiplications. */
const OPERATION_COST = 256;

const products = [Opcode.linear_forward, Opcode.linear_backward_weights, Opcode.linear_backward_input];

/** Position of the operands `inputs` and `units` of each product. */
const extents = new Map<number, readonly [number, number]>(
  products.map((opcode) => {
    const names = basicOperations[opcode].operands.map(([name]) => name);
    return [opcode, [1 + names.indexOf('inputs'), 1 + names.indexOf('units')]];
  }),
);

/** Multiplications that a program takes for one row. */
export function multiplicationsPerRow(words: Int32Array, { begin, end }: Program): number {
  let sum = 0;
  for (let at = begin * OPERATION_STRIDE; at < end * OPERATION_STRIDE; at += OPERATION_STRIDE) {
    const places = extents.get(words[at]);
    if (places) sum += words[at + places[0]] * words[at + places[1]];
  }
  return sum;
}

/** About how long a run takes, in the time of a multiplication in a large product. */
export function costOf(words: Int32Array, run: Run): number {
  const { program, rowsPerEpoch, batchSize, steps } = run;
  const perRow = multiplicationsPerRow(words, program);
  const perStep = Math.min(rowsPerEpoch, batchSize) * perRow + (program.end - program.begin) * OPERATION_COST;
  return steps * perStep;
}
