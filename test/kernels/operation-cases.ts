import {
  ActivationCode,
  BinaryCode,
  ClipCode,
  DecisionCode,
  ExtentCode,
  LossCode,
  OptimizerCode,
  ReductionCode,
  RowCode,
  UnaryCode,
} from '../../src/opcodes.js';
import type { Random } from '../../src/random.js';
import type { BufferOperand, OperationCase } from '../support/operation-case.js';
import { tolerance } from '../support/tolerances.js';

/** One row, a lane, a vector and a tile of every instruction set, each one less and one more, and primes. */
export const rowCounts = [1, 2, 3, 4, 7, 8, 13, 16, 17, 33];
export const widths = [1, 2, 3, 4, 5, 8, 10, 15, 16, 17, 31, 32, 33, 47, 64, 101];

const symmetric = (random: Random): number => 2 * random.uniform() - 1;
const probability = (random: Random): number => 0.01 + 0.98 * random.uniform();
const read = (size: number, draw: NonNullable<BufferOperand['draw']> = symmetric): BufferOperand => ({
  size,
  draw,
});
const written = (size: number, allowed: number, scale = 1): BufferOperand => ({
  size,
  written: { tolerance: allowed, scale },
});
const updated = (size: number, draw: BufferOperand['draw'], allowed: number): BufferOperand => ({
  size,
  draw,
  written: { tolerance: allowed, scale: 1 },
});
const labelsOf = (rows: number, units: number): BufferOperand =>
  read(rows, (random) => random.integer(units));

/** Float32 values, so that float64 and float32 executors start from the same numbers. */
const scalars = (...values: number[]): number[] => values;

const codesOf = (codes: object): number[] => Object.values(codes).filter((code) => typeof code === 'number');

let seed = 0;
const make = (test: Omit<OperationCase, 'seed'>): OperationCase => ({ ...test, seed: seed++ });

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

