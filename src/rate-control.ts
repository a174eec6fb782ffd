import { Plateau, type PlateauState } from './plateau.js';
import { type LearningRate, type RateFunction, rateFunction } from './schedules.js';

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

  /** What the losses of epochs have led to, apart from the rate itself; null where it does not follow them. */
  get state(): PlateauState | null {
    return this.#plateau?.state ?? null;
  }

  /** With null, nothing is known of losses yet. */
  set state(state: PlateauState | null) {
    if (state === null) this.set(this.#setting);
    else if (this.#plateau) this.#plateau.state = state;
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

  /** Rates of the batches `begin` to before `end` of a job, at their index; null where the rate stays. */
  series(begin: number, end: number, stepOf: (index: number) => number): Float64Array | null {
    const rate = this.#rate;
    if (!rate) return null;
    const values = new Float64Array(end);
    for (let index = begin; index < end; index++) values[index] = rate(stepOf(index));
    return values;
  }

  /** The rate after an epoch with these losses, `rate` where it stays. */
  afterEpoch(losses: { readonly loss: number; readonly val_loss?: number }, rate: number): number {
    return this.#plateau?.after(losses, rate) ?? rate;
  }
}
