/** Epochs a second, or as many as the machine can. */
export type Pace = 5 | 30 | 200 | 'full';

/** How far behind its time an epoch may be before the time is set anew, as after a while in a hidden tab. */
const MOST_BEHIND_MS = 500;

/** When epochs and reports are due, and how fast rows go through. */
export class Tempo {
  samplesPerSecond: number | null = null;
  #pace: Pace = 30;
  #due = 0;
  #reported = 0;
  /** Since when, and since which step, rows count for the speed. */
  #since = { time: 0, steps: 0 };

  get pace(): Pace {
    return this.#pace;
  }

  set pace(pace: Pace) {
    this.#pace = pace;
    this.#due = performance.now();
  }

  /** Training goes on after `steps` steps. */
  begin(steps: number): void {
    this.#since = { time: performance.now(), steps };
  }

  /** Takes the speed until now, after `steps` steps. */
  note(steps: number, rowsPerStep: number): void {
    const time = performance.now();
    const rows = (steps - this.#since.steps) * rowsPerStep;
    if (rows > 0) {
      const speed = (1000 * rows) / Math.max(0.1, time - this.#since.time);
      this.samplesPerSecond =
        this.samplesPerSecond === null ? speed : 0.8 * this.samplesPerSecond + 0.2 * speed;
    }
    this.#since = { time, steps };
  }

  /** Whether the last report that was due is `period` milliseconds ago; then this one is it. */
  isReportDue(period: number): boolean {
    const now = performance.now();
    if (now - this.#reported < period) return false;
    this.#reported = now;
    return true;
  }

  /** Resolves when the next epoch may begin. */
  async wait(): Promise<void> {
    if (this.#pace === 'full') return;
    const now = performance.now();
    this.#due = Math.max(this.#due + 1000 / this.#pace, now - MOST_BEHIND_MS);
    if (this.#due > now) await new Promise((resolve) => setTimeout(resolve, this.#due - now));
  }

  clear(): void {
    this.samplesPerSecond = null;
    this.#due = performance.now();
    this.#reported = 0;
  }
}
