// Brings a clone up to date: dependencies, WebAssembly modules, addon, dist/. Every step is skipped while the
// content of its inputs is what its stamp says. Node built-ins only.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { at, contentHash, run } from './lib.mjs';
import { addon, buildAddon, toolchainIdentity } from './native.mjs';

const failureStamp = at('.stamps', 'native-failure');
const lockFile = at('.stamps', 'lock');
const nativeLog = at('.stamps', 'native.log');

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} inputs files and folders
 * @property {string[]} [extra] other things the output depends on
 * @property {string} output
 * @property {() => Promise<boolean>} build whether it may be stamped as done; throws if setup cannot go on
 */

/** @type {Step[]} */
const steps = [
  {
    name: 'dependencies',
    inputs: ['package-lock.json'],
    output: at('node_modules', '.package-lock.json'),
    async build() {
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      const npm = process.env.npm_execpath;
      const { status } = npm?.endsWith('.js')
        ? await run(process.execPath, [npm, ...args])
        : await run('npm', args, { shell: process.platform === 'win32' });
      if (status !== 0) throw new Error('npm ci failed');
      return true;
    },
  },
  {
    name: 'native',
    inputs: ['native', 'binding.gyp', 'package-lock.json'],
    extra: [process.platform, process.arch],
    output: addon,
    build: buildNative,
  },
  {
    name: 'wasm',
    inputs: [
      'assembly',
      'src/opcodes.ts',
      'src/optimizer-scalars.ts',
      'src/backends/wasm/run-words.ts',
      'tools/build-wasm.mjs',
      'tools/module-patch.mjs',
      'package-lock.json',
    ],
    output: at('src', 'backends', 'wasm', 'module-basic.generated.ts'),
    async build() {
      const { status } = await run(process.execPath, [at('tools', 'build-wasm.mjs')]);
      if (status !== 0) throw new Error('the WebAssembly modules could not be built');
      return true;
    },
  },
  {
    name: 'worker',
    inputs: [
      ...['errors', 'opcodes', 'plan/encoding', 'backends/backend', 'backends/sliced-run', 'event-loop'],
      ...['copying', 'deferred-run', 'memory', 'module', 'plan-executor', 'rows', 'run-words'].map(
        (name) => `backends/wasm/${name}`,
      ),
    ]
      .map((name) => `src/${name}.ts`)
      .concat('src/backends/wasm/worker', 'tools/build-worker.mjs', 'package-lock.json'),
    output: at('src', 'backends', 'wasm', 'worker-own.generated.ts'),
    async build() {
      const { status } = await run(process.execPath, [at('tools', 'build-worker.mjs')]);
      if (status !== 0) throw new Error('the script of the workers could not be built');
      return true;
    },
  },
  {
    name: 'dist',
    inputs: ['src', 'package-lock.json', 'tools/build-dist.mjs'],
    output: at('dist', 'index.js'),
    async build() {
      const { status } = await run(process.execPath, [at('tools', 'build-dist.mjs')]);
      if (status !== 0) throw new Error('dist/ could not be built');
      return true;
    },
  },
  {
    name: 'types',
    inputs: ['src', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'tools/build-types.mjs'],
    output: at('dist', 'types', 'index.d.ts'),
    async build() {
      const { status } = await run(process.execPath, [at('tools', 'build-types.mjs')]);
      return status === 0;
    },
  },
];

async function buildNative() {
  const identity = contentHash(['native', 'binding.gyp', 'package-lock.json'], [toolchainIdentity()]);
  const known = existsSync(failureStamp) ? JSON.parse(readFileSync(failureStamp, 'utf8')) : undefined;
  const reason =
    known?.identity === identity
      ? known.reason
      : await buildAddon(at('node_modules', 'node-gyp', 'bin', 'node-gyp.js'), ['rebuild'], {
          log: nativeLog,
        });
  if (reason === undefined) {
    rmSync(failureStamp, { force: true });
    return true;
  }
  writeFileSync(failureStamp, JSON.stringify({ identity, reason }));
  console.error(`native backend not built: ${reason}; WebAssembly takes over`);
  return false;
}

/** @param {Step} step */
async function bringUpToDate({ name, inputs, extra, output, build }) {
  const stamp = at('.stamps', name);
  const hash = contentHash(inputs, extra);
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  rmSync(stamp, { force: true });
  const start = performance.now();
  if (!(await build())) return;
  writeFileSync(stamp, hash);
  console.log(`${name}: done in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** Whether this process got the lock file; one left behind by a process that has ended is removed. */
function tryLock() {
  try {
    writeFileSync(lockFile, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch {
    try {
      process.kill(Number(readFileSync(lockFile, 'utf8')), 0);
    } catch {
      rmSync(lockFile, { force: true });
    }
    return false;
  }
}

mkdirSync(at('.stamps'), { recursive: true });
while (!tryLock()) await sleep(100);
process.once('exit', () => rmSync(lockFile, { force: true }));
try {
  for (const step of steps) await bringUpToDate(step);
} catch (error) {
  console.error(`setup failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
