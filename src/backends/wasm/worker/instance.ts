import { type Instance, instantiate } from '../module.js';
import { RunState, RunWord } from '../run-words.js';
import type { FromWorker, ToWorker } from './messages.js';
import { OwnExecutor } from './own-executor.js';

/** What a worker does with the messages it gets. */
export class WorkerInstance {
  readonly #answer: (message: FromWorker, transfer?: Transferable[]) => void;
  /** The first message decides which of the two there is. */
  #shared: Instance | null = null;
  #own: OwnExecutor | null = null;

  constructor(answer: (message: FromWorker, transfer?: Transferable[]) => void) {
    this.#answer = answer;
  }

  async receive(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'share':
        await this.#join(message);
        break;
      case 'run':
        if (this.#shared) runToEnd(this.#shared, message.words);
        this.#answer({ kind: 'ran' });
        break;
      case 'own':
        this.#own = await OwnExecutor.create(message, this.#answer);
        this.#answer({ kind: 'ready' });
        break;
      case 'dataset':
        this.#own?.addDataset(message);
        break;
      case 'forget':
        this.#own?.forgetDataset(message);
        break;
      case 'start':
        await this.#own?.start(message);
        break;
      case 'change':
        this.#own?.change(message.change);
        break;
      case 'stop':
        this.#own?.stop();
        break;
    }
  }

  async #join(message: Extract<ToWorker, { kind: 'share' }>): Promise<void> {
    const { module, memory, workspace, team, threads, thread } = message;
    const shared = await instantiate(module, memory);
    shared.exports.useWorkspace(workspace);
    this.#shared = shared;
    this.#answer({ kind: 'ready' });
    if (thread === 0) shared.exports.leadTeam(team, threads);
    else shared.exports.help(team, threads, thread);
  }
}

function runToEnd({ exports, memory }: Instance, words: number): void {
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
