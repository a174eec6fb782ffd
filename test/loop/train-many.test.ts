import { describe, expect, it } from 'vitest';
import {
  createTrainer,
  dense,
  grid,
  kFold,
  type ManyConfig,
  randomSearch,
  sgd,
  successiveHalving,
  trainMany,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

const x = Float32Array.from({ length: 2000 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: 1000 }, (_, row) => x[2 * row] * x[2 * row + 1]);

const configured = (learningRate: number, backend: ManyConfig['backend'] = 'auto'): ManyConfig => ({
  name: `rate ${learningRate}`,
  inputs: 2,
  layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })],
  loss: 'meanSquaredError',
  optimizer: sgd({ learningRate }),
  seed: 1,
  backend,
});

describe.each(usableIds)('trainMany on %s', (backend) => {
  it('trains each as by itself, several at a time, and puts them into a table', async () => {
    const rates = [0.001, 0.1, 0.01, 0.05, 0.02];
    const options = { epochs: 3, batchSize: 10, validationSplit: 0.2 };
    const done: number[] = [];
    const results = await trainMany(
      rates.map((rate) => configured(rate, backend)),
      [x, t],
      {
        ...options,
        concurrency: 3,
        onResult: ({ index }) => done.push(index),
      },
    );
    expect(done.sort()).toEqual([0, 1, 2, 3, 4]);
    for (const { index, trainer, history, last } of results.rows) {
      const { name, ...config } = configured(rates[index], backend);
      const alone = await createTrainer({ ...config, threads: 1 });
      expect((await alone.fit(x, t, options)).history).toEqual(history?.history);
      expect(flatWeights(trainer?.getWeights() ?? [])).toEqual(flatWeights(alone.getWeights()));
      expect(last.val_loss).toBe(history?.history.val_loss?.at(-1));
      expect(name).toBe(`rate ${rates[index]}`);
      alone.dispose();
    }
    const losses = results.rows.map(({ last }) => last.val_loss as number);
    expect(results.best().index).toBe(losses.indexOf(Math.min(...losses)));
    const [header, ...lines] = String(results).split('\n');
    expect(header).toMatch(/^model +epochs +loss +val_loss +seconds +end$/);
    expect(lines[1]).toMatch(/^rate 0.1 +3 +0\.\d+ +0\.\d+ +\d+\.\d\d +completed$/);
    results.dispose();
  });

  it('tells what failed and goes on', async () => {
    const wrong = { ...configured(0.1, backend), inputs: 7, name: 'wrong' };
    const results = await trainMany([wrong, configured(0.1, backend)], [x, t], { keepTrainers: false });
    expect(results.rows.map(({ history, trainer }) => [history?.reason, trainer])).toEqual([
      [undefined, null],
      ['completed', null],
    ]);
    expect(String(results)).toContain('Cannot fit: the length of inputs must divide by 7');
    expect(results.best('loss').index).toBe(1);
  });

  it('folds over one copy of the data', async () => {
    const folds = kFold(1000, 5, { seed: 3 });
    const results = await trainMany(
      folds.map((fit) => ({ ...configured(0.05, backend), fit })),
      [x, t],
      { epochs: 2 },
    );
    expect(results.rows.every(({ last }) => (last.val_loss as number) > 0)).toBe(true);
    expect(new Set(results.rows.map(({ last }) => last.val_loss)).size).toBe(5);
    results.dispose();
  });
});

describe('searches', () => {
  it('grid is every combination', () => {
    expect(grid({ a: [1, 2], b: ['x', 'y', 'z'] })).toEqual([
      ...[
        { a: 1, b: 'x' },
        { a: 1, b: 'y' },
        { a: 1, b: 'z' },
      ],
      ...[
        { a: 2, b: 'x' },
        { a: 2, b: 'y' },
        { a: 2, b: 'z' },
      ],
    ]);
    expect(() => grid({ a: [] })).toThrow('Cannot make grid: a must be an array of values');
  });

  it('randomSearch draws from lists and ranges, the same with the same seed', () => {
    const space = {
      rate: { from: 1e-4, to: 1e-1, scale: 'log' },
      units: { from: 1, to: 4, integer: true },
      activation: ['relu', 'tanh'],
    } as const;
    const drawn = randomSearch(space, 400, { seed: 7 });
    expect(randomSearch(space, 400, { seed: 7 })).toEqual(drawn);
    expect(drawn.every(({ rate }) => rate >= 1e-4 && rate <= 1e-1)).toBe(true);
    // Half of them lie below the geometric mean.
    expect(drawn.filter(({ rate }) => rate < 10 ** -2.5).length / 400).toBeCloseTo(0.5, 1);
    expect(new Set(drawn.map(({ units }) => units))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(drawn.map(({ activation }) => activation))).toEqual(new Set(['relu', 'tanh']));
    expect(() => randomSearch({ a: { from: 0, to: 1, scale: 'log' } }, 1)).toThrow('a.from must be > 0');
  });

  it('kFold holds every row once, of each class its share', () => {
    const labels = Array.from({ length: 103 }, (_, row) => (row % 10 === 0 ? 1 : 0));
    const folds = kFold(103, 5, { labels });
    const all = folds.flatMap(({ validationRows }) => [...validationRows]);
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 103 }, (_, row) => row));
    for (const { validationRows } of folds) {
      expect([20, 21]).toContain(validationRows.length);
      expect([2, 3]).toContain(validationRows.filter((row) => labels[row] === 1).length);
    }
    expect(kFold(10, 3)).not.toEqual(kFold(10, 3, { seed: 1 }));
    expect(() => kFold(3, 4)).toThrow('Cannot fold: folds must be an integer >= 2 and <= 3');
  });

  it('successiveHalving spends more on the better ones', async () => {
    const rounds: [number, number][] = [];
    const ranked = await successiveHalving(
      [9, 3, 7, 1, 8, 2, 6, 5, 4],
      (candidates, budget) => {
        rounds.push([candidates.length, budget]);
        return candidates.map((candidate) => (candidate === 9 ? Number.NaN : candidate));
      },
      { budget: 2 },
    );
    expect(rounds).toEqual([
      [9, 2],
      [3, 6],
      [1, 18],
    ]);
    expect(ranked.map(({ candidate }) => candidate)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(ranked.map((one) => one.rounds)).toEqual([3, 2, 2, 1, 1, 1, 1, 1, 1]);
  });
});
