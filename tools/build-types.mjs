// Writes the declarations of the public API: dist/types for ES modules and the same files, under a package.json that
// says so, in dist/types-cjs for CommonJS.
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { at, runPackage } from './lib.mjs';

const esm = at('dist', 'types');
const cjs = at('dist', 'types-cjs');
for (const folder of [esm, cjs]) rmSync(folder, { recursive: true, force: true });
const { status } = await runPackage('typescript/bin/tsc', ['-p', 'tsconfig.build.json']);
if (existsSync(esm)) {
  cpSync(esm, cjs, { recursive: true });
  writeFileSync(at('dist', 'types-cjs', 'package.json'), '{ "type": "commonjs" }\n');
}
process.exitCode = status === 0 ? 0 : 1;
