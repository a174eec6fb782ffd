import { isMatrix, type RowsLike, type TargetsLike } from './data.js';
import { fact, requireInteger, requireKnownKeys, typeError } from './errors.js';

/** What a column holds. Statistics are over its finite numbers; NaN where there are none. */
export interface ColumnReport {
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  /** Root of the mean squared distance from the mean (divided by n). */
  readonly standardDeviation: number;
  /** NaN, null, undefined and empty text. */
  readonly missing: number;
  /** Infinities, and what is no number. */
  readonly invalid: number;
  /** All finite numbers are equal. */
  readonly constant: boolean;
}

export interface DataReport {
  readonly rows: number;
  readonly columns: readonly ColumnReport[];
  /** Constructor of the numbers, such as `Float32Array`, or `Array`. */
  readonly type: string;
  /** Indices of constant columns. */
  readonly constantColumns: readonly number[];
  /** Largest standard deviation of a column divided by the smallest, constant columns left out; 1 with fewer than two. */
  readonly scaleRatio: number;
  /** Rows equal to one before them (targets not compared); null beyond 2^23 rows. */
  readonly duplicates: number | null;
  /** Rows of each class, where the targets are classes; else null. */
  readonly classes: readonly number[] | null;
  /** Targets that are missing, infinite or no numbers. */
  readonly wrongTargets: number;
  /** Transform to mean 0 and standard deviation 1, where the scales ask for one; for `inputTransform`. */
  readonly suggestedTransform: { readonly scale: number[]; readonly offset: number[] } | null;
  /** What should be looked at, each with what to do; empty where nothing stands out. */
  readonly advice: readonly string[];
  /** A table for the terminal, with the advice below. */
  toString(): string;
}

export interface DataReportOptions {
  /** Numbers a row has, for flat arrays. */
  readonly columns?: number;
}

const action = 'Cannot report on data';
/** Ratio of standard deviations from which on the scales are called wild. */
const WILD_RATIO = 100;
/** Largest absolute value that needs no scaling. */
const LARGE_VALUE = 10;
const IMBALANCE_RATIO = 10;
const MAXIMUM_CLASSES = 10_000;
const MAXIMUM_HASHED_ROWS = 8_388_608;
const PRINTED_COLUMNS = 20;

/** Mean and variance in one pass (Welford, 1962), and what is missing. */
class ColumnStatistics {
  minimum = Number.POSITIVE_INFINITY;
  maximum = Number.NEGATIVE_INFINITY;
  missing = 0;
  invalid = 0;
  #count = 0;
  #mean = 0;
  #squares = 0;

  add(value: unknown): void {
    if (value === null || value === undefined || value === '' || Number.isNaN(value)) this.missing++;
    else if (typeof value !== 'number' || !Number.isFinite(value)) this.invalid++;
    else {
      this.#count++;
      const distance = value - this.#mean;
      this.#mean += distance / this.#count;
      this.#squares += distance * (value - this.#mean);
      if (value < this.minimum) this.minimum = value;
      if (value > this.maximum) this.maximum = value;
    }
  }

  report(): ColumnReport {
    const { missing, invalid } = this;
    const constant = this.#count > 0 && this.minimum === this.maximum;
    if (this.#count === 0) {
      const none = Number.NaN;
      return {
        minimum: none,
        maximum: none,
        mean: none,
        standardDeviation: none,
        missing,
        invalid,
        constant,
      };
    }
    return {
      minimum: this.minimum,
      maximum: this.maximum,
      mean: constant ? this.minimum : this.#mean,
      standardDeviation: constant ? 0 : Math.sqrt(this.#squares / this.#count),
      missing,
      invalid,
      constant,
    };
  }
}

/** Rows to go through, whatever they lie in. */
interface Table {
  readonly rows: number;
  readonly columns: number;
  readonly type: string;
  readonly at: (row: number, column: number) => unknown;
}

const isArray = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);

/** A table, with `columns` numbers a row where it is flat. */
function tableOf(name: string, values: unknown, columns: number | undefined): Table {
  if (isMatrix(values)) {
    const { data } = values;
    const at = (row: number, column: number): unknown => data[row * values.columns + column];
    return { rows: values.rows, columns: values.columns, type: data.constructor.name, at };
  }
  if (!isArray(values))
    throw typeError(action, `${name} must be a Matrix or an array of numbers or rows`, values);
  if (values.length === 0) throw typeError(action, `${name} must not be empty`, values);
  if (isArray(values[0])) return tableOfRows(name, values);
  if (columns === undefined) {
    throw typeError(action, `a flat array of ${name} needs the option columns`, values);
  }
  if (values.length % columns !== 0) {
    throw typeError(
      action,
      `the length of ${name} must divide by ${columns}`,
      fact(`length ${values.length}`),
    );
  }
  const at = (row: number, column: number): unknown => values[row * columns + column];
  return { rows: values.length / columns, columns, type: values.constructor.name, at };
}

