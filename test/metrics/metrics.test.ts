import { describe, expect, it } from 'vitest';
import { metrics } from '../../src/index.js';

describe('metrics where there is nothing to measure', () => {
  it('ROC AUC is NaN for a class without rows, or with all of them', () => {
    expect(metrics.rocAuc([0.2, 0.8], [0, 0])).toBeNaN();
    expect(metrics.rocAuc([0.2, 0.8], [1, 1])).toBeNaN();
    const scores = [
      [0.7, 0.2, 0.1],
      [0.2, 0.7, 0.1],
    ];
    expect(metrics.rocAuc(scores, [0, 1])).toBeNaN();
    expect(Array.from(metrics.rocAuc(scores, [0, 1], { average: 'none' }))).toEqual([1, 1, Number.NaN]);
  });

  it('precision, recall and F1 of 0 / 0 are what zeroDivision says, NaN leaving the class out', () => {
    const [predicted, expected] = [
      [0, 0, 1],
      [0, 1, 1],
    ];
    const options = { classes: 3, average: 'none' } as const;
    expect(Array.from(metrics.f1(predicted, expected, options))).toEqual([2 / 3, 2 / 3, 0]);
    expect(Array.from(metrics.f1(predicted, expected, { ...options, zeroDivision: 1 }))[2]).toBe(1);
    expect(
      Array.from(metrics.f1(predicted, expected, { ...options, zeroDivision: Number.NaN }))[2],
    ).toBeNaN();
    expect(metrics.f1(predicted, expected, { classes: 3, zeroDivision: Number.NaN })).toBeCloseTo(2 / 3, 15);
    expect(metrics.f1(predicted, expected, { classes: 3 })).toBeCloseTo(4 / 9, 15);
    expect(metrics.f1(predicted, expected)).toBeCloseTo(2 / 3, 15);
  });

  it('R2 of one row is NaN', () => expect(metrics.r2([[1]], [[1]])).toBeNaN());
});

describe('metrics of scores', () => {
  it('take infinite scores as the largest and smallest', () => {
    expect(metrics.rocAuc([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY], [0, 1, 1])).toBe(1);
  });

  it('are the same for every order of the rows', () => {
    const scores = Array.from({ length: 200 }, (_, row) => ((row * 37) % 11) / 10);
    const expected = scores.map((_, row) => Number((row * 13) % 7 < 3));
    const reversed = [[...scores].reverse(), [...expected].reverse()] as const;
    expect(metrics.rocAuc(...reversed)).toBeCloseTo(metrics.rocAuc(scores, expected), 14);
    expect(metrics.prAuc(...reversed)).toBeCloseTo(metrics.prAuc(scores, expected), 14);
  });

  it('take each column by itself where rows may be of several classes', () => {
    const scores = [
      [0.9, 0.2],
      [0.8, 0.7],
      [0.1, 0.6],
    ];
    const expected = [
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    expect(Array.from(metrics.rocAuc(scores, expected, { average: 'none' }))).toEqual([1, 1]);
    expect(
      metrics.prAuc(scores, [
        [0, 0],
        [1, 1],
        [1, 1],
      ]),
    ).toBeCloseTo((7 / 12 + 1) / 2, 14);
  });

  it('top k takes the first of equal scores, like argmax', () => {
    const scores = [
      [0.4, 0.4, 0.2],
      [0.4, 0.4, 0.2],
    ];
    expect(metrics.topK(scores, [0, 1], { k: 1 })).toBe(0.5);
    expect(metrics.topK(scores, [0, 1], { k: 2 })).toBe(1);
  });

  it('calibration bins are closed above', () => {
    const curve = metrics.calibrationCurve([0, 0.3, 0.30000000000000004, 1], [0, 0, 1, 1], { bins: 10 });
    expect(curve.map(({ share }) => share)).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(metrics.calibrationError([1, 1, 0], [1, 1, 0])).toBe(0);
  });
});

describe('what metrics refuse', () => {
  it.each<[string, () => unknown]>([
    ['predicted must be integer labels from 0 to 65535: received 0.5', () => metrics.f1([0.5], [1])],
    ['predicted must be integer labels from 0 to 65535: received 1000000000', () => metrics.f1([1e9], [1])],
    ['expected must have 2 rows, like predicted: received 1 rows', () => metrics.f1([0, 1], [1])],
    ['labels must be below classes = 2: received 2', () => metrics.f1([0, 2], [1, 1], { classes: 2 })],
    ['zeroDivision must be 0, 1 or NaN: received 0.5', () => metrics.f1([0], [1], { zeroDivision: 0.5 })],
    [
      'average must be one of macro, weighted, micro, binary, none',
      () => metrics.f1([0], [1], { average: 'samples' as never }),
    ],
    [
      "average 'binary' needs two classes: received 3 classes",
      () => metrics.f1([0], [2], { average: 'binary' }),
    ],
    ["unknown option 'weights'", () => metrics.f1([0], [1], { weights: [1] } as never)],
    ['sampleWeight must have 2 numbers', () => metrics.f1([0, 1], [1, 1], { sampleWeight: [1] })],
    [
      'sampleWeight must be finite and >= 0: received -1 in row 1',
      () => metrics.mae([0, 1], [1, 1], { sampleWeight: [1, -1] }),
    ],
    [
      'sampleWeight must have a weight > 0: received zeros only',
      () => metrics.mae([0, 1], [1, 1], { sampleWeight: [0, 0] }),
    ],
    [
      'scores must not hold NaN: received NaN in row 1, column 0',
      () => metrics.rocAuc([0, Number.NaN], [0, 1]),
    ],
    ['expected must be labels below 2: received 2 in row 1', () => metrics.rocAuc([0, 1], [0, 2])],
    ['probabilities must be in [0, 1]: received 1.5 in row 0, column 0', () => metrics.logLoss([1.5], [1])],
    ['predicted must be finite: received Infinity in row 0, column 0', () => metrics.mae([1 / 0], [1])],
    ['expected must be 2 x 1, like predicted: received 1 x 1', () => metrics.rmse([1, 2], [1])],
    [
      'rows of expected must have one 1 and zeros: received [0.5, 0.5] in row 0',
      () => metrics.logLoss([[0.5, 0.5]], [[0.5, 0.5]]),
    ],
    [
      'predicted must be labels, one a row',
      () =>
        metrics.matthews(
          [
            [0, 1],
            [1, 1],
          ],
          [
            [0, 1],
            [1, 1],
          ],
        ),
    ],
  ])('%s', (message, call) => expect(call).toThrow(message));
});