function* linearForward(): Generator<OperationCase> {
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

function* linearBackward(): Generator<OperationCase> {
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
function* smallTerms(): Generator<OperationCase> {
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

function* rowwise(): Generator<OperationCase> {
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

function* elementwise(): Generator<OperationCase> {
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

function* gathers(): Generator<OperationCase> {
  for (const columns of widths) {
    for (const bytes of [false, true]) {
      for (const transform of ['none', 'scale', 'offset', 'both', 'columns'] as const) {
        const rows = 5;
        const dataRows = 9;
        const drawn = { length: dataRows * columns };
        const inputs = bytes
          ? Uint8Array.from(drawn, (_, index) => (index * 37) % 256)
          : Float32Array.from(drawn, (_, index) => Math.sin(index));
        const per = transform === 'columns' ? columns : 1;
        yield make({
          name: 'gather_rows',
          rows,
          dataRows,
          data: { inputs },
          order: Uint32Array.of(8, 0, 3, 3, 7),
          operands: {
            output: written(rows * columns, tolerance.elementwise(), 256),
            columns,
            scale: transform === 'none' || transform === 'offset' ? -1 : read(per),
            offset: transform === 'none' || transform === 'scale' ? -1 : read(per),
            perColumn: Number(transform === 'columns'),
          },
        });
      }
    }
    const targets = Float32Array.from({ length: 4 * columns }, (_, index) => Math.cos(index));
    yield make({
      name: 'gather_targets',
      rows: 3,
      dataRows: 4,
      data: { inputs: new Float32Array(4), targets },
      order: Uint32Array.of(3, 1, 1),
      operands: { output: written(3 * columns, tolerance.exact()), columns, width: columns, first: 0 },
    });
    yield make({
      name: 'gather_targets',
      rows: 2,
      dataRows: 2,
      data: {
        inputs: new Float32Array(2),
        targets: Float32Array.from({ length: 2 * columns + 4 }, (_, index) => Math.sin(index)),
      },
      order: Uint32Array.of(1, 0),
      operands: { output: written(2 * columns, tolerance.exact()), columns, width: columns + 2, first: 2 },
    });
    yield make({
      name: 'store_rows',
      rows: 4,
      resultLength: 4 * columns,
      operands: { output: read(4 * columns), units: columns },
    });
  }
  for (const rows of rowCounts) {
    const labels = Int32Array.from({ length: rows + 2 }, (_, row) => (row * 5) % 11);
    const order = Uint32Array.from({ length: rows }, (_, row) => (row * 3) % (rows + 2));
    yield make({
      name: 'gather_labels',
      rows,
      dataRows: rows + 2,
      data: { inputs: new Float32Array(rows + 2), labels },
      order,
      operands: { output: written(rows, tolerance.exact()) },
    });
    yield make({
      name: 'sum_losses',
      rows,
      operands: { rowLosses: read(rows) },
      scalarTolerance: 1e-12,
    });
  }
}

function* decisions(): Generator<OperationCase> {
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

function* optimizerRules(): Generator<OperationCase> {
  for (const count of [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1031]) {
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

function* gradients(): Generator<OperationCase> {
  for (const first of [0, 1]) {
    yield make({ name: 'count_batches', rows: 1, scalars: [4], operands: { batches: 3, first } });
  }
  for (const count of [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1031]) {
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

function* optimizers(): Generator<OperationCase> {
  for (const rows of [1, 2, 17]) {
    for (const units of widths) {
      yield make({
        name: 'scale_by_rate',
        rows,
        scalars: scalars(0.25),
        operands: {
          delta: updated(rows * units, symmetric, tolerance.elementwise()),
          units,
          learningRate: 3,
        },
      });
    }
  }
  for (const count of [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1031]) {
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
        scalars: scalars(0.25, 0.9, 0.01),
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
        scalars: scalars(0.001, 0.01, 0.9, 0.999, 1e-8, 0.9 ** 3, 0.999 ** 3),
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
        scalars: scalars(0.002, ...optimizerScalars(rule, steps)),
        operands: { scalars: 4, learningRate: 3, rule },
        scalarTolerance: 1e-14,
      });
    }
  }
  yield make({
    name: 'advance_moments',
    rows: 1,
    scalars: scalars(0.9, 0.999, 1e-8, 0.81, 0.998),
    operands: { moments: 3 },
  });
}

const extents = [ExtentCode.full, ExtentCode.row, ExtentCode.units, ExtentCode.constant];

/** Arguments at which each function is defined, with those where its method changes. */
const domains: Partial<Record<UnaryCode, (random: Random) => number>> = {
  [UnaryCode.sqrt]: (random) => 10 * random.uniform(),
  [UnaryCode.log]: (random) => 10 ** (8 * symmetric(random)),
  [UnaryCode.sin]: (random) => 10 ** (3 * random.uniform()) * symmetric(random),
  [UnaryCode.cos]: (random) => 10 ** (3 * random.uniform()) * symmetric(random),
};

function* maps(): Generator<OperationCase> {
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

/** Steps of tiny networks: every number of layers and units, activation, loss and decision, and rows of every type. */
function* tinyNetworks(): Generator<OperationCase> {
  const sizes = [
    [1, 1],
    [16, 1],
    [8, 2],
    [4, 4],
    [2, 2, 1],
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
          scalars: scalars(0.25),
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

/** Cases of every operation, by the name of the group they are reported under. */
export const operationCases: Readonly<Record<string, () => Generator<OperationCase>>> = {
  linear_forward: linearForward,
  'linear_backward_*': linearBackward,
  'sums of small terms': smallTerms,
  'softmax and cross-entropy': rowwise,
  'losses and activations': elementwise,
  'gathers, stores and sums': gathers,
  decisions: decisions,
  'optimizer steps': optimizers,
  'steps of tiny networks': tinyNetworks,
  'optimizer rules': optimizerRules,
  gradients,
  expressions: maps,
};
