import type { RunHandle } from '../backend.js';

const NOTHING_DONE = { steps: 0, loss: 0, correct: 0, rows: 0 };

/** A run that begins when something is ready; until then the executor is at rest. */
export function deferRun<T>(ready: Promise<T>, begin: (ready: T) => RunHandle): RunHandle {
  let handle: RunHandle | null = null;
  let stopped = false;
  return {
    finished: ready.then((value) => {
      if (stopped) return 0;
      handle = begin(value);
      return handle.finished;
    }),
    progress: () => handle?.progress() ?? NOTHING_DONE,
    stop: () => {
      stopped = true;
      handle?.stop();
    },
    between: (body) => (handle ? handle.between(body) : body()),
  };
}
