import { instantiate, type ModuleExports } from '../module.js';
import { RunState, RunWord } from '../run-words.js';
import type { FromWorker, ToWorker } from './messages.js';

/** What a worker does with the messages it gets. */
export class WorkerInstance {
  readonly #answer: (message: FromWorker, transfer?: Transferable[]) => void;
  #shared: { readonly exports: ModuleExports; readonly memory: WebAssembly.Memory } | null = null;

  constructor(answer: (message: FromWorker, transfer?: Transferable[]) => void) {
    this.#answer = answer;
  }

  async receive(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'share': {
        const { exports } = await instantiate(message.module, message.memory);
        exports.useWorkspace(message.workspace);
        this.#shared = { exports, memory: message.memory };
        this.#answer({ kind: 'ready' });
        break;
      }
      case 'run':
        this.#runShared(message.words);
        this.#answer({ kind: 'ran' });
        break;
    }
  }

  #runShared(words: number): void {
    if (!this.#shared) throw new Error('a run needs a memory');
    const { exports, memory } = this.#shared;
    try {
      exports.runToEnd(words);
    } finally {
      // A caller that waits for a step to end must not wait for one that failed.
      const view = new Int32Array(memory.buffer);
      const state = words / Int32Array.BYTES_PER_ELEMENT + RunWord.state;
      Atomics.store(view, state, RunState.resting);
      Atomics.notify(view, state);
    }
  }
}
