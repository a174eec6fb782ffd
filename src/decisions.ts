/**
 * From outputs to decisions and back: argmax, thresholds, one-hot rows, accuracy. Labels are counted from 0 unless
 * `base: 1` says that the first class is class 1.
 */
import type { RowsLike, TargetsLike } from './data.js';
import { fact, rangeError, requireInteger, requireKnownKeys, requireName, typeError } from './errors.js';
import { Matrix } from './matrix.js';
import { readWeights, type WeightOptions } from './metrics/weights.js';
import { indexOfNaN, readMatrix } from './rows.js';

/** For each row of `columns` numbers, the column of the first largest. */
export function argmaxOfRows(data: ArrayLike<number>, columns: number): Int32Array {
  const classes = new Int32Array(data.length / columns);
  for (let row = 0; row < classes.length; row++) {
    const offset = row * columns;
    let best = 0;
    for (let column = 1; column < columns; column++) {
      if (data[offset + column] > data[offset + best]) best = column;
    }
    classes[row] = best;
  }
  return classes;
}

/** 1 for each number that is at least `threshold`, else 0. */
export function binaryOfRows(data: ArrayLike<number>, threshold: number): Int32Array {
  const decided = new Int32Array(data.length);
  for (let index = 0; index < decided.length; index++) decided[index] = data[index] >= threshold ? 1 : 0;
  return decided;
}

export interface LabelOptions {
  /** Label of the first class; default 0. */
  readonly base?: 0 | 1;
}

export interface DecisionOptions {
  /** What the numbers are: net inputs, decided at z >= 0, or probabilities, decided at u >= 0.5. */
  readonly from: 'netInput' | 'probability';
}

/** A label may be any number: those that name no class are errors. */
type Labels = ArrayLike<number>;

const thresholds = { netInput: 0, probability: 0.5 } as const;

function baseOf(action: string, options: LabelOptions): number {
  requireKnownKeys(action, options, ['base']);
  const { base = 0 } = options;
  requireInteger(action, 'base', base, 0, 1);
  return base;
}

function thresholdOf(action: string, options: DecisionOptions): number {
  requireKnownKeys(action, options, ['from']);
  requireName(action, 'from', options.from, ['netInput', 'probability']);
  return thresholds[options.from];
}

/** Rows to decide on; infinities are fine, NaN is not. */
function readDecidable(action: string, rows: RowsLike): Matrix {
  const matrix = readMatrix(action, 'rows', rows);
  const index = indexOfNaN(matrix.data);
  if (index >= 0) {
    const place = `row ${Math.floor(index / matrix.columns)}, column ${index % matrix.columns}`;
    throw rangeError(action, 'rows must not hold NaN', fact(`NaN in ${place}`));
  }
  return matrix;
}

/**
 * The class of each row: its largest number, the first of them on a tie.
 *
 * @param rows rows × classes; a flat array is one row
 * @returns one label per row
 * @throws TypeError for rows of different lengths, RangeError for NaN
 * @example argmax([[1, 3, 2], [5, 5, 0]], { base: 1 }) // Int32Array [2, 1]
 */
export function argmax(rows: RowsLike, options: LabelOptions = {}): Int32Array {
  const action = 'Cannot take argmax';
  const base = baseOf(action, options);
  const { data, columns } = readDecidable(action, rows);
  return argmaxOfRows(data, columns).map((column) => column + base);
}

/**
 * The class, 0 or 1, that each number decides for: 1 iff z >= 0 for net inputs, 1 iff u >= 0.5 for probabilities.
 *
 * @example binaryDecisions([-2, 0, 3], { from: 'netInput' }) // Int32Array [0, 1, 1]
 */
export function binaryDecisions(values: RowsLike, options: DecisionOptions): Int32Array {
  const action = 'Cannot decide';
  const threshold = thresholdOf(action, options);
  return binaryOfRows(readDecidable(action, values).data, threshold);
}

/**
 * Each output decided by itself, for rows that may belong to several classes: 1 iff u >= 0.5 (z >= 0 for net inputs).
 *
 * @param rows rows × classes
 * @returns rows × classes of 0 and 1, of the form of targets
 * @example multiLabel([[0.9, 0.2, 0.5]]).toArrays() // [[1, 0, 1]]
 */
export function multiLabel(rows: RowsLike, options: DecisionOptions = { from: 'probability' }): Matrix {
  const action = 'Cannot decide labels';
  const threshold = thresholdOf(action, options);
  const { data, rows: count, columns } = readDecidable(action, rows);
  return new Matrix(Float32Array.from(binaryOfRows(data, threshold)), count, columns);
}

