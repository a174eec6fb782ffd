// Helpers of the scripts in this folder. Node built-ins only: setup.mjs runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {...string} parts path below the repository's root */
export function at(...parts) {
  return join(root, ...parts);
}

/**
 * Every file at or below `path` (relative to the root) in a fixed order; nothing if it does not exist.
 * @param {string} path
 * @returns {string[]}
 */
export function filesUnder(path) {
  const stats = statSync(at(path), { throwIfNoEntry: false });
  if (!stats) return [];
  if (stats.isFile()) return [path];
  return readdirSync(at(path))
    .sort()
    .filter((name) => name !== 'node_modules')
    .flatMap((name) => filesUnder(join(path, name)));
}

/**
 * Hash of the names and contents of files and folders, and of `extra`.
 * @param {string[]} paths relative to the root
 * @param {string[]} [extra]
 */
export function contentHash(paths, extra = []) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(filesUnder)) {
    hash
      .update(`${file.split(sep).join('/')}\0`)
      .update(readFileSync(at(file)))
      .update('\0');
  }
  return hash.update(JSON.stringify(extra)).digest('hex');
}

/** Signals that end this process and the child it waits for. */
const interruptions = /** @type {const} */ (['SIGINT', 'SIGTERM']);

/**
 * Runs a program at the root and waits for it. An interruption is passed on, and ends this process after the child;
 * a second one ends it at once.
 * @param {string} command
 * @param {string[]} args
 * @param {{ log?: string, capture?: boolean, env?: NodeJS.ProcessEnv, cwd?: string, shell?: boolean, timeout?: number }} [options]
 *   `log` writes both output streams to that file, `capture` returns them; otherwise they are inherited
 * @returns {Promise<{ status: number | null, output: string }>} `status` is null if the program could not start
 */
export function run(command, args, { log, capture, env, cwd = root, shell, timeout } = {}) {
  const file = log === undefined ? undefined : openSync(log, 'w');
  const stream = file ?? (capture ? 'pipe' : 'inherit');
  // A process group of its own, where there are such, lets an interruption reach the child's children as well.
  const detached = process.platform !== 'win32';
  const child = spawn(command, args, {
    cwd,
    env,
    shell,
    timeout,
    detached,
    stdio: ['ignore', stream, stream],
  });
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output += chunk;
  });
  /** @param {NodeJS.Signals} signal */
  const kill = (signal) => {
    try {
      if (detached && child.pid) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // It has ended meanwhile.
    }
  };
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    child.once('close', () => process.exit(130));
    kill(signal);
  };
  for (const signal of interruptions) process.once(signal, stop);
  const limit = timeout === undefined ? undefined : setTimeout(() => kill('SIGTERM'), timeout);
  return new Promise((resolve) => {
    /** @param {number | null} status */
    const finish = (status) => {
      for (const signal of interruptions) process.off(signal, stop);
      clearTimeout(limit);
      if (file !== undefined) closeSync(file);
      resolve({ status, output });
    };
    child.once('error', (error) => {
      output += error.message;
      finish(null);
    });
    child.once('close', (status) => finish(status ?? 1));
  });
}

/**
 * Runs a command of an installed package with this Node.
 * @param {string} script path below node_modules
 * @param {string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export function runPackage(script, args, options) {
  return run(process.execPath, [at('node_modules', script), ...args], options);
}
