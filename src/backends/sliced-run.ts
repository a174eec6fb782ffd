import { yieldToEventLoop } from '../event-loop.js';
import { ScalarCode } from '../opcodes.js';
import type { Run, RunHandle, RunProgress } from './backend.js';

/** Time a slice aims at; the event loop gets its turn in between. */
const SLICE_MS = 6;

/** Runs steps in slices of a few milliseconds, for executors that compute on this thread. `onSlice` follows each. */
export function startSliced(
  run: Run,
  scalars: () => Float64Array,
  runSteps: (firstStep: number, steps: number) => void,
  onSlice: (progress: RunProgress) => void = () => {},
): RunHandle {
  let done = 0;
  let stopped = false;
  const progress = (): RunProgress => {
    const now = scalars();
    return {
      steps: done,
      loss: now[ScalarCode.loss],
      correct: now[ScalarCode.correct],
      rows: now[ScalarCode.rows],
    };
  };

  const loop = async (): Promise<number> => {
    let stepsASlice = 1;
    while (done < run.steps && !stopped) {
      const began = performance.now();
      do {
        const steps = Math.min(stepsASlice, run.steps - done);
        const before = performance.now();
        runSteps(run.firstStep + done, steps);
        done += steps;
        const elapsed = performance.now() - before;
        if (elapsed < SLICE_MS / 4) stepsASlice *= 2;
        else if (elapsed > SLICE_MS / 2) stepsASlice = Math.max(1, stepsASlice >> 1);
      } while (done < run.steps && performance.now() - began < SLICE_MS / 2);
      onSlice(progress());
      await yieldToEventLoop();
    }
    return done;
  };

  return {
    finished: loop(),
    progress,
    stop: () => {
      stopped = true;
    },
    between: (body) => body(),
  };
}
