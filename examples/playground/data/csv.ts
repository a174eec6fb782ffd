import Papa from 'papaparse';
import { type DataSet, type Part, partOf } from './data-set.js';
import { randomFrom } from './random.js';
import { shuffle } from './shuffle.js';

/** A table as it was dropped on the page. */
export interface Table {
  readonly fileName: string;
  readonly columns: readonly string[];
  /** Cells as text, rows × columns. */
  readonly rows: readonly (readonly string[])[];
}

/** A number column with at most so many distinct integers may also be taken as classes. */
const MAXIMUM_INTEGER_CLASSES = 10;
const MAXIMUM_CLASSES = 20;

/**
 * Reads a table. The first row names the columns, unless a cell of it is a number.
 *
 * @throws Error with a message for the user
 */
export function parseTable(text: string, fileName: string): Table {
  const { data, errors } = Papa.parse<string[]>(text.replace(/^\uFEFF/, '').trim(), {
    skipEmptyLines: 'greedy',
  });
  const rows = data.map((row) => row.map((cell) => cell.trim()));
  const fail = (rule: string, received: string): never => {
    throw new Error(`Cannot read ${fileName}: ${rule}: received ${received}`);
  };
  const quotes = errors.find(({ type }) => type === 'Quotes');
  if (quotes) return fail('quotes must be closed', `${quotes.message} in row ${(quotes.row ?? 0) + 1}`);
  if (rows.length < 3) return fail('there must be at least 3 rows', `${rows.length}`);
  const width = rows[0].length;
  if (width < 2) return fail('there must be at least 2 columns', `${width}`);
  const ragged = rows.findIndex((row) => row.length !== width);
  if (ragged >= 0) {
    return fail(`every row must have ${width} cells`, `${rows[ragged].length} cells in row ${ragged + 1}`);
  }
  const hasHeader = !rows[0].some(isNumber);
  const columns = hasHeader
    ? rows[0].map((name, index) => name || `column ${index + 1}`)
    : rows[0].map((_, index) => `column ${index + 1}`);
  return { fileName, columns, rows: hasHeader ? rows.slice(1) : rows };
}

const isNumber = (cell: string): boolean => cell !== '' && Number.isFinite(Number(cell));

/** Indices of the columns in which most cells are numbers. */
export function numberColumns({ columns, rows }: Table): number[] {
  return columns.flatMap((_, column) => {
    const numbers = rows.filter((row) => isNumber(row[column])).length;
    return numbers >= rows.length / 2 ? [column] : [];
  });
}

/** The likeliest target: a column named so, else the last one of text, else the last. */
export function guessTarget(table: Table): number {
  const named = table.columns.findIndex((name) =>
    /^(target|label|class|species|y|diagnosis|outcome)$/i.test(name),
  );
  if (named >= 0) return named;
  const numbers = new Set(numberColumns(table));
  for (let column = table.columns.length - 1; column >= 0; column--) if (!numbers.has(column)) return column;
  return table.columns.length - 1;
}

/** Names of the classes of a target column, sorted; null where it is a number to be predicted. */
export function classesOf({ rows }: Table, target: number): string[] | null {
  const cells = rows.map((row) => row[target]).filter((cell) => cell !== '');
  const distinct = [...new Set(cells)];
  if (cells.every(isNumber)) {
    const few =
      distinct.length <= MAXIMUM_INTEGER_CLASSES && distinct.every((cell) => Number.isInteger(Number(cell)));
    return few ? distinct.sort((a, b) => Number(a) - Number(b)) : null;
  }
  return distinct.sort();
}

export interface TableDataSet {
  readonly dataSet: DataSet;
  /** Rows left out, for a cell that is missing or no number. */
  readonly skipped: number;
}

/**
 * Inputs are the number columns other than the target; rows are shuffled by the seed before the test rows are taken.
 *
 * @throws Error with a message for the user
 */
export function tableDataSet(table: Table, target: number, testShare: number, seed: number): TableDataSet {
  const fail = (rule: string, received: string): never => {
    throw new Error(`Cannot use ${table.fileName}: ${rule}: received ${received}`);
  };
  const inputs = numberColumns(table).filter((column) => column !== target);
  if (inputs.length === 0) return fail('there must be a column of numbers beside the target', 'none');
  const classes = classesOf(table, target);
  if (classes && (classes.length < 2 || classes.length > MAXIMUM_CLASSES)) {
    return fail(`a target of classes must have 2 to ${MAXIMUM_CLASSES} of them`, `${classes.length}`);
  }
  const rows = table.rows.flatMap((row) => {
    const cells = inputs.map((column) => row[column]);
    const isWhole = cells.every(isNumber) && (classes ? row[target] !== '' : isNumber(row[target]));
    if (!isWhole) return [];
    return [[...cells.map(Number), classes ? classes.indexOf(row[target]) : Number(row[target])]];
  });
  if (rows.length < 2) return fail('there must be at least 2 whole rows', `${rows.length}`);
  const skipped = table.rows.length - rows.length;
  shuffle(rows, randomFrom(seed));
  const testCount = Math.floor(rows.length * testShare);
  const test: Part | null = testCount > 0 ? partOf(rows.slice(0, testCount)) : null;
  const columns = inputs.map((column) => table.columns[column]);
  return {
    dataSet: { columns, classes, train: partOf(rows.slice(testCount)), test, imageSize: null },
    skipped,
  };
}
