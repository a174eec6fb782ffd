import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  accuracy,
  argmax,
  binaryDecisions,
  fromOneHot,
  Matrix,
  multiLabel,
  oneHot,
} from '../../src/exports.js';

interface HardDecisions {
  readonly id: string;
  readonly expected: {
    readonly binary_from_logit: { readonly z: number[]; readonly y_hat: number[] };
    readonly binary_from_probability: { readonly u: number[]; readonly y_hat: number[] };
    readonly argmax: {
      readonly z: number[][];
      readonly label_0based: number[];
      readonly label_1based: number[];
    };
    readonly argmax_tie: { readonly z: number[][]; readonly label_0based: number[] };
    readonly multi_label: { readonly y: number[][]; readonly labels: number[][] };
  };
}

const { cases } = JSON.parse(readFileSync(new URL('../golden/golden.json', import.meta.url), 'utf8')) as {
  cases: HardDecisions[];
};
const { expected } = cases.find(({ id }) => id === 'hard-decisions') as HardDecisions;

describe('the worked decisions', () => {
  test('argmax, counted from 0 and from 1', () => {
    const { z, label_0based, label_1based } = expected.argmax;
    expect(Array.from(argmax(z))).toEqual(label_0based);
    expect(Array.from(argmax(z, { base: 1 }))).toEqual(label_1based);
  });

  test('argmax of a tie is the first', () => {
    expect(Array.from(argmax(expected.argmax_tie.z))).toEqual(expected.argmax_tie.label_0based);
  });

  test('binary decisions from net inputs and from probabilities', () => {
    const { binary_from_logit: logit, binary_from_probability: probability } = expected;
    expect(Array.from(binaryDecisions(logit.z, { from: 'netInput' }))).toEqual(logit.y_hat);
    expect(Array.from(binaryDecisions(probability.u, { from: 'probability' }))).toEqual(probability.y_hat);
  });

  test('several labels a row', () => {
    const { y, labels } = expected.multi_label;
    expect(multiLabel(y).toArrays()).toEqual(labels);
  });
});

describe('argmax', () => {
  test('takes a Matrix, a flat row, and infinities', () => {
    expect(Array.from(argmax(new Matrix(Float32Array.of(0, 2, 5, 1), 2, 2)))).toEqual([1, 0]);
    expect(Array.from(argmax([3, 9, 9]))).toEqual([1]);
    expect(Array.from(argmax([[Number.NEGATIVE_INFINITY, -1e300]]))).toEqual([1]);
  });

  test.each([
    ['NaN', [[1, Number.NaN]], undefined, RangeError, 'NaN in row 0, column 1'],
    ['rows of different lengths', [[1, 2], [3]], undefined, TypeError, 'must have 2 numbers, like the first'],
    ['no rows', [], undefined, RangeError, 'must not be empty'],
    ['a string in a row', [[1, '2']], undefined, TypeError, 'row 0, column 1 of rows must be a number'],
    ['a base other than 0 and 1', [[1, 2]], { base: 2 }, RangeError, 'base must be an integer >= 0 and <= 1'],
    ['an unknown option', [[1, 2]], { bass: 1 }, TypeError, "unknown option 'bass'"],
  ])('rejects %s', (_, rows, options, type, message) => {
    const call = () => argmax(rows as number[][], options as { base: 1 });
    expect(call).toThrow(type);
    expect(call).toThrow(message);
  });
});

describe('binary decisions', () => {
  test('from net inputs for rows of several outputs', () => {
    const net = [
      [-1, 0],
      [2, -1e-30],
    ];
    expect(multiLabel(net, { from: 'netInput' }).toArrays()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test('need to know what the numbers are', () => {
    expect(() => binaryDecisions([0.7], {} as { from: 'netInput' })).toThrow(
      'from must be one of netInput, probability',
    );
  });
});

describe('one-hot rows', () => {
  test.each([0, 1] as const)('there and back, counted from %i', (base) => {
    const labels = [2, 0, 1, 2].map((label) => label + base);
    const rows = oneHot(labels, 3, { base });
    expect(rows.toArrays()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(Array.from(fromOneHot(rows, { base }))).toEqual(labels);
  });

  test('take the labels that argmax returns', () => {
    expect(oneHot(argmax([[0, 1]]), 2).toArrays()).toEqual([[0, 1]]);
  });

  test.each([
    [[0, 3], { base: 1 } as const, 'labels must be integers from 1 to 3: received 0 at index 0'],
    [[1, 3], {}, 'labels must be integers from 0 to 2: received 3 at index 1'],
    [[0.5], {}, 'received 0.5 at index 0'],
  ])('reject the labels %j with %j', (labels, options, message) => {
    expect(() => oneHot(labels, 3, options)).toThrow(RangeError);
    expect(() => oneHot(labels, 3, options)).toThrow(message);
  });

  test.each([[[[0, 0]]], [[[1, 1]]], [[[0.5, 0.5]]], [[[1, -1]]]])('reject %j', (rows) => {
    expect(() => fromOneHot(rows)).toThrow(RangeError);
    expect(() => fromOneHot(rows)).toThrow('each row must have one 1 and zeros');
  });
});

describe('accuracy', () => {
  test('of labels', () => {
    expect(accuracy([1, 0, 2, 2], Int32Array.of(1, 0, 2, 1))).toBe(0.75);
    expect(accuracy(Int32Array.of(0, 1), [[0], [0]])).toBe(0.5);
  });

  test('of several labels a row counts every output', () => {
    const predicted = multiLabel([
      [0.9, 0.2],
      [0.4, 0.6],
    ]);
    expect(
      accuracy(predicted, [
        [1, 1],
        [0, 1],
      ]),
    ).toBe(0.75);
  });

  test('rejects labels against rows', () => {
    const rows = [
      [0, 1],
      [1, 0],
    ];
    expect(() => accuracy([1, 0, 1, 1], rows)).toThrow(TypeError);
    expect(() => accuracy([1, 0, 1], [1, 0])).toThrow('expected must be 3 labels, like predicted');
  });
});
