import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { workedCases } from '../../examples/worked/cases.js';
import { Sheet } from '../../examples/worked/sheet.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The example in a process of its own; rejects unless it exits with 0. */
const runExample = (...args: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/worked/main.ts', ...args], {
    cwd: root,
    maxBuffer: 16 * 2 ** 20,
    timeout: 60_000,
  });

const sheetOf = (): { sheet: Sheet; lines: string[] } => {
  const lines: string[] = [];
  return { sheet: new Sheet((line) => lines.push(line)), lines };
};

describe('the worked cases', () => {
  it('all agree on the reference backend', { timeout: 120_000 }, async () => {
    const { stdout } = await runExample('--backend', 'reference');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.at(-1)).toBe('42 of 42 cases agree on reference');
    const closed = workedCases.filter(({ id }) => lines.includes(`${id}: agrees`));
    expect(closed.length).toBe(42);
    expect(lines.filter((line) => line.length > 110)).toEqual([]);
  });

  it('can be asked for by name', async () => {
    const { stdout } = await runExample('--backend', 'reference', 'relu-at-zero', 'hard-decisions');
    expect(stdout).toContain('2 of 2 cases agree on reference');
    expect(stdout).not.toContain('xor-heaviside');
  });

  it('of another name are an error that lists those there are', async () => {
    const failure = runExample('xor');
    await expect(failure).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/There is no case xor; there are:[\s\S]*\n {2}xor-heaviside\n/),
    });
  });
});

describe('the sheet of a case', () => {
  it('puts computed and expected figures side by side', () => {
    const { sheet, lines } = sheetOf();
    sheet.compare('z', [[0.25, -1.5]], [[0.25, -1.5]], 0);
    expect(lines).toEqual([`  z              ${'0.25  -1.5'.padEnd(38)} | ${'0.25  -1.5'.padEnd(38)} ok`]);
    expect(sheet.agrees).toBe(true);
  });

  it('puts them above each other where they are too wide', () => {
    const { sheet, lines } = sheetOf();
    const wide = [0.123456, 0.123456, 0.123456, 0.123456, 0.123456];
    sheet.compare('z', wide, wide, 0);
    expect(lines.map((line) => line.trim().replace(/^z +/, ''))).toEqual([
      `${wide.join('  ')}  computed`,
      `${wide.join('  ')}  expected ok`,
    ]);
  });

  it.each([
    ['a figure beyond the tolerance', [1, 2.5], 'by 0.5 in row 1, column 2, allowed 0.25'],
    ['NaN', [Number.NaN, 2], 'by NaN in row 1, column 1, allowed 0.25'],
    ['a figure too few', [1], 'another shape'],
  ])('marks %s', (_, computed, message) => {
    const { sheet, lines } = sheetOf();
    sheet.compare('z', computed, [1, 2], 0.25);
    expect(lines.join('\n')).toContain(`DIFFERS: ${message}`);
    expect(sheet.agrees).toBe(false);
  });

  it('that compares nothing does not agree', () => {
    expect(sheetOf().sheet.agrees).toBe(false);
  });
});
