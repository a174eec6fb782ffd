/** The script of a worker that works in the memory of the thread that made it. */
import { type Instance, instantiate } from '../module.js';
import { RunState, RunWord } from '../run-words.js';
import { serve } from './serve.js';

let shared: Instance | null = null;

serve(async (message, answer) => {
  if (message.kind === 'share') {
    const { module, memory, workspace, team, threads, thread } = message;
    shared = await instantiate(module, memory);
    shared.exports.useWorkspace(workspace);
    answer({ kind: 'ready' });
    if (thread === 0) shared.exports.leadTeam(team, threads);
    else shared.exports.help(team, threads, thread);
  } else if (message.kind === 'run') {
    if (shared) runToEnd(shared, message.words);
    answer({ kind: 'ran' });
  }
});

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
