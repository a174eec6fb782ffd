/** The sheet of paper: computed and expected figures side by side, each line with its mark. */

/** One number, a row of them, or rows. */
export type Figures = number | ArrayLike<number> | readonly (readonly number[])[] | MatrixLike;

interface MatrixLike {
  toArrays(): number[][];
}

/** How far a figure may be from the expected one. */
export type Allowance = number | ((expected: number, row: number, column: number) => number);

const WIDTH = 110;
const LABEL = 15;
const INDENT = '  ';
/** Halves of a comparison are at least this wide, so that the columns of neighbouring lines meet. */
const HALF = 38;

/** At most 6 significant digits, without trailing zeros. */
export function formatFigure(value: number): string {
  const magnitude = Math.abs(value);
  if (value === 0) return '0';
  if (!Number.isFinite(value) || (Number.isInteger(value) && magnitude < 1e7)) return String(value);
  const rounded = Number(value.toPrecision(6));
  return magnitude >= 1e-4 && magnitude < 1e7 ? String(rounded) : rounded.toExponential();
}

/** Cells of one width, decimal points under each other. */
function alignFigures(texts: readonly string[]): string[] {
  const whole = texts.map((text) => text.search(/[.e]|$/));
  const before = Math.max(...whole);
  const after = Math.max(...texts.map((text, index) => text.length - whole[index]!));
  return texts.map((text, index) => {
    const left = ' '.repeat(before - whole[index]!) + text;
    return left.padEnd(before + after);
  });
}

function toRows(figures: Figures): number[][] {
  if (typeof figures === 'number') return [[figures]];
  if ('toArrays' in figures) return figures.toArrays();
  const list = Array.from(figures as ArrayLike<number | readonly number[]>);
  if (list.every((one) => typeof one === 'number')) return [list as number[]];
  return (list as (readonly number[])[]).map((row) => Array.from(row));
}

/** Breaks a text between words. */
export function wrapped(text: string, indent: string, first = indent): string {
  const lines = [first];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1]!;
    if (line.trim() !== '' && line.length + word.length + 1 > WIDTH) lines.push(indent + word);
    else lines[lines.length - 1] = line.endsWith(' ') || line === '' ? line + word : `${line} ${word}`;
  }
  return lines.join('\n');
}

/** What is printed about one case, and whether all of it agrees. */
export class Sheet {
  #disagreements = 0;
  #comparisons = 0;
  #last = '';

  constructor(readonly print: (line: string) => void = console.log) {}

  /** Whether something was compared, and all of it agreed. */
  get agrees(): boolean {
    return this.#comparisons > 0 && this.#disagreements === 0;
  }

  line(text = ''): void {
    this.#last = text;
    this.print(text);
  }

  /** A line with a blank one before it. */
  heading(text: string): void {
    if (this.#last !== '') this.line();
    this.line(text);
  }

  /** Figures that are given, with all their digits. */
  given(label: string, figures: Figures): void {
    this.#lines(label, tabulate(toRows(figures), String));
  }

  /**
   * Figures computed and figures expected, with the mark whether they agree: side by side, or where that is too wide
   * one above the other.
   *
   * @param label of the first row, or one for each
   */
  compare(
    label: string | readonly string[],
    computed: Figures,
    expected: Figures,
    allowance: Allowance,
  ): void {
    const [left, right] = [toRows(computed), toRows(expected)];
    const mark = this.#judge(left, right, allowance);
    const texts = tabulate([...left, ...right], formatFigure);
    const [ours, theirs] = [texts.slice(0, left.length), texts.slice(left.length)];
    const pairs = theirs.map((text, row) => sideBySide(ours[row] ?? '', text));
    const fits = pairs.every((line) => INDENT.length + LABEL + line.length + ' ok'.length <= WIDTH);
    const stacked = [
      ...ours.map((text, row) => (row === 0 ? `${text}  computed` : text)),
      ...theirs.map((text, row) => (row === 0 ? `${text}  expected` : text)),
    ];
    const lines = fits ? pairs : stacked;
    lines[lines.length - 1] += ` ${mark}`;
    this.#lines(label, lines);
  }

  /** As `compare`, of words. */
  compareText(label: string, computed: string, expected: string): void {
    const agrees = computed === expected;
    this.#count(agrees);
    this.#lines(label, [`${sideBySide(computed, expected)} ${agrees ? 'ok' : 'DIFFERS'}`]);
  }

  #lines(label: string | readonly string[], lines: readonly string[]): void {
    const labels = typeof label === 'string' ? [label] : label;
    lines.forEach((line, index) => {
      this.line(`${INDENT}${(labels[index] ?? '').padEnd(LABEL)}${line}`.trimEnd());
    });
  }

  #count(agrees: boolean): void {
    this.#comparisons++;
    if (!agrees) this.#disagreements++;
  }

  #judge(computed: number[][], expected: number[][], allowance: Allowance): string {
    const difference = firstDifference(computed, expected, allowance);
    this.#count(difference === null);
    return difference === null ? 'ok' : `DIFFERS: ${difference}`;
  }
}

const sideBySide = (computed: string, expected: string): string =>
  `${computed.padEnd(HALF)} | ${expected.padEnd(HALF)}`;

/** Rows as lines of cells; each column is as wide in all of them. */
function tabulate(rows: readonly number[][], format: (value: number) => string): string[] {
  const cells = rows.map((row) => row.map(format));
  const columns = Math.max(...cells.map((row) => row.length));
  for (let column = 0; column < columns; column++) {
    const having = cells.filter((row) => column < row.length);
    const aligned = alignFigures(having.map((row) => row[column]!));
    having.forEach((row, index) => {
      row[column] = aligned[index]!;
    });
  }
  return cells.map((row) => row.join('  '));
}

function firstDifference(computed: number[][], expected: number[][], allowance: Allowance): string | null {
  const shapes = [computed, expected].map((rows) => rows.map((row) => row.length).join());
  if (shapes[0] !== shapes[1]) return 'another shape';
  for (const [row, values] of expected.entries()) {
    for (const [column, value] of values.entries()) {
      const allowed = typeof allowance === 'number' ? allowance : allowance(value, row, column);
      const received = computed[row]![column]!;
      const off = received === value ? 0 : Math.abs(received - value);
      // Written so that NaN differs.
      if (!(off <= allowed)) {
        const place = `row ${row + 1}, column ${column + 1}`;
        return `by ${formatFigure(off)} in ${place}, allowed ${formatFigure(allowed)}`;
      }
    }
  }
  return null;
}
