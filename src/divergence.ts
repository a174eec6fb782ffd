import type { Dataset, Rows } from './backends/backend.js';
import type { DivergedJob } from './diverged-job.js';
import { hasFiniteBiases, LossWatch } from './divergence-signs.js';
import type { Engine } from './engine.js';
import type { Capture, JobMark, JobOptions, JobResult, JobState } from './job.js';
import type { JobControl } from './job-control.js';
import { JobJournal } from './job-journal.js';

export const divergencePolicies = ['stop', 'skip', 'rollback', 'ignore'] as const;
export type DivergencePolicy = (typeof divergencePolicies)[number];

/** A step whose loss or gradients were not finite, or whose gradient exploded. */
export interface Divergence {
  /** Epoch, and step in the epoch, both from 0. */
  readonly epoch: number;
  readonly step: number;
  /**
   * The layer, from 0, in which the first number that is not finite was met, null if that was the loss or unknown; or
   * the one with the longest gradient.
   */
  readonly layer: number | null;
  /** What that number belongs to; `'gradient'` where it exploded. */
  readonly where: 'netInput' | 'output' | 'loss' | 'delta' | 'gradient' | 'update';
  /**
   * Rows of the data with such numbers, all of the batch where it cannot be told; or those whose own gradients are at
   * least a tenth as long as the longest of them.
   */
  readonly rows: readonly number[];
  /** The column of the largest input of these rows, by magnitude, and that input; NaN if the data were transferred. */
  readonly largestInput: { readonly column: number; readonly value: number };
  readonly learningRate: number;
  /** Length of a gradient that exploded, and the usual one; null where numbers were not finite. */
  readonly explosion: { readonly norm: number; readonly usual: number } | null;
  /** How many such steps the run met, this one included. */
  readonly count: number;
  /** All of this in a sentence. */
  readonly message: string;
}

/** A state before a job or in it, and the job as it stood. */
export interface Good {
  readonly capture: Capture;
  readonly mark: JobMark;
}

const POLL_MS = 100;

/**
 * Runs jobs and looks for losses and gradients that are not finite, or explode. It costs the steps nothing: such
 * numbers stay in the running loss and in the biases, where they are seen at the end of a job, or of a long one within a
 * tenth of a second. The step is then found by bisection, by running parts of the job again from the state
 * before it.
 */
export class Guard {
  last: Divergence | null = null;
  /** The shortest usual length of a gradient that a search has met. */
  usualNorm = Number.POSITIVE_INFINITY;
  /** Null where no gradient explodes. */
  readonly #losses: LossWatch | null;
  readonly #journal: JobJournal;
  #underWay: { readonly state: JobState; readonly control: JobControl } | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    readonly engine: Engine,
    readonly rows: Rows,
    readonly policy: DivergencePolicy,
    readonly gradientLimit: number,
  ) {
    this.#journal = new JobJournal(engine);
    const isLimited = policy !== 'ignore' && gradientLimit < Number.POSITIVE_INFINITY;
    this.#losses = isLimited ? new LossWatch(engine, rows) : null;
  }

  /** Runs a job to its end by the policy. `isDiverged` tells that it was to end there, in the state before the step. */
  async run(
    state: JobState,
    epoch: number,
    dataset: Dataset,
    options: JobOptions & { readonly control: JobControl },
  ): Promise<JobResult & { readonly isDiverged: boolean }> {
    const { engine, policy } = this;
    const { control } = options;
    if (policy === 'ignore') return { ...(await engine.runJob(state, dataset, options)), isDiverged: false };
    this.#journal.begin(state);
    let diverged: DivergedJob | null = null;
    for (;;) {
      let isSuspicious = false;
      const isDone = (): boolean => {
        isSuspicious = this.isBad(state) || this.hasJumped(state);
        return isSuspicious;
      };
      this.#underWay = { state, control };
      const result = await engine.runJob(state, dataset, { ...options, ...diverged?.parts, isDone });
      this.#underWay = null;
      if (!isSuspicious) {
        this.accept(state);
        return { ...result, isDiverged: false };
      }
      const isBad = this.isBad(state);
      const end = goodOf(engine, state);
      const { DivergedJob } = await import('./diverged-job.js');
      diverged ??= new DivergedJob(this, this.#journal.record, state, epoch, dataset, options);
      const isDiverged = await diverged.handle(end, isBad);
      if (isDiverged !== null) return { epochs: state.epochs, sums: state.sums, isDiverged };
    }
  }

  /** Looks at the loss before the first step, and at that of the job under way now and then, until `end`. */
  begin(batchSize: number): void {
    if (this.policy === 'ignore') return;
    this.#losses?.begin(batchSize);
    this.#timer = setInterval(() => {
      const { state, control } = this.#underWay ?? {};
      const progress = control?.progress();
      if (!state || !progress) return;
      const isLost = !Number.isFinite(progress.loss);
      if (isLost || this.#losses?.isSuspiciousSum(state.job, progress)) control?.interrupt();
    }, POLL_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Takes what a job has done as usual. */
  accept(state: JobState): void {
    this.#losses?.accept(state);
  }

  /** Whether losses have jumped. */
  hasJumped(state: JobState): boolean {
    return this.#losses?.isSuspicious(state) ?? false;
  }

  /** Whether a number is not finite, as in all states after it. */
  isBad(state: JobState): boolean {
    return !state.isFinite || !hasFiniteBiases(this.engine);
  }
}

export const goodOf = (engine: Engine, state: JobState): Good => ({
  capture: engine.capture(),
  mark: state.mark,
});
