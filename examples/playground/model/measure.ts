import type { BatchLogs, Trainer } from 'fastmlp';
import type { Part } from '../data/data-set.js';
import type { State } from './state.js';
import { classShares, decideClasses, scoreForm, shareRight, type Targets } from './task.js';

/** Loss as a mean over rows; accuracy is null where there are no classes. */
export interface Measured {
  readonly loss: number;
  readonly accuracy: number | null;
}

/** A network, what it was made from, and the number of its classes. */
export interface MeasuredNetwork {
  readonly trainer: Trainer;
  readonly state: State;
  readonly classes: number | null;
}

/** Multiplications up to which accuracy is counted on the page's thread. */
const SYNCHRONOUS_WORK = 4e6;

/** Loss and accuracy over some rows, without an update. */
export async function measure(network: MeasuredNetwork, part: Part, targets: Targets): Promise<Measured> {
  const { loss, accuracy } = await network.trainer.evaluate(part.x, targets);
  return { loss: perRow(network.state, loss, part.count), accuracy: accuracy ?? accuracyOf(network, part) };
}

/** Accuracy where the library sees no classes: outputs that are no probabilities, such as those of linear or tanh. */
export function accuracyOf({ trainer, state, classes }: MeasuredNetwork, part: Part): number | null {
  if (classes === null || part.count * trainer.parameterCount > SYNCHRONOUS_WORK) return null;
  const shares = classShares(trainer.predict(part.x), scoreForm(state, classes), classes);
  return shareRight(decideClasses(shares, classes), part.y);
}

/** Losses are shown as means, whatever the reduction, so that batches, epochs and test rows compare. */
export const perRow = ({ reduction }: State, loss: number, rows: number): number =>
  reduction === 'mean' ? loss : loss / rows;

/** Means over the rows of an epoch since the last time, made of the means over all of them so far. */
export class RecentMeans {
  #rows = 0;
  #loss = 0;
  #right = 0;

  /** Null for fewer than `least` rows; they count the next time. */
  next(state: State, { rows, loss, accuracy }: BatchLogs, least: number): Measured | null {
    if (rows < this.#rows) [this.#rows, this.#loss, this.#right] = [0, 0, 0];
    const added = rows - this.#rows;
    if (added < least) return null;
    const sums = { loss: perRow(state, loss, rows) * rows, right: (accuracy ?? 0) * rows };
    const recent = {
      loss: (sums.loss - this.#loss) / added,
      accuracy: accuracy === undefined ? null : (sums.right - this.#right) / added,
    };
    [this.#rows, this.#loss, this.#right] = [rows, sums.loss, sums.right];
    return recent;
  }
}
