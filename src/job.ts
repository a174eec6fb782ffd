import { type Numbers, type Run, stepsPerEpoch } from './backends/backend.js';
import type { JobControl } from './job-control.js';
import { ScalarCode } from './opcodes.js';
import type { ProgramName } from './plan/plan.js';
import type { PlateauState } from './plateau.js';
import type { LearningRate } from './schedules.js';

/** Epochs of one program over a dataset; see `Run`. */
export interface Job extends Pick<Run, 'rowsPerEpoch' | 'batchSize' | 'order'> {
  readonly program: ProgramName;
  readonly epochs: number;
  /** Batches whose gradients are added up for one optimizer step; default 1. */
  readonly accumulate?: number;
  /** Where to put the metric scalars of the epochs; memory that was used before is there at once. */
  readonly sums?: Float64Array;
  /** Where `predict` puts the outputs of the rows. */
  readonly result?: Numbers;
}

/** How the batches of epochs make optimizer steps. */
export type Stepping = Pick<Job, 'rowsPerEpoch' | 'batchSize' | 'accumulate'>;

/** Batches that a job has done when it has done so many optimizer steps. */
export function batchesBefore(job: Stepping, updates: number): number {
  const { accumulate = 1 } = job;
  const batches = stepsPerEpoch(job);
  const inEpoch = Math.ceil(batches / accumulate);
  return Math.floor(updates / inEpoch) * batches + (updates % inEpoch) * accumulate;
}

/** Optimizer steps that a job has done before its batch `index`. */
export function updatesBefore(job: Stepping, index: number): number {
  const { accumulate = 1 } = job;
  const batches = stepsPerEpoch(job);
  const epoch = Math.floor(index / batches);
  return epoch * Math.ceil(batches / accumulate) + Math.floor((index - epoch * batches) / accumulate);
}

/** The whole epochs that a job did, and their metric scalars, `ScalarCode.first_free` each. */
export interface JobResult {
  readonly epochs: number;
  readonly sums: Float64Array;
}

/** Where a job stands between two runs of it: batches done, which its `steps` are, metrics of its epochs, and of the one under way. */
export class JobState {
  done = 0;
  readonly sums: Float64Array;
  readonly running = new Float64Array(ScalarCode.first_free);
  readonly stepsPerEpoch: number;

  constructor(
    readonly job: Job,
    sums = job.sums,
  ) {
    const length = job.epochs * ScalarCode.first_free;
    this.sums = sums?.subarray(0, length) ?? new Float64Array(length);
    this.stepsPerEpoch = stepsPerEpoch(job);
  }

  get steps(): number {
    return this.job.epochs * this.stepsPerEpoch;
  }

  /** Whole epochs done. */
  get epochs(): number {
    return Math.floor(this.done / this.stepsPerEpoch);
  }

  /** Whether every loss so far is a number, of the epochs done and of the one under way. */
  get isFinite(): boolean {
    const { sums, running } = this;
    const end = this.epochs * ScalarCode.first_free;
    let zeros = running[ScalarCode.loss] * 0;
    for (let at = 0; at < end; at += ScalarCode.first_free) zeros += sums[at + ScalarCode.loss] * 0;
    return zeros === 0;
  }

  /** Goes on in the first epoch after `step` steps, whose metric sums are `running`. */
  begin({ step, running }: { readonly step: number; readonly running: Float64Array }): void {
    this.done = step;
    if (step === this.stepsPerEpoch) this.sums.set(running);
    else this.running.set(running);
  }

  /** The batches, from `begin` to before `end`, whose gradients make the optimizer step to which batch `index` adds. */
  groupOf(index: number): { readonly begin: number; readonly end: number } {
    const { accumulate = 1 } = this.job;
    const inEpoch = index % this.stepsPerEpoch;
    const epoch = index - inEpoch;
    const begin = inEpoch - (inEpoch % accumulate);
    return { begin: epoch + begin, end: epoch + Math.min(begin + accumulate, this.stepsPerEpoch) };
  }

  /** Leaves out the next batch, and those whose gradients would be added to its own. */
  skip(): void {
    this.done = this.groupOf(this.done).end;
    if (this.done % this.stepsPerEpoch > 0) return;
    this.sums.set(this.running, (this.epochs - 1) * ScalarCode.first_free);
    this.running.fill(0);
  }

  /** A copy of where it stands, for `assign`. */
  get mark(): JobMark {
    const { done, epochs } = this;
    return { done, sums: this.sums.slice(0, epochs * ScalarCode.first_free), running: this.running.slice() };
  }

  /** Goes to where a state of the same job, or of one like it, stood. */
  assign({ done, sums, running }: JobMark): this {
    this.done = done;
    this.sums.set(sums);
    this.running.set(running);
    return this;
  }
}

/** Where a job stood: batches done, metrics of its whole epochs, and of the one under way. */
export type JobMark = Pick<JobState, 'done' | 'sums' | 'running'>;

/** Everything that a step changes: numbers that outlive a batch, and all scalars. */
export interface Capture {
  readonly numbers: Numbers;
  readonly scalars: Float64Array;
  /** The setting as a file can hold it: what remains of a function is its rate. */
  readonly learningRate: Exclude<LearningRate, (step: number) => number>;
  /** What a rate that follows the losses has learnt from them. */
  readonly plateau: PlateauState | null;
  /** Steps and whole epochs that the trainer has done. */
  readonly steps: number;
  readonly epochs: number;
  /** Steps of the training run under way, null without one. */
  readonly runSteps: number | null;
}

/** How a job is run. */
export interface JobOptions {
  readonly control?: JobControl;
  /** Called when a run is under way. */
  readonly started?: () => void;
  /** Called between two runs. */
  readonly partEnded?: (state: JobState) => Promise<void> | undefined;
  /** How many steps from `done` on a run may take. */
  readonly partSteps?: (done: number) => number;
  /** Whether the job ends with the run that has ended. */
  readonly isDone?: (state: JobState) => boolean;
}
