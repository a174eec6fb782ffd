import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive } from '../../src/expression/derive.js';
import { evaluate } from '../../src/expression/evaluate.js';
import { type Node, nodesBelow } from '../../src/expression/nodes.js';
import { type ExpressionOperations, type Traced, Tracer } from '../../src/expression/trace.js';
import { smoothFunctions } from '../support/traceable.js';

type Traceable = (z: Traced, e: ExpressionOperations) => unknown;

function trace(fn: Traceable): { tracer: Tracer; root: Node; z: Node } {
  const tracer = new Tracer('Cannot define activation', 'f');
  const z = tracer.input('netInput');
  return { tracer, root: tracer.result(fn(z, tracer.operations())), z: z.node };
}

const resultOf = (fn: Traceable, rows: number[][]): number[][] =>
  evaluate(trace(fn).root, { netInput: rows });

/** Gradient of Σ gradient · f(z) by the derived expression and by central differences. */
function gradients(
  fn: Traceable,
  rows: number[][],
  gradient: number[][],
): { derived: number[][]; numeric: number[][] } {
  const { tracer, root, z } = trace(fn);
  const backward = derive(tracer.builder, root, tracer.input('gradient').node, z);
  const derived = evaluate(backward, { netInput: rows, gradient });
  const weighted = (at: number[][]): number =>
    evaluate(root, { netInput: at }).reduce(
      (sum, row, r) => sum + row.reduce((part, value, j) => part + value * gradient[r][j], 0),
      0,
    );
  const step = 1e-6;
  const numeric = rows.map((row, r) =>
    row.map((_, j) => {
      const moved = (by: number): number[][] =>
        rows.map((other, s) => other.map((value, k) => (s === r && k === j ? value + by : value)));
      return (weighted(moved(step)) - weighted(moved(-step))) / (2 * step);
    }),
  );
  return { derived, numeric };
}

function expectGradients(fn: Traceable, rows: number[][], gradient: number[][]): void {
  const { derived, numeric } = gradients(fn, rows, gradient);
  derived.flat().forEach((value, index) => {
    const wanted = numeric.flat()[index];
    expect(Math.abs(value - wanted)).toBeLessThan(1e-5 * Math.max(1, Math.abs(wanted)));
  });
}

const rows = [
  [0.3, -1.2, 2.1],
  [-0.7, 0.9, 0.05],
];
const gradient = [
  [1, -0.5, 0.25],
  [2, 0.75, -1],
];

const functions: Record<string, Traceable> = {
  'sigmoid(2 z)': (z, e) => e.sigmoid(e.mul(2, z)),
  softsign: (z, e) => e.div(z, e.add(1, e.abs(z))),
  sine: (z, e) => e.sin(z),
  gaussian: (z, e) => e.exp(e.neg(e.mul(z, z))),
  'exp(sum (w z)^2 + 1)': (z, e) => {
    const weighted = e.mul(e.perUnit([0.5, -0.25, 0.125]), z);
    return e.exp(e.add(e.rowSum(e.mul(weighted, weighted)), 1));
  },
  softmax: (z, e) => {
    const shifted = e.exp(e.sub(z, e.rowMax(z)));
    return e.div(shifted, e.rowSum(shifted));
  },
  'where(z > 0, log(1 + z), cos z)': (z, e) => e.where(e.greater(z, 0), e.log(e.add(1, e.abs(z))), e.cos(z)),
  'min and max': (z, e) => e.add(e.min(z, 0.5), e.max(e.tanh(z), e.neg(z))),
  'sqrt and softplus': (z, e) => e.sqrt(e.add(1, e.softplus(e.mul(z, 3)))),
  'a row through a row': (z, e) => e.mul(z, e.rowSum(e.mul(e.rowMax(z), z))),
};

describe('a traced function', () => {
  it.each(Object.entries(functions))('%s has the derivative of its finite differences', (_, fn) => {
    expectGradients(fn, rows, gradient);
  });

  it('evaluates to what it says', () => {
    expect(resultOf(functions.softmax, [[1, 1]])).toEqual([[0.5, 0.5]]);
    expect(resultOf((z, e) => e.where(e.lessEqual(z, 1), 5, z), [[0, 1, 2]])).toEqual([[5, 5, 2]]);
    expect(
      resultOf(
        (z, e) => e.rowMax(z),
        [
          [3, 9],
          [4, 1],
        ],
      ),
    ).toEqual([
      [9, 9],
      [4, 4],
    ]);
  });

  it('gives the gradient of a largest number to the first of equals', () => {
    const { tracer, root, z } = trace((input, e) => e.rowMax(input));
    const backward = derive(tracer.builder, root, tracer.input('gradient').node, z);
    expect(evaluate(backward, { netInput: [[7, 7, 1]], gradient: [[1, 1, 1]] })).toEqual([[3, 0, 0]]);
  });

  it('is simplified: constants fold, neutral elements vanish, equal parts are one', () => {
    const size = (fn: Traceable): number => nodesBelow([trace(fn).root]).length;
    expect(size((z, e) => e.add(e.mul(1, z), e.sub(2, 2)))).toBe(1);
    expect(size((z, e) => e.neg(e.neg(z)))).toBe(1);
    expect(size((z, e) => e.add(e.exp(z), e.exp(z)))).toBe(3);
    expect(trace((_, e) => e.exp(e.log(1))).root).toMatchObject({ kind: 'constant', value: 1 });
  });

  it.each<[string, Traceable, string]>([
    [
      'adds with +',
      (z, e) => e.exp((z as unknown as number) + 1),
      'a traced value can only be used through e',
    ],
    [
      'compares with >',
      (z) => ((z as unknown as number) > 0 ? z : 0),
      'a traced value can only be used through e',
    ],
    ['asks Math', (z) => Math.exp(z as unknown as number), 'a number operation on a traced value in f'],
    [
      'uses an unknown operation',
      (z, e) => (e as unknown as { gamma: Traceable }).gamma(z, e),
      'received e.gamma in f',
    ],
    ['returns nothing', () => undefined, 'the result in f must be a number or come from e or the arguments'],
    ['returns text', () => 'z', 'the result in f must be a number'],
    ['uses NaN', (z, e) => e.mul(z, Number.NaN), 'operand 2 of e.mul in f must be finite: received NaN'],
    [
      'forgets an operand',
      (z, e) => (e.add as (a: Traced) => Traced)(z),
      'operand 2 of e.add in f must be a number',
    ],
    ['lists text per unit', (_, e) => e.perUnit('abc' as never), 'e.perUnit in f takes one number per unit'],
    [
      'keeps a value of another',
      () => new Tracer('', 'g').input('netInput'),
      'must be traced in the same function',
    ],
  ])('that %s is refused', (_, fn, message) => {
    expect(() => trace(fn)).toThrow(message);
  });
});

describe('random traced functions', () => {
  it('have the derivatives of their finite differences', () => {
    fc.assert(
      fc.property(smoothFunctions(true), (fn) => {
        fc.pre(
          evaluate(trace(fn).root, { netInput: rows })
            .flat()
            .every((value) => Math.abs(value) < 1e3),
        );
        expectGradients(fn, rows, gradient);
      }),
      { numRuns: 300 },
    );
  });
});
