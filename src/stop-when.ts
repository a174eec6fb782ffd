import { fact, requireInteger, requireKnownKeys, requireNumber, typeError } from './errors.js';
import type { EpochLogs } from './history.js';

/** What a predicate of `stopWhen` is asked with after an epoch. */
export type StopState = EpochLogs & { readonly epoch: number };

/** When `fit` has learnt enough; any one of these ends it. */
export interface StopConditions {
  /** The loss of the epoch is below this. */
  readonly lossBelow?: number;
  /** The loss has not fallen by more than this for `patience` epochs. */
  readonly minDelta?: number;
  /** Epochs to wait for a fall of more than `minDelta`; default 1. */
  readonly patience?: number;
  /** The Euclidean norm of the gradient of the epoch's last step is below this. */
  readonly gradientNormBelow?: number;
  /** At most so many rows were classified wrongly during the epoch, each before the update it led to. */
  readonly misclassified?: number;
}

export type StopWhen = StopConditions | ((state: StopState) => boolean);

/** Which condition ended a run. */
export type StopReason = 'lossBelow' | 'minDelta' | 'gradientNormBelow' | 'misclassified' | 'predicate';

const conditionNames = ['lossBelow', 'minDelta', 'patience', 'gradientNormBelow', 'misclassified'];

/** Watches the epochs of a run for the conditions of `stopWhen`. */
export class StopWatch {
  readonly #stopWhen: StopWhen;
  #best = Number.POSITIVE_INFINITY;
  #waited = 0;
  /** Whether a condition has come to hold. */
  hasEnded = false;

  constructor(action: string, stopWhen: StopWhen, classifies: boolean) {
    if (typeof stopWhen !== 'function') checkConditions(action, stopWhen, classifies);
    this.#stopWhen = stopWhen;
  }

  /** What decides besides the epoch itself, for a checkpoint. */
  get state(): { readonly best: number; readonly waited: number; readonly ended: number } {
    return { best: this.#best, waited: this.#waited, ended: Number(this.hasEnded) };
  }

  set state({
    best,
    waited,
    ended,
  }: { readonly best: number; readonly waited: number; readonly ended: number }) {
    this.hasEnded = ended === 1;
    this.#best = best;
    this.#waited = waited;
  }

  /** Whether `after` asks for the norm of a gradient. */
  get watchesGradient(): boolean {
    return typeof this.#stopWhen !== 'function' && this.#stopWhen.gradientNormBelow !== undefined;
  }

  /** The condition that holds after an epoch, or null. */
  after(epoch: number, logs: EpochLogs, rows: number, gradientNorm: () => number): StopReason | null {
    const reason = this.#conditionAfter(epoch, logs, rows, gradientNorm);
    if (reason) this.hasEnded = true;
    return reason;
  }

  #conditionAfter(
    epoch: number,
    logs: EpochLogs,
    rows: number,
    gradientNorm: () => number,
  ): StopReason | null {
    if (typeof this.#stopWhen === 'function') return this.#stopWhen({ epoch, ...logs }) ? 'predicate' : null;
    const { lossBelow, minDelta, patience = 1, gradientNormBelow, misclassified } = this.#stopWhen;
    if (lossBelow !== undefined && logs.loss < lossBelow) return 'lossBelow';
    const wrong = Math.round((1 - (logs.accuracy ?? 0)) * rows);
    if (misclassified !== undefined && wrong <= misclassified) return 'misclassified';
    if (gradientNormBelow !== undefined && gradientNorm() < gradientNormBelow) return 'gradientNormBelow';
    return minDelta !== undefined && this.#stalled(logs.loss, minDelta, patience) ? 'minDelta' : null;
  }

  #stalled(loss: number, minDelta: number, patience: number): boolean {
    if (loss < this.#best - minDelta) {
      this.#best = loss;
      this.#waited = 0;
      return false;
    }
    return ++this.#waited >= patience;
  }
}

function checkConditions(action: string, stopWhen: unknown, classifies: boolean): void {
  const caller = `${action}: stopWhen`;
  requireKnownKeys(caller, stopWhen, conditionNames);
  const { patience, misclassified, ...bounds } = stopWhen as StopConditions;
  for (const [name, value] of Object.entries(bounds)) {
    if (value !== undefined) requireNumber(caller, name, value, 'finite and >= 0', (bound) => bound >= 0);
  }
  if (patience !== undefined) {
    requireInteger(caller, 'patience', patience, 1);
    if (bounds.minDelta === undefined)
      throw typeError(caller, 'patience needs minDelta', fact('patience alone'));
  }
  if (misclassified === undefined) return;
  requireInteger(caller, 'misclassified', misclassified, 0);
  if (!classifies) {
    const rule = 'misclassified needs a loss or outputs that classify';
    throw typeError(caller, rule, fact('a network without accuracy'));
  }
}
