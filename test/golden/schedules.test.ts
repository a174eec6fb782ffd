import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Schedule, schedules } from '../../src/index.js';
import { Plateau } from '../../src/plateau.js';
import { rateFunction } from '../../src/schedules.js';
import { expectAgree } from '../support/compare.js';

interface Golden {
  readonly base: number;
  readonly cases: readonly { readonly type: string; readonly options: object; readonly rates: number[] }[];
  readonly warmUp: readonly { readonly from: number; readonly steps: number; readonly rates: number[] }[];
  readonly losses: readonly number[];
  readonly plateau: readonly { readonly options: object; readonly rates: number[] }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('schedules.json', import.meta.url), 'utf8'));
const learningRate = golden.base;

const ratesOf = (schedule: Schedule, count: number): number[] =>
  Array.from({ length: count }, (_, step) => rateFunction(schedule)?.(step) ?? Number.NaN);

describe('rates of schedules are those of PyTorch', () => {
  it.each(golden.cases.map((one) => [`${one.type} ${JSON.stringify(one.options)}`, one] as const))(
    '%s',
    (_, { type, options, rates }) => {
      const create = schedules[type as keyof typeof schedules] as (options: object) => Schedule;
      expectAgree('rate', ratesOf(create({ learningRate, ...options }), rates.length), rates, 1e-14);
    },
  );

  it.each(golden.warmUp)('warmUp from $from over $steps steps', ({ from, steps, rates }) => {
    const schedule = schedules.constant({ learningRate });
    expectAgree('rate', ratesOf(schedules.warmUp({ steps, from, schedule }), rates.length), rates, 1e-14);
  });

  it.each(golden.plateau)('reduceOnPlateau $options', ({ options, rates }) => {
    const plateau = new Plateau(schedules.reduceOnPlateau({ learningRate, ...options }));
    let rate = learningRate;
    golden.losses.forEach((loss, epoch) => {
      rate = plateau.after({ loss }, rate);
      expect(rate, `after epoch ${epoch}`).toBeCloseTo(rates[epoch], 14);
    });
  });
});

describe('schedules', () => {
  it('stay at their end', () => {
    const steps = 4;
    for (const schedule of [
      schedules.cosine({ learningRate, steps, minimum: 0.01 }),
      schedules.polynomial({ learningRate, steps, minimum: 0.01 }),
    ]) {
      expect(ratesOf(schedule, 9).slice(4)).toEqual([0.01, 0.01, 0.01, 0.01, 0.01]);
    }
    const end = learningRate / 25 / 1e4;
    expectAgree(
      'rate',
      ratesOf(schedules.oneCycle({ learningRate, steps }), 9).slice(3),
      new Array(6).fill(end),
      1e-14,
      0,
    );
  });

  it('begin at the end of a warm-up, no step of which is without effect', () => {
    const schedule = schedules.warmUp({
      steps: 3,
      schedule: schedules.exponential({ learningRate: 1, factor: 0.5 }),
    });
    expectAgree('rate', ratesOf(schedule, 6), [0.25, 0.5, 0.75, 1, 0.5, 0.25], 1e-15);
  });

  it.each([
    [
      'an unknown option',
      () => schedules.step({ learningRate, every: 1, gamma: 2 } as never),
      "unknown option 'gamma'",
    ],
    [
      'a missing option',
      () => schedules.step({ learningRate } as never),
      'every must be a number: received undefined',
    ],
    [
      'milestones that fall',
      () => schedules.multiStep({ learningRate, milestones: [3, 2] }),
      'milestones[1] must be an integer >= 4',
    ],
    [
      'a negative rate',
      () => schedules.constant({ learningRate: -1 }),
      'learningRate must be finite and >= 0',
    ],
    [
      'a warm-up of a warm-up',
      () => schedules.warmUp({ steps: 1, schedule: schedules.warmUp({ steps: 1, schedule: 1 }) }),
      'schedule must be a schedule of steps without a warm-up',
    ],
  ])('refuse %s', (_, create, message) => {
    expect(create).toThrow(message);
  });
});
