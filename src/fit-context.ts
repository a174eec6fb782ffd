import type { CallbackReason, FitContext } from './callbacks/callback.js';
import { fact, stateError } from './errors.js';
import type { FitHost } from './fit.js';
import type { SaveTarget } from './model-storage.js';
import { restoreSnapshot, takeSnapshot } from './snapshot.js';

/** What a kind of run knows of itself. */
export interface RunView {
  epoch(): number;
  step(): number;
  seconds(): number;
  readonly isResumed: boolean;
  stop(reason: CallbackReason): void;
  save(target: SaveTarget): void;
}

/** A run as callbacks see it. */
export function contextOf({ trainer, engine }: FitHost, run: RunView): FitContext {
  return {
    trainer,
    get epoch() {
      return run.epoch();
    },
    get step() {
      return run.step();
    },
    get learningRate() {
      return engine.learningRate;
    },
    get seconds() {
      return run.seconds();
    },
    isResumed: run.isResumed,
    stop: (reason = 'stopped') => run.stop(reason),
    snapshot: () => engine.atRest(() => takeSnapshot(engine)),
    restore: (snapshot) => {
      const action = 'Cannot restore snapshot';
      if (engine.isRunning) throw stateError(action, 'no step may be running', fact('a call in mid-epoch'));
      restoreSnapshot(action, engine, snapshot);
    },
    save: (target) => run.save(target),
  };
}
