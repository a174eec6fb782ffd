import type { TargetsLike } from '../data.js';
import { fact, rangeError, requireInteger, typeError } from '../errors.js';
import { Matrix } from '../matrix.js';
import { indexOfNaN, readMatrix } from '../rows.js';

/** Value of a metric: one number a class or output with `average: 'none'`, else one number. */
export type Averaged<A> = A extends 'none' ? Float64Array : number;

const place = ({ columns }: Matrix, index: number): string =>
  `row ${Math.floor(index / columns)}, column ${index % columns}`;

/** Rows in which NaN is an error; of a flat array every number is a row. */
export function readScores(action: string, name: string, values: TargetsLike): Matrix {
  const matrix = asColumn(readMatrix(action, name, values), values);
  const index = indexOfNaN(matrix.data);
  if (index >= 0)
    throw rangeError(action, `${name} must not hold NaN`, fact(`NaN in ${place(matrix, index)}`));
  return matrix;
}

/** As `readScores`, for numbers that must be finite. */
export function readFinite(action: string, name: string, values: TargetsLike): Matrix {
  const matrix = asColumn(readMatrix(action, name, values), values);
  const index = matrix.data.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) {
    throw rangeError(
      action,
      `${name} must be finite`,
      fact(`${matrix.data[index]} in ${place(matrix, index)}`),
    );
  }
  return matrix;
}

/** A flat array is read as one row; here it is one column. */
function asColumn(matrix: Matrix, values: TargetsLike): Matrix {
  const isFlat = matrix.rows === 1 && !('rows' in values) && typeof values[0] === 'number';
  return isFlat ? new Matrix(matrix.data, matrix.columns, 1) : matrix;
}

/** Decisions as classes, one label a row, or as rows × classes of 0 and 1 where a row may be of several. */
export interface Decisions {
  readonly rows: number;
  readonly labels: Int32Array | null;
  readonly indicators: Matrix | null;
}

export function readDecisions(action: string, name: string, values: TargetsLike): Decisions {
  const matrix = readMatrix(action, name, values);
  if (matrix.rows > 1 && matrix.columns > 1) {
    const wrong = matrix.data.findIndex((value) => value !== 0 && value !== 1);
    if (wrong < 0) return { rows: matrix.rows, labels: null, indicators: matrix };
    const rule = `${name} must be labels, one a row, or rows of 0 and 1`;
    throw rangeError(action, rule, fact(`${matrix.data[wrong]} in ${place(matrix, wrong)}`));
  }
  return { rows: matrix.data.length, labels: labelsOf(action, name, matrix.data), indicators: null };
}

/** Labels above this are taken for a mistake: tables of classes × classes must fit. */
const MAXIMUM_LABEL = 2 ** 16 - 1;

function labelsOf(action: string, name: string, data: ArrayLike<number>): Int32Array {
  const labels = new Int32Array(data.length);
  for (let index = 0; index < labels.length; index++) {
    const label = data[index];
    if (label >>> 0 !== label || label > MAXIMUM_LABEL) {
      const rule = `${name} must be integer labels from 0 to ${MAXIMUM_LABEL}`;
      throw rangeError(action, rule, fact(`${label} at index ${index}`));
    }
    labels[index] = label;
  }
  return labels;
}

/** Labels only, for metrics that mean nothing where a row may be of several classes. */
export function readLabels(action: string, name: string, values: TargetsLike): Int32Array {
  const { labels } = readDecisions(action, name, values);
  if (labels) return labels;
  throw typeError(action, `${name} must be labels, one a row`, values);
}

/** The number of classes: as given, or one more than the largest label. */
export function classCount(
  action: string,
  given: number | undefined,
  predicted: Int32Array,
  expected: Int32Array,
): number {
  let largest = 0;
  for (const label of predicted) if (label > largest) largest = label;
  for (const label of expected) if (label > largest) largest = label;
  if (given === undefined) return largest + 1;
  requireInteger(action, 'classes', given, 1, MAXIMUM_LABEL + 1);
  if (largest >= given) throw rangeError(action, `labels must be below classes = ${given}`, largest);
  return given;
}

/** Throws unless there are as many rows of predictions as of targets. */
export function requireSameRows(action: string, predicted: number, expected: number): void {
  if (predicted === expected) return;
  throw typeError(action, `expected must have ${predicted} rows, like predicted`, fact(`${expected} rows`));
}

/**
 * Class of each row that targets of `scores` stand for: integer labels as they are, 0 or 1 with one column, and the
 * column of the 1 in one-hot rows.
 */
export function readClasses(action: string, expected: TargetsLike, scores: Matrix): Int32Array {
  const { rows, columns } = scores;
  const targets = asColumn(readMatrix(action, 'expected', expected), expected);
  requireSameRows(action, rows, targets.rows);
  const classes = Math.max(2, columns);
  if (targets.columns === 1) {
    const labels = labelsOf(action, 'expected', targets.data);
    const wrong = labels.findIndex((label) => label >= classes);
    if (wrong < 0) return labels;
    throw rangeError(
      action,
      `expected must be labels below ${classes}`,
      fact(`${labels[wrong]} in row ${wrong}`),
    );
  }
  if (targets.columns !== columns) {
    throw typeError(
      action,
      `expected must be labels or rows of ${columns}`,
      fact(`rows of ${targets.columns}`),
    );
  }
  return Int32Array.from({ length: rows }, (_, index) => {
    const row = targets.row(index);
    const column = row.indexOf(1);
    if (column >= 0 && row.every((value, at) => value === Number(at === column))) return column;
    throw rangeError(
      action,
      'rows of expected must have one 1 and zeros',
      fact(`[${row.join(', ')}] in row ${index}`),
    );
  });
}

/** Mean of `values` with `weights`; NaN values are left out, and NaN is the mean of nothing. */
export function averageDefined(values: ArrayLike<number>, weights: (index: number) => number): number {
  let sum = 0;
  let total = 0;
  for (let index = 0; index < values.length; index++) {
    if (Number.isNaN(values[index])) continue;
    sum += weights(index) * values[index];
    total += weights(index);
  }
  return total > 0 ? sum / total : Number.NaN;
}
