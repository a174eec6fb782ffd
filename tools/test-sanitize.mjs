// Builds the programs of test/native with the kernels under the sanitizers of gcc or clang, and runs them. They go
// beyond what a test from JavaScript can see: a byte read past the end of an operand, or two threads at one number.
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { at, run } from './lib.mjs';
import { compileCommands, findToolchain } from './native.mjs';
import { isWithoutNode } from './without-node.mjs';

const programs = [
  { source: 'edges.cc', sanitizers: 'address,undefined' },
  { source: 'run-control.cc', sanitizers: 'thread' },
  { source: 'row-copy.cc', sanitizers: 'thread' },
  { source: 'team.cc', sanitizers: 'thread' },
];

/** @param {string} command */
async function mustRun(command) {
  const { status } = await run(command, [], { shell: true });
  if (status !== 0) throw new Error(`failed: ${command}`);
}

/**
 * @param {string} compiler
 * @param {{ file: string, command: string }[]} entries
 * @param {{ source: string, sanitizers: string }} program
 */
async function buildAndRun(compiler, entries, { source, sanitizers }) {
  const folder = at('build', 'sanitize', basename(source, '.cc'));
  mkdirSync(folder, { recursive: true });
  const flags = `-O1 -g -w -fsanitize=${sanitizers} -fno-sanitize-recover=all`;
  const objects = entries.map(({ file, command }) => ({
    command: `${command} ${flags}`,
    object: `${folder}/${basename(file, '.cc')}.o`,
  }));
  const { command } = entries.find(({ file }) => file.endsWith('dispatch.cc')) ?? { command: '' };
  const main = command.replace(/\S+dispatch\.cc"?$/, `"${at('test', 'native', source)}"`);
  objects.push({ command: `${main} ${flags}`, object: `${folder}/main.o` });
  for (const { command, object } of objects) await mustRun(`${command} -o "${object}"`);
  const linked = objects.map(({ object }) => `"${object}"`).join(' ');
  await mustRun(`"${compiler}" -fsanitize=${sanitizers} -pthread ${linked} -o "${folder}/program"`);
  console.log(`${source}, ${sanitizers}:`);
  await mustRun(`"${folder}/program"`);
}

const { compiler } = findToolchain();
if (process.platform === 'win32' || !compiler) throw new Error('sanitizers need gcc or clang');
mkdirSync(at('build'), { recursive: true });
const commands = await compileCommands(compiler, at('.stamps', 'compile-commands.log'));
if (!commands) throw new Error('node-gyp failed, see .stamps/compile-commands.log');
const entries = commands.filter(isWithoutNode);
for (const program of programs) await buildAndRun(compiler, entries, program);
