import type { Engine } from './engine.js';
import type { Capture, Job, JobMark, JobState } from './job.js';
import { ScalarCode } from './opcodes.js';
import type { PlateauState } from './plateau.js';

/** What a job and a copy of the state take, roughly, in nanoseconds. A copy comes out of the caches of another core. */
const OF_PRODUCT = 0.1;
const OF_STEP = 200;
const OF_JOB = 20_000;
const OF_NUMBER = 1;
const OF_COPY = 5_000;
/** A copy is made after so many times its time. */
const WORK_PER_COPY = 200;
/** Rows whose order is kept at most. */
const MOST_ROWS = 2 ** 18;

const NOTHING_DONE: JobMark = {
  done: 0,
  sums: new Float64Array(0),
  running: new Float64Array(ScalarCode.first_free),
};

/** A job, and what it began with besides the numbers of the engine. */
export interface Begun {
  readonly job: Job;
  readonly mark: JobMark;
  readonly rate: number;
  readonly plateau: PlateauState | null;
}

/** A state, and the jobs since. */
export interface JobRecord {
  readonly copy: Capture;
  readonly jobs: readonly Begun[];
}

/**
 * Keeps what gives the state before the job under way: a copy, made now and then so that it takes a hundredth of the time
 * at most, and the jobs since, which `stateBefore` runs again.
 */
export class JobJournal {
  readonly #engine: Engine;
  #copy: Capture | undefined;
  /** Of the engine, when it had done what the journal knows of. */
  #revision = -1;
  /** Jobs since the copy; the last one is under way. */
  #jobs: Begun[] = [];
  #work = 0;
  #rows = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A job begins. */
  begin(state: JobState): void {
    const engine = this.#engine;
    const { job } = state;
    const { plan, model, revision, plateau } = engine;
    const copyTime = OF_COPY + OF_NUMBER * plan.persistentLength;
    if (revision !== this.#revision || this.#work > WORK_PER_COPY * copyTime || this.#rows > MOST_ROWS) {
      // Fresh memory takes several times as long to fill as that of the journal before, which has ended.
      this.#copy = engine.capture(this.#copy ?? engine.spare?.deref());
      engine.spare = new WeakRef(this.#copy);
      this.#revision = revision;
      this.#jobs = [];
      this.#work = 0;
      this.#rows = 0;
    }
    const before = this.#jobs.at(-1);
    // The order of the job before is still there; its memory is used again for the job after this one.
    if (before) this.#jobs[this.#jobs.length - 1] = { ...before, job: withOwnOrder(before.job) };
    const mark = state.done === 0 ? NOTHING_DONE : state.mark;
    this.#jobs.push({ job, mark, plateau, rate: engine.executor.scalars[plan.learningRate] });
    const rows = job.epochs * job.rowsPerEpoch;
    this.#rows += rows;
    this.#work += OF_JOB + OF_STEP * state.steps + OF_PRODUCT * rows * model.parameterCount;
  }

  /** The copy and the jobs since, the one under way last. */
  get record(): JobRecord {
    return { copy: this.#copy as Capture, jobs: this.#jobs };
  }
}

const withOwnOrder = (job: Job): Job => ({ ...job, order: job.order === null ? null : job.order.slice() });
