/**
 * Whether steps are divided among threads, by what both ways take. The other processors may be busy with other
 * programs, or the system may keep threads together on one: then more threads are slower than one. So the way that is
 * not in use is tried now and then, for a few milliseconds between two measurements of the way that is, and taken if
 * it beats both. A trial takes a small part of the time, less while the outcome stays the same.
 */

/** In milliseconds. A scheduler takes some time to give a thread that begins to work a processor of its own. */
const WARM_UP: f64 = 20;
const WAKING: f64 = 8;
/** The first step of one thread finds numbers in the caches of others. */
const SETTLING: f64 = 0.2;
/** What is measured: so long and so many steps, or only long. */
const TRIAL: f64 = 3;
const TRIAL_STEPS: i32 = 3;
const LONG_TRIAL: f64 = 15;
/** How long the outcome of a trial is kept, four times as long if it stays the same; so many times the trial at least. */
const REST: f64 = 100;
const PATIENCE: f64 = 4;
const LONGEST_REST: f64 = 1600;
const REST_TRIALS: f64 = 16;
/** The other way must take so much less. */
const GAIN: f64 = 0.98;
/** Divided steps that take so much more than before are compared at once. */
const ALARM: f64 = 1.3;

enum Phase {
  resting,
  /** The way that is not in use is measured, and then again the one that is. */
  trying,
  comparing,
}

export class ThreadChoice {
  /** Whether the next step is to be divided. */
  static divides: bool = true;
  private static phase: Phase = Phase.resting;
  /** When the step under way began, and from when on steps are measured. */
  private static step_began: f64 = 0;
  private static counts_from: f64 = 0;
  /** Of the steps measured in this phase: how many, and their time. */
  private static steps: i32 = 0;
  private static time: f64 = 0;
  /** Time of a step: before the trial, of divided steps after the last one, and of the way tried. */
  private static before: f64 = 0;
  private static settled: f64 = 0;
  private static tried: f64 = 0;
  /** Of the last trial of the other way. */
  private static trial_began: f64 = 0;
  private static trial_took: f64 = 0;
  private static rest_until: f64 = 0;
  private static rest: f64 = REST;

  /** Steps are divided for the first time, or of another kind from now on; what was measured of others says nothing. */
  static begin(warm_up: bool): void {
    const time = performance.now();
    if (ThreadChoice.phase === Phase.trying) ThreadChoice.divides = !ThreadChoice.divides;
    ThreadChoice.phase = Phase.resting;
    ThreadChoice.settled = 0;
    ThreadChoice.step_began = time;
    ThreadChoice.count_from(time + (warm_up ? WARM_UP : SETTLING));
  }

  /** Steps go on after something else. */
  static resume(): void {
    ThreadChoice.step_began = performance.now();
  }

  /** A step has ended; whether it was as long as most are. */
  static end_step(is_whole: bool): void {
    const time = performance.now();
    const began = ThreadChoice.step_began;
    ThreadChoice.step_began = time;
    if (!is_whole || began < ThreadChoice.counts_from) return;
    ThreadChoice.steps++;
    ThreadChoice.time += time - began;
    if (ThreadChoice.time < TRIAL) return;
    if (ThreadChoice.steps < TRIAL_STEPS && ThreadChoice.time < LONG_TRIAL) return;
    ThreadChoice.end_phase(time, ThreadChoice.time / ThreadChoice.steps);
  }

  private static count_from(time: f64): void {
    ThreadChoice.counts_from = time;
    ThreadChoice.steps = 0;
    ThreadChoice.time = 0;
  }

  private static end_phase(time: f64, mean: f64): void {
    switch (ThreadChoice.phase) {
      case Phase.resting: {
        const settled = ThreadChoice.settled;
        const alarms = ThreadChoice.divides && settled > 0 && mean > ALARM * settled;
        if (time < ThreadChoice.rest_until && !alarms) {
          ThreadChoice.count_from(time);
          break;
        }
        if (alarms) ThreadChoice.rest = REST;
        ThreadChoice.before = mean;
        ThreadChoice.trial_began = time;
        ThreadChoice.change(Phase.trying, time, mean);
        break;
      }
      case Phase.trying:
        ThreadChoice.tried = mean;
        ThreadChoice.trial_took = time - ThreadChoice.trial_began;
        ThreadChoice.change(Phase.comparing, time, mean);
        break;
      case Phase.comparing:
        ThreadChoice.settle(time, min(mean, ThreadChoice.before));
        break;
    }
  }

  /** Goes over to the other way. */
  private static change(phase: Phase, time: f64, step: f64): void {
    ThreadChoice.phase = phase;
    ThreadChoice.divides = !ThreadChoice.divides;
    const delay = ThreadChoice.divides ? WAKING : SETTLING;
    // A long step shows the difference all the same.
    ThreadChoice.count_from(step >= (ThreadChoice.divides ? LONG_TRIAL : TRIAL) ? time : time + delay);
  }

  /** Keeps the faster way for a while. `used` is the time of a step of the way in use. */
  private static settle(time: f64, used: f64): void {
    const tried = ThreadChoice.tried;
    const changes = tried < GAIN * used;
    ThreadChoice.settled = changes ? tried : used;
    ThreadChoice.phase = Phase.resting;
    ThreadChoice.rest = changes ? REST : min(LONGEST_REST, PATIENCE * ThreadChoice.rest);
    ThreadChoice.rest_until = time + max(ThreadChoice.rest, REST_TRIALS * ThreadChoice.trial_took);
    if (changes) ThreadChoice.change(Phase.resting, time, used);
    else ThreadChoice.count_from(time);
  }
}
