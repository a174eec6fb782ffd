import { describe, expect, it } from 'vitest';
import {
  classesOf,
  guessTarget,
  numberColumns,
  parseTable,
  tableDataSet,
} from '../../examples/playground/data/csv.js';
import { generatorNames, generators, planeDataSet, rowOf } from '../../examples/playground/data/data-set.js';
import { DIGIT_SIZE, packDigits, toDigit, unpackDigits } from '../../examples/playground/data/digits.js';

const options = { count: 200, noise: 0.05, seed: 7, testShare: 0.25, drawn: [] };

describe('built-in sets', () => {
  it.each(generatorNames)('%s: whole, in range, the same for the same seed', (name) => {
    const { train, test, columns, classes } = planeDataSet(name, options);
    expect([train.count, test?.count]).toEqual([150, 50]);
    expect(train.x).toHaveLength(150 * columns.length);
    expect(train.x.every((value) => Math.abs(value) < 1.5)).toBe(true);
    const labels = new Set(train.y);
    if (generators[name].classes === null) expect(classes).toBeNull();
    else
      expect([...labels].sort()).toEqual(
        Array.from({ length: generators[name].classes }, (_, label) => label),
      );
    expect(planeDataSet(name, options).train).toEqual(train);
    expect(planeDataSet(name, { ...options, seed: 8 }).train.x).not.toEqual(train.x);
  });

  it('xor without noise follows the signs', () => {
    const { train } = planeDataSet('xor', { ...options, noise: 0 });
    for (let row = 0; row < train.count; row++) {
      const [x, y] = rowOf(train, row);
      expect(train.y[row]).toBe(x * y < 0 ? 1 : 0);
    }
  });

  it('drawn points are trained on, and a new class makes an output', () => {
    const drawn = [{ x: 0.5, y: -0.5, label: 2 }];
    const { train, test, classes } = planeDataSet('circles', { ...options, drawn });
    expect([train.count, test?.count, classes]).toEqual([151, 50, ['A', 'B', 'C']]);
    expect([...rowOf(train, 150), train.y[150]]).toEqual([0.5, -0.5, 2]);
    expect(planeDataSet('drawn', { ...options, drawn: [] }).train.count).toBe(0);
  });
});

const iris =
  'length,width,species\n5.1,3.5,setosa\n6.2,,virginica\n4.9,3.0,setosa\n6.7,3.1,virginica\n5.9,"3.2",virginica\n';

describe('tables', () => {
  it('finds header, target, classes and inputs, and leaves out rows with missing cells', () => {
    const table = parseTable(iris, 'iris.csv');
    expect(table.columns).toEqual(['length', 'width', 'species']);
    expect(guessTarget(table)).toBe(2);
    expect(numberColumns(table)).toEqual([0, 1]);
    expect(classesOf(table, 2)).toEqual(['setosa', 'virginica']);
    const { dataSet, skipped } = tableDataSet(table, 2, 0.25, 1);
    expect([dataSet.train.count, dataSet.test?.count, skipped]).toEqual([3, 1, 1]);
    expect(dataSet.columns).toEqual(['length', 'width']);
  });

  it('takes a first row with numbers as data, and semicolons, tabs, a byte order mark and CRLF', () => {
    const table = parseTable('\uFEFF1.5;2;a\r\n2.5;3;b\r\n3.5;4;a\r\n', 'x.csv');
    expect(table.columns).toEqual(['column 1', 'column 2', 'column 3']);
    expect(table.rows).toHaveLength(3);
    expect(parseTable('x\ty\n1\t2\n3\t4\n', 'x.tsv').columns).toEqual(['x', 'y']);
  });

  it('predicts a number where the target has many values, and classes where it has few whole ones', () => {
    const rows = Array.from({ length: 30 }, (_, row) => `${row},${row % 3},${row * 1.5}`);
    const table = parseTable(['x,few,many', ...rows].join('\n'), 'n.csv');
    expect(classesOf(table, 1)).toEqual(['0', '1', '2']);
    expect(classesOf(table, 2)).toBeNull();
    const { dataSet } = tableDataSet(table, 2, 0, 1);
    expect([dataSet.classes, dataSet.test]).toEqual([null, null]);
    expect([...dataSet.train.y].sort((a, b) => a - b)[29]).toBeCloseTo(43.5);
  });

  it.each([
    ['', 'at least 3 rows'],
    ['a\n1\n2\n', 'at least 2 columns'],
    ['a,b\n1,2\n3\n', 'every row must have 2 cells: received 1 cells in row 3'],
    ['a,b\n"1,2\n3,4\n5,6\n', 'quotes must be closed'],
  ])('refuses %j', (text, message) => {
    expect(() => parseTable(text, 't.csv')).toThrow(message);
  });

  it('refuses a table without inputs or with a single class', () => {
    const words = parseTable('a,b\nx,y\nz,w\nx,w\n', 't.csv');
    expect(() => tableDataSet(words, 1, 0, 1)).toThrow('a column of numbers beside the target');
    const single = parseTable('a,b\n1,y\n2,y\n3,y\n', 't.csv');
    expect(() => tableDataSet(single, 1, 0, 1)).toThrow('2 to 20 of them: received 1');
  });
});

describe('digits', () => {
  const digits = (count: number, first: number) => ({
    images: Uint8Array.from({ length: count * 784 }, (_, index) => (index + first) % 251),
    labels: Uint8Array.from({ length: count }, (_, index) => index % 10),
    count,
  });

  it('come out of the file as they went in', () => {
    const [train, test] = [digits(5, 0), digits(3, 9)];
    const file = packDigits(train, test);
    const data = unpackDigits(file.buffer as ArrayBuffer);
    expect([data.train.x, data.train.y]).toEqual([train.images, train.labels]);
    expect([data.test?.x, data.test?.y]).toEqual([test.images, test.labels]);
    expect(() => unpackDigits(file.buffer.slice(0, -1) as ArrayBuffer)).toThrow('the file must be whole');
    expect(() => unpackDigits(new ArrayBuffer(3))).toThrow('received 3 bytes');
  });

  it('a drawing is scaled into 20 pixels around its centre of mass, wherever it was drawn', () => {
    const size = 112;
    const ink = new Float32Array(size * size);
    for (let row = 10; row < 50; row++)
      for (let column = 60; column < 68; column++) ink[row * size + column] = 255;
    const digit = toDigit(ink, size) as Uint8Array;
    const lit = [...digit].flatMap((value, index) => (value > 127 ? [index] : []));
    const rows = lit.map((index) => Math.floor(index / DIGIT_SIZE));
    const columns = lit.map((index) => index % DIGIT_SIZE);
    expect([Math.min(...rows), Math.max(...rows)]).toEqual([4, 23]);
    expect([Math.min(...columns), Math.max(...columns)]).toEqual([12, 15]);
    const moved = new Float32Array(size * size);
    for (let row = 40; row < 80; row++)
      for (let column = 5; column < 13; column++) moved[row * size + column] = 255;
    expect(toDigit(moved, size)).toEqual(digit);
    expect(toDigit(new Float32Array(size * size), size)).toBeNull();
  });
});
