/** Figures and tables as text, and the ratios in them. */

const significant = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });

/** Four significant digits, without an exponent. */
export function formatNumber(value: number): string {
  return significant.format(value);
}

/** A share of 1 as whole per cent; a dash without one. */
export function formatPercent(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.round(share * 100)} %`;
}

/** A share of 1 as per cent with one decimal. */
export function formatTenths(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Two decimals; a dash without a ratio. */
export function formatRatio(ratio: number | undefined): string {
  return ratio === undefined ? '-' : ratio.toFixed(2);
}

/** Columns as wide as their widest cell: the first to the left, the others to the right. */
export function formatTable(header: string[], rows: string[][]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => cells[column].length)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return lines.map((cells) => `  ${cells.map(pad).join('  ')}`).join('\n');
}

/** The mean for ratios: of x and 1/x it is 1. */
export function geometricMean(ratios: readonly number[]): number {
  if (ratios.length === 0)
    throw new RangeError('Cannot average: at least one ratio is needed: received none');
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Largest difference as a share of the largest expected value; NaN if either side holds one. */
export function relativeError(computed: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (computed.length !== expected.length) return Number.NaN;
  let difference = 0;
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    difference = Math.max(difference, Math.abs(computed[index] - expected[index]));
    largest = Math.max(largest, Math.abs(expected[index]));
  }
  return difference === 0 ? 0 : difference / largest;
}