function tableOfRows(name: string, values: ArrayLike<unknown>): Table {
  const first = values[0] as ArrayLike<unknown>;
  for (let row = 0; row < values.length; row++) {
    const one = values[row];
    if (!isArray(one) || one.length !== first.length) {
      throw typeError(action, `row ${row} of ${name} must have ${first.length} numbers, like the first`, one);
    }
  }
  const at = (row: number, column: number): unknown => (values[row] as ArrayLike<unknown>)[column];
  return { rows: values.length, columns: first.length, type: first.constructor.name, at };
}

/** Counts rows seen before by 53 bits of hash: among a million rows two different ones meet once in ten thousand sets. */
class DuplicateCounter {
  count = 0;
  readonly #seen = new Set<number>();
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);

  add({ at, columns }: Table, row: number): void {
    let [first, second] = [0x811c9dc5, 0x9e3779b9];
    for (let column = 0; column < columns; column++) {
      // 0 and −0 are equal.
      this.#float[0] = Number(at(row, column)) + 0;
      for (const word of this.#words) {
        first = Math.imul(first ^ word, 0x01000193);
        first ^= first >>> 15;
        second = Math.imul(second ^ word, 0x85ebca6b);
        second ^= second >>> 13;
      }
    }
    const hash = (first >>> 0) * 2 ** 21 + (second >>> 11);
    if (this.#seen.has(hash)) this.count++;
    else this.#seen.add(hash);
  }
}

interface TargetReport {
  readonly classes: number[] | null;
  readonly wrong: number;
}

/** Rows of each class of labels or one-hot rows, or none where targets are other numbers. */
function reportTargets({ rows, columns, at }: Table): TargetReport {
  const classes: number[] | null = columns > 1 ? new Array(columns).fill(0) : [];
  let isClasses = true;
  let wrong = 0;
  for (let row = 0; row < rows; row++) {
    let [ones, zeros, last] = [0, 0, -1];
    for (let column = 0; column < columns; column++) {
      const value = at(row, column);
      if (typeof value !== 'number' || !Number.isFinite(value)) wrong++;
      else if (columns === 1) last = value;
      else if (value === 1) [ones, last] = [ones + 1, column];
      else if (value === 0) zeros++;
    }
    if (columns > 1 && (ones !== 1 || zeros !== columns - 1)) isClasses = false;
    else if (!Number.isInteger(last) || last >= MAXIMUM_CLASSES || last < -1) isClasses = false;
    else if (last >= 0) classes[last] = (classes[last] ?? 0) + 1;
  }
  const counts = Array.from(classes, (count) => count ?? 0);
  return { classes: isClasses && counts.length > 0 ? counts : null, wrong };
}

const percent = (part: number, whole: number): string => `${Number(((100 * part) / whole).toPrecision(2))} %`;

const list = (columns: readonly number[]): string =>
  columns.length <= 8
    ? columns.join(', ')
    : `${columns.slice(0, 8).join(', ')} and ${columns.length - 8} more`;

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/**
 * What stands in the way of training on these rows: missing values, constant columns, scales that differ by orders of
 * magnitude, classes that are rare, rows that occur twice. Unlike `fit` it takes NaN, null and text, and counts them.
 *
 * One pass over the rows; memory for one number a row (duplicates).
 *
 * @param x rows of any form that `fit` takes; flat arrays need `columns`
 * @param t targets or labels
 * @throws TypeError for rows of different lengths
 * @example console.log(`${dataReport(rows, labels)}`)
 */
export function dataReport(x: RowsLike, t?: TargetsLike, options: DataReportOptions = {}): DataReport {
  requireKnownKeys(action, options, ['columns']);
  if (options.columns !== undefined) requireInteger(action, 'columns', options.columns, 1);
  const table = tableOf('inputs', x, options.columns);
  const { rows } = table;
  const statistics = Array.from({ length: table.columns }, () => new ColumnStatistics());
  const duplicates = rows <= MAXIMUM_HASHED_ROWS ? new DuplicateCounter() : null;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < table.columns; column++) statistics[column].add(table.at(row, column));
    duplicates?.add(table, row);
  }
  const columns = statistics.map((one) => one.report());
  const targets = t === undefined ? { classes: null, wrong: 0 } : reportTargets(targetTable(t, rows));
  const deviations = columns.filter(({ standardDeviation }) => standardDeviation > 0);
  const spread = deviations.map(({ standardDeviation }) => standardDeviation);
  const facts = {
    rows,
    columns,
    type: table.type,
    constantColumns: columns.flatMap(({ constant }, column) => (constant ? [column] : [])),
    scaleRatio: spread.length < 2 ? 1 : largest(spread) / -largest(spread.map((value) => -value)),
    duplicates: duplicates?.count ?? null,
    classes: targets.classes,
    wrongTargets: targets.wrong,
  };
  const isLarge = columns.some(({ minimum, maximum }) => maximum > LARGE_VALUE || minimum < -LARGE_VALUE);
  const suggestedTransform = facts.scaleRatio >= WILD_RATIO || isLarge ? standardising(columns) : null;
  const report = { ...facts, suggestedTransform, advice: adviceOn(facts, isLarge) };
  return { ...report, toString: () => print(report) };
}

