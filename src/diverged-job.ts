import type { Dataset } from './backends/backend.js';
import { type Good, type Guard, goodOf } from './divergence.js';
import { Search } from './divergence-search.js';
import type { Engine } from './engine.js';
import type { JobOptions, JobState } from './job.js';
import { stateBefore } from './job-again.js';
import type { JobControl } from './job-control.js';
import type { JobRecord } from './job-journal.js';

/** How often a policy is tried on the same job before the run ends. */
const MAXIMUM_IN_A_JOB = 40;

/** A job in which a divergence may have begun, and what the policy of its guard makes of it. Loaded when there is one. */
export class DivergedJob {
  readonly #engine: Engine;
  readonly #search: Search;
  #tries = 0;
  /** The state before the job, and a later one from which on is searched. */
  #first: Good | null = null;
  #from: Good | null = null;
  #isGrowing = false;

  constructor(
    readonly guard: Guard,
    readonly record: JobRecord,
    readonly state: JobState,
    readonly epoch: number,
    readonly dataset: Dataset,
    readonly options: JobOptions & { readonly control: JobControl },
  ) {
    const { control } = options;
    this.#engine = guard.engine;
    this.#search = new Search(guard, { state, dataset, control });
  }

  /** How the job is cut from now on. */
  get parts(): Pick<JobOptions, 'partSteps'> {
    return this.#isGrowing ? { partSteps: growing(this.options.partSteps) } : {};
  }

  /**
   * Looks for the step, and does as the policy says.
   *
   * @param end the state in which the job rests
   * @param isBad whether a number is not finite there
   * @returns whether the run has diverged and is to end; null where the job is to go on
   */
  async handle(end: Good, isBad: boolean): Promise<boolean | null> {
    const { guard, record, state, epoch, dataset, options } = this;
    const { control } = options;
    const engine = this.#engine;
    const search = this.#search;
    this.#from ??= await stateBefore(engine, record, dataset, control);
    this.#first ??= this.#from;
    const { good, explosion } = await search.find(this.#from, isBad);
    if (!good) {
      engine.restore(end.capture);
      state.assign(end.mark);
    }
    if (!isBad && !explosion) {
      // Losses rose, but not by a gradient out of all proportion.
      guard.accept(state);
      await options.partEnded?.(state);
      if (state.done === state.steps || control.isStopped) return false;
      this.#from = end;
      return null;
    }
    const rate = engine.learningRate;
    const step = good ? good.mark.done : Math.max(0, state.done - 1);
    const facts = { learningRate: rate, explosion, count: (guard.last?.count ?? 0) + 1 };
    guard.last = search.explain(step, epoch, facts, good !== null);
    if (good) state.assign(good.mark);
    if (!good || control.isStopped || guard.policy === 'stop' || this.#tries++ === MAXIMUM_IN_A_JOB)
      return true;
    if (guard.policy === 'skip') state.skip();
    else {
      engine.restore(this.#first.capture);
      state.assign(this.#first.mark);
      // Of a schedule of steps, this rate is what remains.
      engine.lowerLearningRate(rate / 2);
    }
    this.#from = goodOf(engine, state);
    this.#isGrowing = true;
    return null;
  }
}

/**
 * Parts twice as long each time: after a divergence the next is likely near, and no more is run in vain than has been
 * run before.
 */
function growing(partSteps: JobOptions['partSteps']): (done: number) => number {
  let part = 0.5;
  return (done) => {
    part *= 2;
    return Math.min(part, partSteps?.(done) ?? part);
  };
}
