/**
 * Other libraries as contenders, each in a process of its own.
 *
 * A peer says who it is, `{ ok, version }` or `{ ok: false, error }`, then answers one line of JSON
 * with one line:
 *
 *     { cmd: 'prepare', case }  ->  { ok: true, check: { before, after } }
 *     { cmd: 'run', steps }     ->  { ok: true, seconds }
 *
 * `before` and `after` are the mean loss over all rows of the case, before any step and after
 * `checkSteps`. Step i trains on batch i mod (rows / batch). Each run starts from the weights of the
 * case, set before the clock starts, so that contenders train alike however many steps they take.
 *
 * `case.file` holds little-endian float32 values: per layer weights (units x inputs) and biases
 * (units), then inputs (rows x inputs), then targets (rows x outputs, or one label per row).
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { findPythonWith } from './peers/python.mjs';
import { type Check, checkSteps, type StepCase } from './step-cases.js';

export const peerNames = ['torch', 'tfjs'] as const;
export type PeerName = (typeof peerNames)[number];

interface Answer {
  ok: boolean;
  error?: string;
  version?: string;
  check?: Check;
  seconds?: number;
}

const setup = 'node bench/peers/setup.mjs';

function path(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
}

function commandOf(name: PeerName): [command: string, script: string] {
  if (name === 'torch') {
    const python = findPythonWith('torch');
    if (python === undefined) throw new Error(`no Python with PyTorch: run ${setup} --install`);
    return [python, path('torch_peer.py')];
  }
  if (!existsSync(path('node_modules/@tensorflow/tfjs'))) throw new Error(`not installed: run ${setup}`);
  return [process.execPath, path('tfjs_peer.mjs')];
}

/** One thread for every numerical library, and OpenBLAS free to choose its kernels. */
function environment(): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...inherited } = process.env;
  const threads = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'BLIS_NUM_THREADS', 'MKL_NUM_THREADS'];
  return { ...inherited, ...Object.fromEntries(threads.map((name) => [name, '1'])) };
}

export class Peer {
  #child: ChildProcessWithoutNullStreams;
  #answers: AsyncIterator<string>;
  #stderr = '';
  #version = '';

  /** Starts a peer; throws with the reason when it is missing or refuses to run. */
  static async start(name: PeerName): Promise<Peer> {
    const [command, script] = commandOf(name);
    const peer = new Peer(name, command, script);
    peer.#version = (await peer.#receive()).version!;
    return peer;
  }

  private constructor(
    readonly name: PeerName,
    command: string,
    script: string,
  ) {
    this.#child = spawn(command, [script], { env: environment() });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2000);
    });
    // A peer that died is reported by the answer that does not come.
    this.#child.on('error', (error) => {
      this.#stderr += error.message;
    });
    this.#child.stdin.on('error', (error) => {
      this.#stderr += error.message;
    });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Library and version, with what it computes on. */
  get version(): string {
    return this.#version;
  }

  async prepare(stepCase: StepCase, file: string): Promise<Check> {
    const withFile = { ...stepCase, file, checkSteps: checkSteps(stepCase) };
    return (await this.#ask({ cmd: 'prepare', case: withFile })).check!;
  }

  async run(steps: number): Promise<number> {
    return (await this.#ask({ cmd: 'run', steps })).seconds!;
  }

  close(): void {
    this.#child.stdin.end();
  }

  #ask(message: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    return this.#receive();
  }

  async #receive(): Promise<Answer> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.name} ended: ${this.#stderr.trim()}`);
    const answer: Answer = JSON.parse(value);
    if (!answer.ok) throw new Error(answer.error);
    return answer;
  }
}