/**
 * Labels as rows with a 1 in the column of the class and 0 elsewhere.
 *
 * @param labels integers from `base` to `base + classes - 1`
 * @returns labels × classes
 * @throws RangeError for a label that is no class
 * @example oneHot([3, 1], 3, { base: 1 }).toArrays() // [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot(labels: Labels, classes: number, options: LabelOptions = {}): Matrix {
  const action = 'Cannot make one-hot rows';
  const base = baseOf(action, options);
  requireInteger(action, 'classes', classes, 1);
  const columns = columnsOfLabels(action, labels, classes, base);
  const data = new Float32Array(columns.length * classes);
  columns.forEach((column, row) => {
    data[row * classes + column] = 1;
  });
  return new Matrix(data, columns.length, classes);
}

function columnsOfLabels(action: string, labels: Labels, classes: number, base: number): Int32Array {
  const { data } = readMatrix(action, 'labels', labels as Int32Array);
  const wrong = data.findIndex(
    (label) => !Number.isInteger(label) || label < base || label >= base + classes,
  );
  if (wrong >= 0) {
    const rule = `labels must be integers from ${base} to ${base + classes - 1}`;
    throw rangeError(action, rule, fact(`${data[wrong]} at index ${wrong}`));
  }
  return Int32Array.from(data, (label) => label - base);
}

/**
 * The label of each one-hot row.
 *
 * @throws RangeError for a row that has anything but one 1 and zeros; `argmax` takes any rows
 * @example fromOneHot([[0, 0, 1], [1, 0, 0]]) // Int32Array [2, 0]
 */
export function fromOneHot(rows: RowsLike, options: LabelOptions = {}): Int32Array {
  const action = 'Cannot read one-hot rows';
  const base = baseOf(action, options);
  const matrix = readMatrix(action, 'rows', rows);
  return Int32Array.from({ length: matrix.rows }, (_, index) => {
    const row = matrix.row(index);
    const column = row.indexOf(1);
    if (column < 0 || !row.every((number, index) => number === (index === column ? 1 : 0))) {
      throw rangeError(
        action,
        'each row must have one 1 and zeros',
        fact(`[${row.join(', ')}] in row ${index}`),
      );
    }
    return column + base;
  });
}

/**
 * Share of the decisions that are as expected: of labels, one per row, or of rows × outputs of 0 and 1 (`multiLabel`),
 * where every output counts by itself, as in `evaluate`.
 *
 * @param options one weight a row
 * @throws TypeError where the two differ in shape
 * @example accuracy([1, 0, 2, 2], [1, 0, 2, 1]) // 0.75
 */
export function accuracy(predicted: TargetsLike, expected: TargetsLike, options: WeightOptions = {}): number {
  const action = 'Cannot compute accuracy';
  requireKnownKeys(action, options, ['sampleWeight']);
  const first = readMatrix(action, 'predicted', predicted);
  const second = readMatrix(action, 'expected', expected);
  if (shapeOf(first) !== shapeOf(second)) {
    throw typeError(action, `expected must be ${shapeOf(first)}, like predicted`, fact(shapeOf(second)));
  }
  const isList = first.rows === 1 || first.columns === 1;
  const columns = isList ? 1 : first.columns;
  const weights = readWeights(action, options.sampleWeight, first.data.length / columns);
  let right = 0;
  const { data } = first;
  for (let index = 0; index < data.length; index++) {
    if (data[index] === second.data[index]) right += weights.of(Math.floor(index / columns));
  }
  return right / (weights.sum * columns);
}

/** One row, one column and a flat array are all a list of labels. */
const shapeOf = ({ rows, columns, data }: Matrix): string =>
  rows === 1 || columns === 1 ? `${data.length} labels` : `${rows} x ${columns}`;

/**
 * The classes that targets of `rows` rows stand for: labels as they are, rows by their first largest, single outputs
 * by whether they are at least 0.5.
 *
 * @internal
 */
export function classesOfTargets(action: string, t: TargetsLike, rows: number, outputs: number): Int32Array {
  const { data, rows: given, columns } = readMatrix(action, 'targets', t);
  const isList = given === 1 || columns === 1;
  if (data.length === rows && isList) {
    return outputs === 1 ? binaryOfRows(data, 0.5) : columnsOfLabels(action, data, outputs, 0);
  }
  const isFlat = given === 1 && data.length === rows * outputs;
  if (!isFlat && (given !== rows || columns !== outputs)) {
    const rule = `targets must be ${rows} labels or ${rows} rows of ${outputs}`;
    throw typeError(action, rule, fact(`${given} rows of ${columns}`));
  }
  return argmaxOfRows(data, outputs);
}
