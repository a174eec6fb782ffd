import { isMatrix, isNumbers, type TargetsLike } from './data.js';
import { fact, rangeError, typeError } from './errors.js';
import { Matrix } from './matrix.js';

const isArray = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);

/**
 * Rows whose number of columns is not known beforehand: a matrix, one array a row, or a flat array, which is one row.
 * Float arrays are not copied; everything else becomes float64.
 */
export function readMatrix(action: string, name: string, value: TargetsLike): Matrix {
  if (isMatrix(value)) {
    const { data, rows, columns } = value;
    if (!isNumbers(data) || data.length !== rows * columns) {
      throw typeError(action, `${name}.data must hold rows x columns = ${rows * columns} numbers`, data);
    }
    requireSome(action, name, data);
    return new Matrix(data, rows, columns);
  }
  if (!isArray(value))
    throw typeError(action, `${name} must be a Matrix or an array of numbers or rows`, value);
  requireSome(action, name, value);
  if (isNumbers(value)) return new Matrix(value, 1, value.length);
  const rows: unknown[] = isArray(value[0]) ? Array.from(value as ArrayLike<unknown>) : [value];
  return joinRows(action, name, rows);
}

/** Index of the first NaN, −1 without one; `findIndex` calls a function for each number. */
export function indexOfNaN(data: ArrayLike<number>): number {
  for (let index = 0; index < data.length; index++) if (Number.isNaN(data[index])) return index;
  return -1;
}

function requireSome(action: string, name: string, values: ArrayLike<unknown>): void {
  if (values.length === 0) throw rangeError(action, `${name} must not be empty`, values);
}

function joinRows(action: string, name: string, rows: readonly unknown[]): Matrix {
  const columns = (rows[0] as ArrayLike<unknown>).length;
  if (columns === 0) throw rangeError(action, `rows of ${name} must not be empty`, rows[0]);
  const data = new Float64Array(rows.length * columns);
  rows.forEach((row, r) => {
    if (!isArray(row)) throw typeError(action, `row ${r} of ${name} must be an array of numbers`, row);
    if (row.length !== columns) {
      const rule = `row ${r} of ${name} must have ${columns} numbers, like the first`;
      throw typeError(action, rule, fact(`${row.length} numbers`));
    }
    for (let c = 0; c < columns; c++) {
      const number = row[c];
      if (typeof number !== 'number') {
        throw typeError(action, `row ${r}, column ${c} of ${name} must be a number`, number);
      }
      data[r * columns + c] = number;
    }
  });
  return new Matrix(data, rows.length, columns);
}
