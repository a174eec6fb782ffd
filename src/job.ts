import { type Numbers, type Run, stepsPerEpoch } from './backends/backend.js';
import type { JobControl } from './job-control.js';
import { ScalarCode } from './opcodes.js';
import type { ProgramName } from './plan/plan.js';

/** Epochs of one program over a dataset; see `Run`. */
export interface Job extends Pick<Run, 'rowsPerEpoch' | 'batchSize' | 'order'> {
  readonly program: ProgramName;
  readonly epochs: number;
  /** Where `predict` puts the outputs of the rows. */
  readonly result?: Numbers;
}

/** The whole epochs that a job did, and their metric scalars, `ScalarCode.first_free` each. */
export interface JobResult {
  readonly epochs: number;
  readonly sums: Float64Array;
}

/** Where a job stands between two runs of it: steps done, metrics of its epochs, and of the one under way. */
export class JobState {
  done = 0;
  readonly sums: Float64Array;
  readonly running = new Float64Array(ScalarCode.first_free);
  readonly stepsPerEpoch: number;

  constructor(readonly job: Job) {
    this.sums = new Float64Array(job.epochs * ScalarCode.first_free);
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
    for (let epoch = 0; epoch < this.epochs; epoch++) {
      if (!Number.isFinite(this.sums[epoch * ScalarCode.first_free + ScalarCode.loss])) return false;
    }
    return Number.isFinite(this.running[ScalarCode.loss]);
  }

  /** Goes on in the first epoch after `step` steps, whose metric sums are `running`. */
  begin({ step, running }: { readonly step: number; readonly running: Float64Array }): void {
    this.done = step;
    if (step === this.stepsPerEpoch) this.sums.set(running);
    else this.running.set(running);
  }

  /** Leaves out the next step. */
  skip(): void {
    this.done++;
    if (this.done % this.stepsPerEpoch > 0) return;
    this.sums.set(this.running, (this.epochs - 1) * ScalarCode.first_free);
    this.running.fill(0);
  }

  /** A copy to go on from. */
  copy(): JobState {
    const copy = new JobState(this.job);
    copy.assign(this);
    return copy;
  }

  assign({ done, sums, running }: Pick<JobState, 'done' | 'sums' | 'running'>): void {
    this.done = done;
    this.sums.set(sums);
    this.running.set(running);
  }
}

/** Everything that a step changes: numbers that outlive a batch, and all scalars. */
export interface Capture {
  readonly numbers: Numbers;
  readonly scalars: Float64Array;
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
