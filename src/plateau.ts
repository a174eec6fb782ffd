import { fact, rangeError } from './errors.js';
import type { ReduceOnPlateauSchedule } from './schedules.js';

/** When a rate that falls on plateaus falls, and how far. */
export interface Fall {
  readonly factor: number;
  /** Epochs without an improvement that are borne. */
  readonly patience: number;
  /** Epochs after a fall that are not counted. */
  readonly cooldown: number;
  readonly minimum: number;
}

/** Counts epochs without an improvement and lowers a rate when there were too many, as PyTorch does. */
export class Patience {
  waited = 0;
  cooling = 0;
  readonly #fall: Fall;

  constructor(fall: Fall) {
    this.#fall = fall;
  }

  /** The rate after an epoch, `rate` where it stays. */
  after(improved: boolean, rate: number): number {
    const { factor, patience, cooldown, minimum } = this.#fall;
    this.waited = improved ? 0 : this.waited + 1;
    if (this.cooling > 0) {
      this.cooling--;
      this.waited = 0;
    }
    if (this.waited <= patience) return rate;
    this.cooling = cooldown;
    this.waited = 0;
    return Math.min(rate, Math.max(rate * factor, minimum));
  }
}

/** What a schedule `reduceOnPlateau` has learnt from the losses of epochs. */
export interface PlateauState {
  /** The smallest loss, infinity before there is one. */
  readonly best: number;
  readonly waited: number;
  readonly cooling: number;
}

/** Follows the losses of epochs for `reduceOnPlateau`. */
export class Plateau {
  readonly #schedule: ReduceOnPlateauSchedule;
  readonly #patience: Patience;
  #best = Number.POSITIVE_INFINITY;

  constructor(schedule: ReduceOnPlateauSchedule) {
    const { factor = 0.1, patience = 10, cooldown = 0, minimum = 0 } = schedule;
    this.#schedule = schedule;
    this.#patience = new Patience({ factor, patience, cooldown, minimum });
  }

  get state(): PlateauState {
    const { waited, cooling } = this.#patience;
    return { best: this.#best, waited, cooling };
  }

  set state({ best, waited, cooling }: PlateauState) {
    this.#best = best;
    this.#patience.waited = waited;
    this.#patience.cooling = cooling;
  }

  /** The rate after an epoch with these losses, `rate` where it stays. */
  after(losses: { readonly loss: number; readonly val_loss?: number }, rate: number): number {
    const { threshold = 1e-4 } = this.#schedule;
    const { monitor = losses.val_loss === undefined ? 'loss' : 'val_loss' } = this.#schedule;
    const loss = losses[monitor];
    if (loss === undefined) {
      const rule = `${monitor} must be computed`;
      throw rangeError('Cannot reduce the learning rate', rule, fact('no validation'));
    }
    const improved = loss < this.#best * (1 - threshold);
    if (improved) this.#best = loss;
    return this.#patience.after(improved, rate);
  }
}
