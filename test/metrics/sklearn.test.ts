import { describe, expect, it } from 'vitest';
import { type Matrix, metrics } from '../../src/index.js';
import golden from './sklearn.json' with { type: 'json' };

type Golden = number | string | Golden[];

interface Case {
  readonly name: string;
  readonly expected: number[] | number[][];
  readonly weight: number[] | null;
  readonly numbers: Record<string, Golden>;
}

const cases = golden as unknown as {
  decisions: (Case & { predicted: number[] | number[][]; classes: number | null })[];
  ranking: (Case & { scores: number[] | number[][]; bins: number })[];
  regression: (Case & { predicted: number[][] })[];
};

/** Sums of some forty terms of float64 in another order. */
const TOLERANCE = 1e-12;

function expectGolden(name: string, value: unknown, wanted: Golden): void {
  const [own, other] = [flat(value), flat(wanted)];
  expect(own.length, name).toBe(other.length);
  own.forEach((number, index) => {
    const target = other[index];
    if (Number.isNaN(target)) expect(number, `${name}[${index}]`).toBeNaN();
    else
      expect(Math.abs(number - target), `${name}[${index}]: ${number} for ${target}`).toBeLessThanOrEqual(
        TOLERANCE * Math.max(1, Math.abs(target)),
      );
  });
}

function flat(value: unknown): number[] {
  if (typeof value === 'object' && value !== null && 'data' in value) return flat((value as Matrix).data);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return [value].flat(3).map(Number);
}

const weighted = ({ weight }: Case): { sampleWeight?: number[] } => (weight ? { sampleWeight: weight } : {});

describe('decisions as in scikit-learn', () => {
  it.each(cases.decisions)('$name', (one) => {
    const { predicted, expected, numbers } = one;
    const classes = one.classes === null ? {} : { classes: one.classes };
    for (const [key, wanted] of Object.entries(numbers)) {
      const [kind, how, zero] = key.split(' ');
      if (kind === 'precision' || kind === 'recall' || kind === 'f1') {
        const average = how as 'macro' | 'none';
        const options = { average, zeroDivision: Number(zero), ...classes, ...weighted(one) };
        const value = metrics[kind](predicted, expected, options);
        // Without labels scikit-learn has no entry for a class that nowhere occurs.
        const occurs = (_: unknown, label: number): boolean =>
          Array.isArray(expected[0]) || [predicted, expected].some((list) => list.flat().includes(label));
        const all = one.classes !== null || typeof value === 'number';
        expectGolden(key, all ? value : (value as Float64Array).filter(occurs), wanted);
      } else if (kind === 'confusion') {
        const names = { true: 'expected', pred: 'predicted', all: 'all' } as const;
        const options = how === 'none' ? {} : { normalize: names[how as 'all'] };
        if (one.classes === null) continue;
        expectGolden(
          key,
          metrics.confusionMatrix(predicted, expected, { ...options, ...classes, ...weighted(one) }),
          wanted,
        );
      } else {
        const metric = metrics[kind as 'matthews' | 'balancedAccuracy' | 'accuracy'];
        expectGolden(key, metric(predicted, expected, weighted(one)), wanted);
      }
    }
  });
});

describe('scores and probabilities as in scikit-learn', () => {
  it.each(cases.ranking)('$name', (one) => {
    const { scores, expected, bins, numbers } = one;
    const curve = metrics.calibrationCurve(scores, expected, { bins });
    for (const [key, wanted] of Object.entries(numbers)) {
      const [kind, how] = key.split(' ');
      const options = weighted(one);
      if (kind === 'rocAuc' || kind === 'prAuc') {
        const average = (how ?? 'macro') as 'macro' | 'none';
        expectGolden(key, metrics[kind](scores, expected, { ...options, average }), wanted);
      } else if (kind === 'topK') {
        expectGolden(key, metrics.topK(scores, expected, { ...options, k: Number(how) }), wanted);
      } else if (kind === 'logLoss') {
        expectGolden(key, metrics.logLoss(scores, expected, options), wanted);
      } else if (kind === 'calibrationError') {
        expectGolden(key, metrics.calibrationError(scores, expected, { bins }), wanted);
      } else {
        expectGolden(
          key,
          curve.map((bin) => bin[how as 'confidence' | 'accuracy']),
          wanted,
        );
      }
    }
  });
});

describe('regression as in scikit-learn', () => {
  it.each(cases.regression)('$name', (one) => {
    for (const [key, wanted] of Object.entries(one.numbers)) {
      const [kind, how] = key.split(' ') as ['mae' | 'r2', 'none'];
      const metric = metrics[kind] as typeof metrics.mae;
      expectGolden(key, metric(one.predicted, one.expected, { average: how, ...weighted(one) }), wanted);
    }
  });
});

it('the golden numbers cover every metric', () => {
  const { decisions, ranking, regression } = cases;
  const all = [...decisions, ...ranking, ...regression];
  const kinds = new Set(all.flatMap(({ numbers }) => Object.keys(numbers)));
  const names = new Set([...kinds].map((key) => key.split(' ')[0]));
  names.delete('calibration');
  names.add('calibrationCurve');
  if (names.delete('confusion')) names.add('confusionMatrix');
  expect([...names].sort()).toEqual(Object.keys(metrics).sort());
});
