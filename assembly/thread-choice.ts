/**
 * Whether the steps of a program are divided among threads, by what both ways take. The other processors may be busy
 * with other programs, or the system may keep threads together on one: then more threads are slower than one.
 *
 * Steps begin undivided, and an account of milliseconds, gained over one thread or lost, says what may be tried. A step
 * adds a part of what one thread takes for it, a divided one what it gained besides, up to a limit; a divided step that
 * takes longer takes off what it lost. Dividing ends where the account is overdrawn by more than a step takes, and than
 * the steps left in the run will add. So a run takes at most one hundredth and five milliseconds, or three steps, longer
 * than by one thread, and what the last divided step lost.
 */

/** In milliseconds, where nothing else is said. What a step adds to the account, of its time, and the most there is. */
const SHARE: f64 = 0.01;
const CREDIT: f64 = 5;
/** Or so many steps, of up to so long: one that is disturbed does not end what others gain by. */
const CREDIT_STEPS: f64 = 2;
const LONG_STEP: f64 = 15;
/** What there must be to try: enough to see the difference, or so many steps of one thread. */
const STAKE: f64 = 2;
const STAKE_STEPS: f64 = 2;
/** What is measured: so long and so many steps, or only long. */
const WINDOW: f64 = 3;
const WINDOW_STEPS: i32 = 3;
const LONG_WINDOW: f64 = 15;
/** A scheduler takes some time to give a thread that begins to work a processor of its own: how long, and how many windows. */
const TRIAL: f64 = 40;
const TRIAL_WINDOWS: i32 = 3;
/** How long an outcome is kept, so many times as long if it stays the same; dividing so many times the trial at least. */
const REST: f64 = 100;
const PATIENCE: f64 = 4;
const LONGEST_REST: f64 = 6400;
const REST_TRIALS: f64 = 40;
/** A divided step must take so much less. */
const GAIN: f64 = 0.97;
/** What one thread takes for a step may rise so much from one window to the next: a disturbed window says little. */
const RISE: f64 = 1.1;

enum Phase {
  alone,
  /** Divided, until a window of steps is fast enough. */
  trying,
  /** One thread is measured again. */
  comparing,
  divided,
}

/** For one program on batches of so many rows. Lies in memory that is zero at first. */
@unmanaged
export class ThreadChoice {
  program: usize;
  rows: i32;
  private phase: i32;
  /** Steps of the window, −1 if the first one is not to count, and their time. */
  private steps: i32;
  private time: f64;
  /** How often steps were measured in this phase. */
  private windows: i32;
  /** Whether the last trial came to dividing. */
  private outcome: bool;
  /** Time of a step by one thread, 0 until it is known, and of a divided one. */
  private alone: f64;
  private divided: f64;
  private account: f64;
  /** Since the last trial began, until the next one, and what that was when the outcome was found. */
  private trial: f64;
  private left: f64;
  private rest: f64;

  /** Whether the next step is to be divided. */
  get divides(): bool {
    return this.phase === Phase.trying || this.phase === Phase.divided;
  }

  /** A step took so many milliseconds; so many are left in the run. */
  took(time: f64, steps_left: i32): void {
    const alone = this.alone;
    const divides = this.divides;
    const step = min(LONG_STEP, alone);
    this.account = min(
      max(CREDIT, CREDIT_STEPS * step),
      this.account + SHARE * alone + (divides ? alone - time : 0),
    );
    this.trial += time;
    this.left -= time;
    const ahead = min(CREDIT, SHARE * alone * <f64>steps_left);
    if (divides && this.account < -max(step, ahead)) {
      this.settle(false);
      return;
    }
    this.steps++;
    // It finds numbers in the caches of others. A long step shows the difference all the same.
    if (this.steps === 0 && time < WINDOW) return;
    this.steps = max(this.steps, 1);
    this.time += time;
    if (this.time < WINDOW || (this.steps < WINDOW_STEPS && this.time < LONG_WINDOW)) return;
    this.windows++;
    const mean = this.time / <f64>this.steps;
    this.steps = 0;
    this.time = 0;
    this.end_window(mean, this.account + ahead);
  }

  private end_window(mean: f64, funds: f64): void {
    switch (this.phase) {
      case Phase.alone:
        this.learn(mean);
        if (this.left > 0 || funds < min(CREDIT, max(STAKE, STAKE_STEPS * this.alone))) break;
        this.trial = 0;
        this.change(Phase.trying);
        break;
      case Phase.trying:
        this.divided = mean;
        if (mean < GAIN * this.alone) this.change(Phase.comparing);
        else if (this.trial > TRIAL && this.windows >= TRIAL_WINDOWS) this.settle(false);
        break;
      case Phase.comparing:
        this.learn(mean);
        this.settle(this.divided < GAIN * this.alone);
        break;
      case Phase.divided:
        this.divided = mean;
        if (this.left > 0) break;
        this.trial = 0;
        this.change(Phase.comparing);
        break;
    }
  }

  private learn(mean: f64): void {
    this.alone = this.alone === 0 ? mean : min(mean, RISE * this.alone);
  }

  private settle(divides: bool): void {
    this.rest = divides === this.outcome ? min(LONGEST_REST, max(REST, PATIENCE * this.rest)) : REST;
    this.outcome = divides;
    this.left = divides ? max(this.rest, REST_TRIALS * this.trial) : this.rest;
    this.change(divides ? Phase.divided : Phase.alone);
  }

  private change(phase: Phase): void {
    this.phase = phase;
    this.windows = 0;
    this.steps = -1;
    this.time = 0;
  }
}
