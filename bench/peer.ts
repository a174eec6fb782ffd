/**
 * Other programs as contenders, each in a process of its own that answers one line with one line of JSON.
 *
 * The first line, sent unasked, says who it is, `{ ok, version }`, or why it cannot run, `{ ok: false, error }`.
 * Scripts take their commands as JSON, programs in C as words; what they are is described where they are asked.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildProgram } from './peers/programs.mjs';
import { findPythonWith } from './peers/python.mjs';

/** What a peer says; each command fills the fields it is about. */
export interface Answer {
  ok: boolean;
  error?: string;
  version?: string;
  /** Mean loss over all rows, before and after training some steps. */
  check?: { before: number; after: number };
  seconds?: number;
  /** Numbers that were computed. */
  values?: number[];
  /** Floating-point operations of one repeat. */
  flop?: number;
}

const setup = 'node bench/peers/setup.mjs';

function path(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}`, import.meta.url));
}

function script(name: string, packageName: string, ...args: string[]): string[] {
  if (!existsSync(path(`node_modules/${packageName}`))) throw new Error(`not installed: run ${setup}`);
  return [process.execPath, path(name), ...args];
}

/** How each peer is started. */
const commands = {
  torch() {
    const python = findPythonWith('torch');
    if (python === undefined) throw new Error(`no Python with PyTorch: run ${setup} --install`);
    return [python, path('torch_peer.py')];
  },
  tfjs: () => script('tfjs_peer.mjs', '@tensorflow/tfjs'),
  fann: () => [buildProgram('fann')],
  openblas: () => [buildProgram('openblas')],
  'onnxruntime-node': () => script('onnx_peer.mjs', 'onnxruntime-node', 'onnxruntime-node'),
  'onnxruntime-web': () => script('onnx_peer.mjs', 'onnxruntime-web', 'onnxruntime-web'),
};

export type PeerName = keyof typeof commands;

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
  static start(name: PeerName): Promise<Peer> {
    return Peer.startCommand(name, commands[name]());
  }

  static async startCommand(name: string, [command, ...args]: string[]): Promise<Peer> {
    const peer = new Peer(name, command, args);
    peer.#version = (await peer.#receive()).version!;
    return peer;
  }

  private constructor(
    readonly name: string,
    command: string,
    args: string[],
  ) {
    this.#child = spawn(command, args, { env: environment() });
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

  ask(message: object | string): Promise<Answer> {
    this.#child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
    return this.#receive();
  }

  /** The seconds that `repeats` of what is prepared take. */
  async run(repeats: number): Promise<number> {
    return (await this.ask(this.#speaksWords() ? `run ${repeats}` : { cmd: 'run', repeats })).seconds!;
  }

  close(): void {
    this.#child.stdin.end();
  }

  #speaksWords(): boolean {
    return !['torch', 'tfjs', 'onnxruntime-node', 'onnxruntime-web'].includes(this.name);
  }

  async #receive(): Promise<Answer> {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`${this.name} ended: ${this.#stderr.trim()}`);
    const answer: Answer = JSON.parse(value);
    if (!answer.ok) throw new Error(answer.error);
    return answer;
  }
}
