/** What a divergence leaves behind, nearly free to look at. */
import type { Numbers, Rows, RunProgress } from './backends/backend.js';
import { numbersOf } from './data.js';
import type { Engine } from './engine.js';
import type { Job, JobState } from './job.js';
import { ScalarCode } from './opcodes.js';

/**
 * Whether every bias and running statistic is finite: a delta that is not leaves no bias of its layer so, and a variance
 * may overflow where nothing else does.
 */
export function hasFiniteBiases({ plan, executor }: Engine): boolean {
  for (const { role, name, offset, columns } of plan.buffers) {
    if (role !== 'statistics' && !(role === 'parameter' && name.startsWith('b'))) continue;
    const biases = executor.view(offset, columns);
    let zeros = 0;
    for (let index = 0; index < columns; index++) zeros += biases[index] * 0;
    if (zeros !== 0) return false;
  }
  return true;
}

/** Rows, over all of the data, whose loss is taken before the first step. */
const FIRST_ROWS = 32;
/** A loss is suspicious that is beyond this many times the largest so far in a batch, or this many times in the mean. */
const IN_A_BATCH = 1000;
const IN_THE_MEAN = 2;

/** Follows the sums of losses of a run for one far beyond all before it, as after a step along an exploded gradient. */
export class LossWatch {
  /** The largest mean over the rows of an epoch so far, by magnitude; before the first that of some rows. */
  #largest: number | null = null;
  readonly #some: Rows;

  /** Copies some rows, which need not stay as they are. */
  constructor(
    readonly engine: Engine,
    rows: Rows,
  ) {
    const count = Math.min(FIRST_ROWS, rows.count);
    const places = Array.from({ length: count }, (_, at) => Math.floor((at * rows.count) / count));
    this.#some = someRows(rows, places, engine);
  }

  /** Looks at the loss of some rows before the first step of a run. */
  begin(batchSize: number): void {
    const { labels, count } = this.#some;
    const program = labels ? 'evaluateLabels' : 'evaluate';
    const { loss } = this.engine.runNow(program, this.#some, Math.min(batchSize, count));
    this.#largest = Math.abs(this.engine.model.reduction === 'mean' ? loss : loss / count);
  }

  /** Whether an epoch of the job, or what is done of one, has a sum of losses that a batch has pushed up. */
  isSuspicious({ job, sums, running, epochs }: JobState): boolean {
    for (let epoch = 0, at = 0; epoch < epochs; epoch++, at += ScalarCode.first_free) {
      if (sums[at + ScalarCode.loss] > this.#limit(job, sums[at + ScalarCode.rows])) return true;
    }
    return running[ScalarCode.loss] > this.#limit(job, running[ScalarCode.rows]);
  }

  /** The same of the epoch under way. */
  isSuspiciousSum(job: Job, { loss, rows }: Pick<RunProgress, 'loss' | 'rows'>): boolean {
    return loss > this.#limit(job, rows);
  }

  /** Takes what a job has done as usual. */
  accept({ job, sums, running, epochs }: JobState): void {
    let largest = this.#largest ?? 0;
    const take = (loss: number, rows: number): void => {
      // A few rows tell nothing of the mean.
      const mean = Math.abs(loss) / Math.max(rows, job.batchSize);
      if (mean > largest) largest = mean;
    };
    for (let epoch = 0, at = 0; epoch < epochs; epoch++, at += ScalarCode.first_free) {
      take(sums[at + ScalarCode.loss], sums[at + ScalarCode.rows]);
    }
    take(running[ScalarCode.loss], running[ScalarCode.rows]);
    if (largest > 0) this.#largest = largest;
  }

  #limit({ batchSize }: Job, rows: number): number {
    if (this.#largest === null) return Number.POSITIVE_INFINITY;
    return this.#largest * (IN_THE_MEAN * rows + IN_A_BATCH * batchSize);
  }
}

/** Some of the rows, without their weights. */
export function someRows(rows: Rows, places: readonly number[], { model, backend }: Engine): Rows {
  const take = (source: Numbers | Uint8Array, columns: number, stride = columns): Numbers => {
    const taken = numbersOf(backend.precision, places.length * columns);
    places.forEach((row, at) => {
      taken.set(source.subarray(row * stride, row * stride + columns), at * columns);
    });
    return taken;
  };
  const { labels, weighted } = rows;
  const { outputs } = model;
  return {
    count: places.length,
    inputs: take(rows.inputs, model.inputs),
    targets: !labels && rows.targets ? take(rows.targets, outputs, weighted ? outputs + 1 : outputs) : null,
    labels: labels && Int32Array.from(places, (row) => labels[row]),
    shared: true,
  };
}
