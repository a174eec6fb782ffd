// Everything that must hold before a change lands: format, lint, types, tests. Ends with `N passed, N failed`.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { missingBrowsers } from './browsers.mjs';
import { at, runPackage } from './lib.mjs';
import { checks, report } from './lint.mjs';

const resultFile = at('.stamps', 'vitest.json');
let passed = 0;
let failed = 0;

const types = () => runPackage('typescript/bin/tsc', ['-p', 'tsconfig.json'], { capture: true });

for (const { name, check } of [...checks, { name: 'types', check: types }]) {
  const result = await check();
  report(name, result);
  if ('skipped' in result) continue;
  if (result.status === 0) passed++;
  else failed++;
}

rmSync(resultFile, { force: true });
const { status } = await runPackage('vitest/vitest.mjs', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile=${resultFile}`,
  ...process.argv.slice(2),
]);
const result = existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined;
passed += result?.numPassedTests ?? 0;
failed += result?.numFailedTests ?? 0;
// A file that cannot be loaded, or an error outside every test, fails the run without failing a test.
if (status !== 0 && !result?.numFailedTests) failed++;
if (result?.numPendingTests) console.log(`${result.numPendingTests} tests skipped`);
for (const line of missingBrowsers()) console.log(line);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
