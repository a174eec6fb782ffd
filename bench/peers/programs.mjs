/** The programs in C and C++ that take part in the bench: built when they are asked for, into bench/build. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../../tools/native.mjs';

const file = (/** @type {string} */ name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The peak is compiled for one instruction set each, with the flags that binding.gyp gives its kernels. */
const peak = (/** @type {string} */ target, /** @type {string[]} */ ...flags) => ({
  source: 'peak/peak.cc',
  flags: ['-O3', '-std=c++17', '-ffp-contract=off', `-I${file('..')}`, `-DFASTMLP_${target}`, ...flags],
  libraries: /** @type {string[]} */ ([]),
});

const library = (/** @type {string} */ name) => ({
  source: `peers/${name}_peer.c`,
  flags: ['-O2'],
  libraries: [`-l${name}`, '-lm'],
});

const programs = {
  openblas: library('openblas'),
  fann: library('fann'),
  'peak-avx512': peak('AVX512', '-mavx512f', '-mavx512vl', '-mavx512dq', '-mavx512bw', '-mfma'),
  'peak-avx2': peak('AVX2', '-mavx2', '-mfma'),
  'peak-neon': peak('NEON'),
  'peak-scalar': peak('SCALAR'),
};

/**
 * @param {string} output
 * @param {string} source relative to bench/
 */
function isCurrent(output, source) {
  const changed = Math.max(...[source, 'peers/programs.mjs'].map((one) => statSync(file(one)).mtimeMs));
  return existsSync(output) && statSync(output).mtimeMs > changed;
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function compile(command, args) {
  mkdirSync(file('build'), { recursive: true });
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  const line = stderr.split('\n').find((text) => /error|cannot find/i.test(text));
  throw new Error(`does not compile: ${line?.trim()}`);
}

/**
 * The executable of a program; throws with the reason if it cannot be built.
 *
 * @param {keyof typeof programs} name
 * @returns {string}
 */
export function buildProgram(name) {
  const { source, flags, libraries } = programs[name];
  const executable = file(`build/${name}`);
  if (isCurrent(executable, source)) return executable;
  const compiler = source.endsWith('.c') ? findProgram(['gcc', 'clang']) : findProgram(['g++', 'clang++']);
  if (compiler === undefined) throw new Error('no compiler: install gcc or clang');
  compile(compiler, [...flags, file(source), '-o', executable, ...libraries]);
  return executable;
}

/**
 * The WebAssembly module that measures the peak of one variant.
 *
 * @param {boolean} relaxed
 * @returns {string}
 */
export function buildPeakModule(relaxed) {
  const source = 'peak/assembly/peak.ts';
  const output = file(`build/peak-${relaxed ? 'relaxed' : 'simd'}.wasm`);
  if (isCurrent(output, source)) return output;
  const features = ['simd', ...(relaxed ? ['relaxed-simd'] : [])].flatMap((feature) => ['--enable', feature]);
  const options = ['--optimizeLevel', '3', '--runtime', 'stub', '--noAssert', '--outFile', output];
  const asc = file('../node_modules/assemblyscript/bin/asc.js');
  compile(process.execPath, [asc, file(source), ...options, ...features]);
  return output;
}
