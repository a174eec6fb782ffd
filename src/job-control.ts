import type { RunHandle, RunProgress } from './backends/backend.js';

/** Ends, pauses and resumes, from outside, jobs that run one after the other. */
export class JobControl {
  #handle: RunHandle | null = null;
  #firstStep = 0;
  #isStopped = false;
  #pause: { readonly ended: Promise<void>; readonly end: () => void } | null = null;

  get isStopped(): boolean {
    return this.#isStopped;
  }

  get isPaused(): boolean {
    return this.#pause !== null;
  }

  /** Ends the job under way at its next step, paused or not, and those after it before their first. */
  stop(): void {
    this.#isStopped = true;
    this.#handle?.stop();
    this.resume();
  }

  /** Ends the run of the job under way at its next step. */
  interrupt(): void {
    this.#handle?.stop();
  }

  /** Lets no further step begin until `resume`. Resolves when none is running. */
  async pause(): Promise<void> {
    if (this.#pause === null) {
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      this.#pause = { ended, end };
    }
    this.#handle?.stop();
    await this.#handle?.finished;
  }

  resume(): void {
    this.#pause?.end();
    this.#pause = null;
  }

  /** Resolves when there is no pause. */
  async resumed(): Promise<void> {
    while (this.#pause) await this.#pause.ended;
  }

  /** A run of the job, from step `firstStep` on, begins. */
  begin(handle: RunHandle, firstStep: number): void {
    this.#handle = handle;
    this.#firstStep = firstStep;
  }

  /** The run has ended. */
  end(): void {
    this.#handle = null;
  }

  /** Where the job stands; null between its runs. */
  progress(): RunProgress | null {
    if (!this.#handle) return null;
    const { steps, ...sums } = this.#handle.progress();
    return { steps: this.#firstStep + steps, ...sums };
  }
}
