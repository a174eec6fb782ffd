import { type LearningRate, Plateau, type RateFunction, rateFunction } from './schedules.js';

/** The learning rate of each step of a trainer, as far as it does not simply stay. */
export class RateControl {
  #setting: LearningRate;
  #rate: RateFunction | null = null;
  #plateau: Plateau | null = null;

  constructor(setting: LearningRate) {
    this.#setting = setting;
    this.set(setting);
  }

  get setting(): LearningRate {
    return this.#setting;
  }

  /** The rate depends on the losses of epochs. */
  get followsEpochs(): boolean {
    return this.#plateau !== null;
  }

  set(setting: LearningRate): void {
    this.#setting = setting;
    this.#rate = rateFunction(setting);
    const isPlateau = typeof setting === 'object' && setting.type === 'reduceOnPlateau';
    this.#plateau = isPlateau ? new Plateau(setting) : null;
  }

  /** The rate of a step, counted from the trainer's first; null where it stays. */
  at(step: number): number | null {
    return this.#rate?.(step) ?? null;
  }

  /** Rates of `count` steps from `first` on, placed from index `at` on; null where the rate stays. */
  series(first: number, count: number, at: number): Float64Array | null {
    const rate = this.#rate;
    if (!rate) return null;
    const values = new Float64Array(at + count);
    for (let index = 0; index < count; index++) values[at + index] = rate(first + index);
    return values;
  }

  /** The rate after an epoch with these losses, `rate` where it stays. */
  afterEpoch(losses: { readonly loss: number; readonly val_loss?: number }, rate: number): number {
    return this.#plateau?.after(losses, rate) ?? rate;
  }
}
