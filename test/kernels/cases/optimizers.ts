import { OptimizerCode } from '../../../src/opcodes.js';
import type { Random } from '../../../src/random.js';
import type { BufferOperand, OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { codesOf, lengths, make, probability, read, symmetric, updated, widths } from './making.js';

export function* optimizers(): Generator<OperationCase> {
  for (const rows of [1, 2, 17]) {
    for (const units of widths) {
      yield make({
        name: 'scale_by_rate',
        rows,
        scalars: [0.25],
        operands: {
          delta: updated(rows * units, symmetric, tolerance.elementwise()),
          units,
          learningRate: 3,
        },
      });
    }
  }
  for (const count of lengths) {
    const stepped = (draw: BufferOperand['draw']): BufferOperand =>
      updated(count, draw, tolerance.elementwise());
    for (const [velocity, weightDecay, nesterov] of [
      [false, -1, 0],
      [false, 5, 0],
      [true, -1, 0],
      [true, 5, 0],
      [true, 5, 1],
    ] as const) {
      yield make({
        name: 'sgd_step',
        rows: 1,
        scalars: [0.25, 0.9, 0.01],
        operands: {
          parameters: stepped(symmetric),
          gradient: read(count),
          velocity: velocity ? stepped(symmetric) : -1,
          count,
          learningRate: 3,
          momentum: velocity ? 4 : -1,
          weightDecay,
          nesterov,
        },
      });
    }
    for (const [weightDecay, decoupled] of [
      [-1, 0],
      [4, 0],
      [4, 1],
    ] as const) {
      yield make({
        name: 'adam_step',
        rows: 1,
        scalars: [0.001, 0.01, 0.9, 0.999, 1e-8, 0.9 ** 3, 0.999 ** 3],
        operands: {
          parameters: stepped(symmetric),
          gradient: read(count),
          firstMoment: stepped(symmetric),
          secondMoment: stepped(probability),
          count,
          learningRate: 3,
          moments: 5,
          weightDecay,
          decoupled,
        },
      });
    }
  }
  for (const rule of codesOf(OptimizerCode)) {
    for (const steps of [0, 1, 5, 100]) {
      yield make({
        name: 'advance_optimizer',
        rows: 1,
        scalars: [0.002, ...optimizerScalars(rule, steps)],
        operands: { scalars: 4, learningRate: 3, rule },
        scalarTolerance: 1e-14,
      });
    }
  }
  yield make({
    name: 'advance_moments',
    rows: 1,
    scalars: [0.9, 0.999, 1e-8, 0.81, 0.998],
    operands: { moments: 3 },
  });
}

/** Scalars of an optimizer after some steps. */
function optimizerScalars(rule: OptimizerCode, steps: number): number[] {
  const [decay1, decay2] = rule === OptimizerCode.rprop ? [1.2, 0.5] : [0.9, 0.999];
  const option = rule === OptimizerCode.rprop ? 1e-6 : 0.96 ** 0.004;
  const powers = [decay1 ** steps, decay2 ** steps, option ** steps];
  return [
    0.01,
    0.1,
    decay1,
    decay2,
    1e-8,
    option,
    50,
    steps,
    ...powers,
    0.5 ** steps,
    ...new Array(10).fill(0),
  ];
}

/** What each rule keeps, as drawn, and its coefficients. */
const rules: readonly {
  rule: OptimizerCode;
  states: readonly (((random: Random) => number) | null)[];
  coefficients: readonly number[];
}[] = [
  ...[OptimizerCode.amsgrad, OptimizerCode.nadam, OptimizerCode.radam].flatMap((rule) => [
    {
      rule,
      states: [symmetric, probability, probability],
      coefficients: [0.9, 0.1, 0.99, 0.01, 0.002, 0.01, 1.1, 1e-3],
    },
    { rule, states: [symmetric, probability, null], coefficients: [0.9, 0.1, 0.99, 0.01, 0, 0.01, 0, 1] },
  ]),
  {
    rule: OptimizerCode.adamax,
    states: [symmetric, probability, null],
    coefficients: [0.9, 0.1, 0.99, 1e-8, 0.01],
  },
  ...[null, symmetric].flatMap((momentum) =>
    [null, (random: Random) => 0.05 * symmetric(random)].map((mean) => ({
      rule: OptimizerCode.rmsprop,
      states: [probability, momentum, mean],
      coefficients: [0.99, 0.01, 0.9, 1e-8, 0.01],
    })),
  ),
  {
    rule: OptimizerCode.adagrad,
    states: [probability, null, null],
    coefficients: [1, 1, 0, 1e-10, 0.01],
  },
  {
    rule: OptimizerCode.adadelta,
    states: [probability, probability, null],
    coefficients: [0.9, 0.1, 1e-6, 1],
  },
  { rule: OptimizerCode.lion, states: [symmetric, null, null], coefficients: [0.9, 0.1, 0.99, 0.01, 0.01] },
  {
    rule: OptimizerCode.rprop,
    states: [probability, (random) => random.integer(3) - 1, null],
    coefficients: [1.25, 0.5, 0.02, 0.75],
  },
];

export function* optimizerRules(): Generator<OperationCase> {
  for (const count of lengths) {
    for (const { rule, states, coefficients } of rules) {
      for (const decays of [
        [0, 1],
        [0.01, 0.99],
      ]) {
        const [state1, state2, state3] = states.map((draw) =>
          draw ? updated(count, draw, tolerance.elementwise()) : -1,
        );
        yield make({
          name: 'optimizer_step',
          rows: 1,
          scalars: [...new Array(12).fill(0), ...decays, ...coefficients, ...new Array(8).fill(0)].slice(
            0,
            22,
          ),
          operands: {
            parameters: updated(count, symmetric, tolerance.elementwise()),
            gradient: read(count, (random, index) => (index % 5 === 4 ? 0 : symmetric(random))),
            ...{ state1, state2, state3, count, scalars: 3, rule },
          },
        });
      }
    }
  }
}
