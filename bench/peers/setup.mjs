/**
 * Installs the libraries that fastmlp is timed against.
 *
 *     node bench/peers/setup.mjs              npm peers; says which system peers are missing
 *     node bench/peers/setup.mjs --install    system peers too, with apt-get, as root
 *
 * A missing peer is not an error: the bench runs with those that are there.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildProgram } from './programs.mjs';
import { findPythonWith } from './python.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** @param {Parameters<typeof buildProgram>[0]} name */
function buildProblem(name) {
  try {
    buildProgram(name);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Each `problem` returns why the peer cannot be timed, or undefined. */
const systemPeers = [
  {
    name: 'PyTorch',
    packages: ['python3-torch', 'libopenblas0-pthread'],
    elsewhere: 'pip install torch',
    problem() {
      const python = findPythonWith('torch');
      if (python === undefined) return 'no Python with PyTorch';
      // With nothing to do the peer says whether it would run, then ends.
      const peer = spawnSync(python, [join(here, 'torch_peer.py')], { input: '', encoding: 'utf8' });
      if (peer.status !== 0) return peer.stderr.trim();
      return JSON.parse(peer.stdout).error;
    },
  },
  {
    name: 'OpenBLAS',
    packages: ['gcc', 'libopenblas-dev'],
    elsewhere: 'https://www.openblas.net',
    problem: () => buildProblem('openblas'),
  },
  {
    name: 'FANN',
    packages: ['gcc', 'libfann-dev'],
    elsewhere: 'https://github.com/libfann/fann',
    problem: () => buildProblem('fann'),
  },
];

/** @param {string} command @param {string[]} args */
function run(command, args) {
  // npm is a script on Windows, which only a shell starts.
  const { status, error } = spawnSync(command, args, {
    cwd: here,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? status}`);
}

function npmPeersAreCurrent() {
  const installed = join(here, 'node_modules', '.package-lock.json');
  const wanted = join(here, 'package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs;
}

const { values } = parseArgs({ options: { install: { type: 'boolean', default: false } } });

if (!npmPeersAreCurrent()) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
console.log('TensorFlow.js, onnxruntime-node, onnxruntime-web: installed');

for (const { name, packages, elsewhere, problem } of systemPeers) {
  let missing = problem();
  if (missing !== undefined && values.install) {
    run('apt-get', ['install', '-y', ...packages]);
    missing = problem();
  }
  console.log(
    missing === undefined
      ? `${name}: installed`
      : `${name}: missing (${missing})\n  Debian, Ubuntu: apt-get install ${packages.join(' ')}\n  elsewhere: ${elsewhere}`,
  );
}
