// Building the addon, for setup.mjs (in a clone) and install.mjs (in the published package). Node built-ins only.
import { accessSync, constants, existsSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { at, run } from './lib.mjs';

export const addon = at('build', 'Release', 'fastmlp_native.node');

/**
 * Absolute path of the first of these programs on PATH.
 * @param {string[]} names
 */
export function findProgram(names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // Not in this folder: the next one is asked.
      }
    }
  }
  return undefined;
}

/** What node-gyp needs besides Node. On Windows it finds Visual Studio and Python by itself. */
export function findToolchain() {
  if (process.platform === 'win32') return { compiler: 'msvc', make: 'msbuild', python: 'py' };
  return {
    compiler: process.env.CXX ?? findProgram(['g++', 'clang++', 'c++']),
    make: process.env.MAKE ?? findProgram(['make', 'gmake']),
    python: process.env.PYTHON ?? findProgram(['python3', 'python']),
  };
}

/** Changes when a program of the toolchain appears, disappears or is replaced. */
export function toolchainIdentity() {
  const programs = Object.values(findToolchain()).map((path) => {
    if (path === undefined || !existsSync(path)) return `${path}`;
    const target = realpathSync(path);
    return `${target} ${statSync(target).mtimeMs}`;
  });
  return [process.platform, process.arch, process.version, ...programs].join('\n');
}

/** Folder with the headers of exactly this Node, if it was installed with them; saves node-gyp a download. */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1],
  );
  return version.join('.') === process.versions.node ? prefix : undefined;
}

/**
 * Runs node-gyp with the headers of this Node.
 * @param {string} nodeGyp node-gyp's script
 * @param {string[]} args
 * @param {{ log: string, timeout?: number }} options
 */
export function runNodeGyp(nodeGyp, args, options) {
  const headers = nodeHeaders();
  const { compiler } = findToolchain();
  const env = { ...process.env };
  if (compiler?.endsWith('clang++') && !env.CXX) {
    env.CXX = compiler;
    env.CC = compiler.slice(0, -2);
  }
  const location = headers ? [`--nodedir=${headers}`] : [];
  return run(process.execPath, [nodeGyp, ...location, ...args], { ...options, env });
}

/**
 * Builds the addon; a stale one never survives a failure.
 * @param {string} nodeGyp node-gyp's script
 * @param {string[]} commands of node-gyp
 * @param {{ log: string, timeout?: number }} options
 * @returns {Promise<string | undefined>} why it could not be built
 */
export async function buildAddon(nodeGyp, commands, options) {
  rmSync(addon, { force: true });
  const { compiler, make, python } = findToolchain();
  const missing = [!compiler && 'C++ compiler', !make && 'make', !python && 'python3'].filter(Boolean);
  if (missing.length > 0) return `no ${missing.join(' and no ')} found (install python3, make and g++)`;
  const { status } = await runNodeGyp(nodeGyp, [...commands, '-j', 'max'], options);
  if (status === 0 && existsSync(addon)) return undefined;
  rmSync(addon, { force: true });
  return `the build failed (log: ${options.log})`;
}

/**
 * The command that compiles each source of binding.gyp, without its `-o`.
 * @param {string} compiler
 * @param {string} log
 * @param {string} [arch] as Node names it, where the compiler is one for another processor
 * @returns {Promise<{ file: string, command: string }[] | undefined>} nothing if node-gyp failed; see the log
 */
export async function compileCommands(compiler, log, arch = process.arch) {
  const nodeGyp = at('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const args = ['configure', `--arch=${arch}`, '--', '-f', 'compile_commands_json'];
  const { status } = await runNodeGyp(nodeGyp, args, { log });
  if (status !== 0) return undefined;
  /** @type {{ file: string, command: string }[]} */
  const entries = JSON.parse(readFileSync(at('build', 'Release', 'compile_commands.json'), 'utf8'));
  return entries.map(({ file, command }) => ({ file, command: command.replace(/^\S+/, `"${compiler}"`) }));
}