const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));

function targetTable(t: TargetsLike, rows: number): Table {
  const isFlat = !isMatrix(t) && isArray(t) && !isArray(t[0]);
  const columns = isFlat ? Math.max(1, Math.round(t.length / rows)) : undefined;
  const table = tableOf('targets', t, columns);
  if (table.rows === rows) return table;
  throw typeError(action, `targets must have ${rows} rows, like the inputs`, fact(`${table.rows} rows`));
}

function standardising(columns: readonly ColumnReport[]): { scale: number[]; offset: number[] } {
  const scale = columns.map(({ standardDeviation }) => (standardDeviation > 0 ? 1 / standardDeviation : 1));
  // A column without numbers has no mean.
  const offset = columns.map(({ mean }, column) => (Number.isNaN(mean) ? 0 : 0 - mean * scale[column]));
  return { scale, offset };
}

type Facts = Omit<DataReport, 'advice' | 'suggestedTransform' | 'toString'>;

function adviceOn(facts: Facts, isLarge: boolean): string[] {
  const { rows, columns, constantColumns, scaleRatio, duplicates, classes, wrongTargets } = facts;
  const advice: string[] = [];
  const having = (count: (column: ColumnReport) => number): number[] =>
    columns.flatMap((column, index) => (count(column) > 0 ? [index] : []));
  const missing = having((column) => column.missing);
  const worst = largest(columns.map((column) => column.missing));
  if (missing.length > 0) {
    advice.push(
      `missing values in columns ${list(missing)} (up to ${percent(worst, rows)}): fill or drop them, fit takes none`,
    );
  }
  const invalid = having((column) => column.invalid);
  if (invalid.length > 0) advice.push(`infinite or no numbers in columns ${list(invalid)}: fit takes none`);
  if (wrongTargets > 0) advice.push(`${plural(wrongTargets, 'target')} missing, infinite or no number`);
  if (constantColumns.length > 0) advice.push(`constant columns ${list(constantColumns)}: leave them out`);
  if (scaleRatio >= WILD_RATIO) {
    const ratio = Number(scaleRatio.toPrecision(2)).toLocaleString('en');
    advice.push(`scales of the columns differ ${ratio} times: pass suggestedTransform as inputTransform`);
  } else if (isLarge) advice.push('values far from 0: pass suggestedTransform as inputTransform');
  if (classes) advice.push(...adviceOnClasses(classes));
  if (duplicates)
    advice.push(`${plural(duplicates, 'row')} (${percent(duplicates, rows)}) equal to one before`);
  return advice;
}

function adviceOnClasses(classes: readonly number[]): string[] {
  const absent = classes.flatMap((count, one) => (count === 0 ? [one] : []));
  const present = classes.filter((count) => count > 0);
  const [most, least] = [largest(present), -largest(present.map((count) => -count))];
  const advice: string[] = [];
  if (absent.length > 0) advice.push(`no row of classes ${list(absent)}`);
  if (present.length === 1) advice.push('all rows are of one class');
  if (most >= IMBALANCE_RATIO * least) {
    advice.push(
      `class ${classes.indexOf(least)} has ${plural(least, 'row')}, class ${classes.indexOf(most)} ${most}: look at recall, F1 or PR AUC rather than accuracy`,
    );
  }
  return advice;
}

const short = (value: number): string => (Number.isNaN(value) ? '-' : String(Number(value.toPrecision(4))));

function print(report: Omit<DataReport, 'toString'>): string {
  const { rows, columns, type, classes, advice } = report;
  const head = ['column', 'minimum', 'maximum', 'mean', 'deviation', 'missing'];
  const body = columns
    .slice(0, PRINTED_COLUMNS)
    .map(({ minimum, maximum, mean, standardDeviation, missing, invalid }, column) => [
      String(column),
      ...[minimum, maximum, mean, standardDeviation].map(short),
      String(missing + invalid),
    ]);
  const widths = head.map((name, at) => largest([name.length, ...body.map((cells) => cells[at].length)]));
  const line = (cells: string[]): string => cells.map((cell, at) => cell.padStart(widths[at])).join('  ');
  const more =
    columns.length > PRINTED_COLUMNS ? [`... and ${columns.length - PRINTED_COLUMNS} more columns`] : [];
  const rowsOfClasses = classes ? [`rows of each class: ${list(classes)}`] : [];
  const found = advice.length > 0 ? advice.map((one) => `- ${one}`) : ['nothing stands out'];
  return [
    `${plural(rows, 'row')} of ${plural(columns.length, 'column')}, ${type}`,
    line(head),
    ...body.map(line),
    ...more,
    ...rowsOfClasses,
    ...found,
  ].join('\n');
}
