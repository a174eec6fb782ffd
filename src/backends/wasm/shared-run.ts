import type { RunHandle, RunProgress } from '../backend.js';
import type { LinearMemory, Region } from './memory.js';
import { RunNumber, RunRequest, RunState, RunWord } from './run-words.js';
import type { WorkerClient } from './worker/client.js';

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const SCALAR_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** Whether this thread may block; the main thread of a browser may not. */
const mayWait = (): boolean => {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(WORD_BYTES)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
};

interface SharedRunEvents {
  /** The run goes on after a halt. */
  resume(): void;
  /** The run touches nothing any more, after so many steps. */
  end(steps: number): void;
  /** The worker has failed. */
  failed(): void;
}

/** A run in a worker that works in the memory of the caller, and how the caller talks to it through its words. */
export class SharedRun implements RunHandle {
  readonly finished: Promise<number>;
  readonly #memory: LinearMemory;
  readonly #steps: number;
  /** Index of the first of the run's words. */
  readonly #words: number;
  readonly #resume: () => void;
  readonly #mayWait = mayWait();
  #last: RunProgress = { steps: 0, loss: 0, correct: 0, rows: 0 };
  #halts = 0;
  #ended = false;

  /** Starts a run of `steps` steps that `words` tell of. */
  constructor(
    memory: LinearMemory,
    words: Region,
    steps: number,
    worker: WorkerClient,
    { resume, end, failed }: SharedRunEvents,
  ) {
    this.#memory = memory;
    this.#words = words.address / WORD_BYTES;
    this.#steps = steps;
    this.#resume = resume;
    memory.views.f64[this.#numbers + RunNumber.steps] = steps;
    // The first report is of the beginning.
    this.#request(RunRequest.report);
    const ran = worker.ask({ kind: 'run', words: words.address }, ({ kind }) => kind === 'ran');
    ran.catch(failed);
    this.finished = ran
      .finally(() => {
        this.#last = this.#report();
        this.#ended = true;
        end(this.#last.steps);
      })
      .then(() => this.#last.steps);
  }

  progress(): RunProgress {
    if (!this.#ended) {
      this.#last = this.#report();
      this.#request(RunRequest.report);
    }
    return this.#last;
  }

  stop(): void {
    if (!this.#ended) this.#request(RunRequest.stop);
  }

  between<T>(body: () => T): T {
    if (this.#ended) return body();
    if (this.#halts++ === 0) this.#halt();
    try {
      return body();
    } finally {
      if (--this.#halts === 0) {
        this.#resume();
        const { i32 } = this.#memory.views;
        Atomics.and(i32, this.#words + RunWord.requests, ~RunRequest.halt);
        Atomics.notify(i32, this.#words + RunWord.requests);
      }
    }
  }

  /** Returns when no step is running: at once, or after the one under way. */
  #halt(): void {
    this.#request(RunRequest.halt);
    const { i32 } = this.#memory.views;
    const state = this.#words + RunWord.state;
    while (Atomics.load(i32, state) === RunState.running) {
      if (this.#mayWait) Atomics.wait(i32, state, RunState.running);
    }
  }

  #request(bit: RunRequest): void {
    const { i32 } = this.#memory.views;
    Atomics.or(i32, this.#words + RunWord.requests, bit);
  }

  /** What the run reported last. */
  #report(): RunProgress {
    const { i32, f64 } = this.#memory.views;
    const version = this.#words + RunWord.version;
    for (;;) {
      const before = Atomics.load(i32, version);
      const [left, loss, correct, rows] = f64.subarray(this.#numbers, this.#numbers + 4);
      if (before % 2 === 0 && Atomics.load(i32, version) === before) {
        return { steps: this.#steps - left, loss, correct, rows };
      }
    }
  }

  /** Index of the first of the run's numbers. */
  get #numbers(): number {
    return ((this.#words + RunWord.numbers) * WORD_BYTES) / SCALAR_BYTES;
  }
}
