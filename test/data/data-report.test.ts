import { describe, expect, it } from 'vitest';
import { createTrainer, dataReport, dense, Matrix, sgd } from '../../src/index.js';

const clean = [
  [0.5, -1],
  [1, 0.25],
  [-0.5, 1],
];

describe('dataReport', () => {
  it('finds nothing in rows that are fine, in every form', () => {
    const flat = clean.flat();
    for (const x of [
      clean,
      new Matrix(Float64Array.from(flat), 3, 2),
      clean.map((row) => Float32Array.from(row)),
    ]) {
      const { rows, columns, advice, suggestedTransform } = dataReport(x, [0, 1, 0]);
      expect({ rows, columns: columns.length, advice, suggestedTransform }).toEqual({
        rows: 3,
        columns: 2,
        advice: [],
        suggestedTransform: null,
      });
    }
    expect(dataReport(Float32Array.from(flat), undefined, { columns: 2 })).toMatchObject({
      rows: 3,
      type: 'Float32Array',
    });
    expect(`${dataReport(clean)}`).toContain('nothing stands out');
  });

  it('has mean and deviation of a column far from zero to the last digits', () => {
    const column = Array.from({ length: 1000 }, (_, row) => [1e9 + (row % 2)]);
    const [{ mean, standardDeviation, minimum, maximum }] = dataReport(column).columns;
    expect(mean).toBeCloseTo(1e9 + 0.5, 6);
    expect(standardDeviation).toBeCloseTo(0.5, 9);
    expect([minimum, maximum]).toEqual([1e9, 1e9 + 1]);
  });

  it('counts what is missing or no number, and takes statistics without it', () => {
    const x = [
      [1, Number.NaN, null],
      [2, '', Number.POSITIVE_INFINITY],
      [3, 4, 'text'],
    ] as unknown as number[][];
    const { columns, advice } = dataReport(x);
    expect(columns.map(({ missing }) => missing)).toEqual([0, 2, 1]);
    expect(columns.map(({ invalid }) => invalid)).toEqual([0, 0, 2]);
    expect(columns[1]).toMatchObject({
      minimum: 4,
      maximum: 4,
      mean: 4,
      standardDeviation: 0,
      constant: true,
    });
    expect(columns[2].mean).toBeNaN();
    expect(advice[0]).toBe('missing values in columns 1, 2 (up to 67 %): fill or drop them, fit takes none');
    expect(advice[1]).toBe('infinite or no numbers in columns 2: fit takes none');
  });

  it('suggests a transform where scales differ, which makes every column mean 0 and deviation 1', async () => {
    const x = Array.from({ length: 50 }, (_, row) => [Math.sin(row), 5000 + 300 * Math.cos(row), 7]);
    const { scaleRatio, suggestedTransform, constantColumns, advice } = dataReport(x);
    expect(scaleRatio).toBeGreaterThan(250);
    expect(constantColumns).toEqual([2]);
    expect(advice).toEqual([
      'constant columns 2: leave them out',
      'scales of the columns differ 300 times: pass suggestedTransform as inputTransform',
    ]);
    const { scale, offset } = suggestedTransform as { scale: number[]; offset: number[] };
    const { columns } = dataReport(
      x.map((row) => row.map((value, column) => value * scale[column] + offset[column])),
    );
    columns.forEach(({ mean, standardDeviation }, column) => {
      expect(mean).toBeCloseTo(0, 12);
      expect(standardDeviation).toBeCloseTo(column === 2 ? 0 : 1, 12);
    });
    const trainer = await createTrainer({
      inputs: 3,
      inputTransform: { scale, offset },
      layers: [dense({ units: 1 })],
      loss: 'meanSquaredError',
      optimizer: sgd(),
      backend: 'reference',
    });
    trainer.dispose();
  });

  it('tells of classes that are rare or absent, as labels and as one-hot rows', () => {
    const labels = Int32Array.from({ length: 42 }, (_, row) => (row < 40 ? 0 : 3));
    const x = Array.from({ length: 42 }, (_, row) => [row / 42]);
    const oneHot = Array.from(labels, (label) => [0, 1, 2, 3].map((one) => Number(one === label)));
    for (const t of [labels, oneHot, oneHot.flat()]) {
      const { classes, advice } = dataReport(x, t);
      expect(classes).toEqual([40, 0, 0, 2]);
      expect(advice).toEqual([
        'no row of classes 1, 2',
        'class 3 has 2 rows, class 0 40: look at recall, F1 or PR AUC rather than accuracy',
      ]);
    }
    expect(dataReport(x, x).classes).toBeNull();
    expect(dataReport(clean, [0, Number.NaN, 1] as number[]).wrongTargets).toBe(1);
  });

  it('counts rows that occur before, 0 and -0 being equal', () => {
    const { duplicates, advice } = dataReport([
      [0, 1],
      [1, 0],
      [-0, 1],
      [0, 1],
    ]);
    expect(duplicates).toBe(2);
    expect(advice).toEqual(['2 rows (50 %) equal to one before']);
    const many = Float64Array.from({ length: 100_000 }, (_, index) => Math.fround(index) / 7);
    expect(dataReport(many, undefined, { columns: 1 }).duplicates).toBe(0);
  });

  it('prints a table', () => {
    const x = Array.from({ length: 4 }, (_, row) => Array.from({ length: 22 }, (_column, at) => row + at));
    expect(dataReport(x, [0, 1, 1, 1]).toString().split('\n')).toEqual(
      expect.arrayContaining([
        '4 rows of 22 columns, Array',
        'column  minimum  maximum  mean  deviation  missing',
        '     0        0        3   1.5      1.118        0',
        '... and 2 more columns',
        'rows of each class: 1, 3',
        '- values far from 0: pass suggestedTransform as inputTransform',
      ]),
    );
  });

  it('refuses what is no table', () => {
    expect(() => dataReport([1, 2, 3])).toThrow('a flat array of inputs needs the option columns');
    expect(() => dataReport([[1, 2], [1]])).toThrow('row 1 of inputs must have 2 numbers, like the first');
    expect(() => dataReport([1, 2, 3], undefined, { columns: 2 })).toThrow(
      'the length of inputs must divide by 2',
    );
    expect(() => dataReport(clean, [[1], [2]])).toThrow(
      'targets must have 3 rows, like the inputs: received 2 rows',
    );
    expect(() => dataReport([])).toThrow('inputs must not be empty');
  });
});
