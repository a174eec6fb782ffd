// Format and lint checks of everything. `--fix` formats and applies the safe fixes instead of complaining.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { at, filesUnder, run, runPackage } from './lib.mjs';
import { compileCommands, findProgram, findToolchain } from './native.mjs';

/**
 * @typedef {{ status: number | null, output: string }} Finished
 * @typedef {{ skipped: string }} Skipped
 * @typedef {{ name: string, check: () => Promise<Finished | Skipped>, fix?: () => Promise<Finished> }} Check
 */

const warnings = ['-Wall', '-Wextra', '-Wunused-parameter', '-Wshadow', '-Wconversion', '-Werror'];
const kernelLibraries = ['kernels_avx2', 'kernels_avx512', 'kernels_neon'];

const nativeFiles = () => filesUnder('native').filter((file) => /\.(cc|h)$/.test(file));

/** @param {string[]} flags */
const biome = (...flags) =>
  runPackage('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '--colors=off', ...flags], {
    capture: true,
  });

/** @param {string[]} flags */
const clangFormat = (...flags) =>
  runPackage('@wasm-fmt/clang-format/clang-format-cli.cjs', [...flags, ...nativeFiles()], { capture: true });

async function unformattedNativeFiles() {
  const { status, output } = await clangFormat('--dry-run', '--Werror', '--fno-color-diagnostics');
  const files = new Set([...output.matchAll(/^(native\S+?):\d+:\d+: error/gm)].map((match) => match[1]));
  return { status, output: files.size > 0 ? `not formatted: ${[...files].join(', ')}` : output };
}

/** The exact compile commands of binding.gyp, with strict warnings and without code generation. */
async function compilerWarnings() {
  const { compiler, python } = findToolchain();
  if (process.platform === 'win32') return { skipped: 'needs gcc or clang' };
  if (!compiler || !python) return { skipped: 'no C++ compiler or no python3' };
  const log = at('.stamps', 'compile-commands.log');
  const entries = await compileCommands(compiler, log);
  if (!entries) return { status: 1, output: readFileSync(log, 'utf8') };
  // Every header folder but the root's own holds other people's headers.
  const folder = at('native', '..');
  const commands = entries.map(({ command }) => {
    let strict = command.replaceAll('-I', '-isystem');
    for (const end of ['" ', ' ']) strict = strict.replaceAll(`-isystem${folder}${end}`, `-I${folder}${end}`);
    return `${strict} -fsyntax-only ${warnings.join(' ')}`;
  });
  /** @type {Finished[]} */
  const results = [];
  const workers = Array.from({ length: availableParallelism() }, async () => {
    for (let next = commands.pop(); next; next = commands.pop()) {
      results.push(await run(next, [], { capture: true, shell: true }));
    }
  });
  await Promise.all(workers);
  return {
    status: results.every((result) => result.status === 0) ? 0 : 1,
    output: results.map((result) => result.output).join(''),
  };
}

/**
 * An inline function that a kernel library shares with the rest of the addon may be linked from the library that was
 * compiled for the wider instruction set, and then stops a processor without it. So a library that is compiled with
 * extra flags may define such functions only under names that carry its own instruction set.
 */
async function sharedInlineFunctions() {
  const nm = findProgram(['nm']);
  const libraries = kernelLibraries.filter((name) => existsSync(at('build', 'Release', `${name}.a`)));
  if (!nm || libraries.length === 0) return { skipped: 'needs nm and built kernel libraries' };
  const leaks = [];
  for (const name of libraries) {
    const { status, output } = await run(nm, ['-C', '--defined-only', at('build', 'Release', `${name}.a`)], {
      capture: true,
    });
    if (status !== 0) return { status, output };
    const instructionSet = new RegExp(name.replace('kernels_', ''), 'i');
    const shared = output.split('\n').filter((line) => / [WVu] /.test(line) && !instructionSet.test(line));
    leaks.push(...shared.map((line) => `${name}: ${line.slice(19)}`));
  }
  return { status: leaks.length, output: leaks.join('\n') };
}

/** @type {Check[]} */
export const checks = [
  { name: 'biome', check: () => biome(), fix: () => biome('--write') },
  { name: 'clang-format', check: unformattedNativeFiles, fix: () => clangFormat('-i') },
  {
    name: 'cpplint',
    check: () => runPackage('@cpplint/cli/bin/cpplint', ['--quiet', ...nativeFiles()], { capture: true }),
  },
  { name: 'compiler warnings', check: compilerWarnings },
  { name: 'instruction sets stay apart', check: sharedInlineFunctions },
];

/**
 * Prints one line for a check, and its output if it failed.
 * @param {string} name
 * @param {Finished | Skipped} result
 */
export function report(name, result) {
  if ('skipped' in result) {
    console.log(`- ${name} skipped: ${result.skipped}`);
    return;
  }
  if (result.status !== 0) console.log(result.output.trimEnd());
  console.log(`${result.status === 0 ? '✓' : '✗'} ${name}`);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, check, fix } of checks) {
    const result = await (argv.includes('--fix') && fix ? fix() : check());
    report(name, result);
    if (!('skipped' in result) && result.status !== 0) process.exitCode = 1;
  }
}
