import type { DataSet, Part } from '../data/data-set.js';
import type { State } from './state.js';
import { encodeTargets, type Targets, targetForm } from './task.js';

/** The targets of a data set as the trainer of a state takes them. */
export class EncodedTargets {
  readonly train: Targets;
  readonly test: Targets | null;
  readonly #data: DataSet;

  constructor(state: State, data: DataSet) {
    const classes = data.classes?.length ?? null;
    const form = targetForm(state, classes);
    this.#data = data;
    this.train = encodeTargets(data.train.y, form, classes);
    this.test = data.test ? encodeTargets(data.test.y, form, classes) : null;
  }

  /** Those of one row of the training or test part. */
  of(part: 'train' | 'test', row: number): Targets {
    const targets = this[part] as Targets;
    const width = targets.length / (this.#data[part] as Part).count;
    return targets.slice(row * width, (row + 1) * width);
  }
}
