import type { Dataset, Numbers, Rows } from './backends/backend.js';
import { numbersOf } from './data.js';
import type { Engine } from './engine.js';
import type { Capture, JobOptions, JobResult, JobState } from './job.js';
import type { JobControl } from './job-control.js';
import { bufferNamed, type Plan } from './plan/plan.js';

export const divergencePolicies = ['stop', 'skip', 'rollback', 'ignore'] as const;
export type DivergencePolicy = (typeof divergencePolicies)[number];

/** A step whose loss or gradients were not finite. */
export interface Divergence {
  /** Epoch, and step in the epoch, both from 0. */
  readonly epoch: number;
  readonly step: number;
  /** The layer, from 0, in which the first number that is not finite was met; null if that was the loss or unknown. */
  readonly layer: number | null;
  /** What that number belongs to. */
  readonly where: 'netInput' | 'output' | 'loss' | 'delta' | 'gradient' | 'update';
  /** Rows of the data with such numbers: all of the batch where it cannot be told. */
  readonly rows: readonly number[];
  /** The column of the largest input of these rows, by magnitude, and that input. */
  readonly largestInput: { readonly column: number; readonly value: number };
  readonly learningRate: number;
  /** How many such steps the run met, this one included. */
  readonly count: number;
  /** All of this in a sentence. */
  readonly message: string;
}

/** A state before a job, and the job as it stood. */
interface Good {
  readonly capture: Capture;
  readonly state: JobState;
}

/** Copies are made before jobs of at least so many rows, or of models up to so many numbers: 1 % of a run at most. */
const ROWS_PER_COPY = 4096;
const SMALL_MODEL = 2 ** 14;

const POLL_MS = 100;
/** How often a policy is tried on the same job before the run ends. */
const MAXIMUM_IN_A_JOB = 40;

/**
 * Runs jobs and looks for losses and gradients that are not finite. It costs the steps nothing: such numbers stay in
 * the running loss and in the biases, where they are seen at the end of a job, or of a long one within a tenth of a
 * second. The step is then found by bisection, by running parts of the job again from a copy of the state before it:
 * the same steps give the same bits.
 */
export class Guard {
  last: Divergence | null = null;
  #count = 0;
  #control: JobControl | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    readonly engine: Engine,
    readonly rows: Rows,
    readonly policy: DivergencePolicy,
  ) {}

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
    const first = this.#isWorthCopying(state) ? this.#good(state) : null;
    let from = first;
    for (let tries = 0; ; tries++) {
      let isBad = false;
      const isDone = (): boolean => {
        isBad = this.#isBad(state);
        return isBad;
      };
      this.#control = control;
      const parts = from === first ? options : { ...options, partSteps: growing(options.partSteps) };
      const result = await engine.runJob(state, dataset, { ...parts, isDone });
      this.#control = null;
      if (!isBad) return { ...result, isDiverged: false };
      const found = from && (await this.#lastGood(from, state, dataset, control));
      const rate = engine.learningRate;
      const step = found ? found.state.done : Math.max(0, state.done - 1);
      this.last = this.#explain(state, step, epoch, rate, found !== null);
      const ended = { epochs: state.epochs, sums: state.sums, isDiverged: true };
      if (!found || control.isStopped || policy === 'stop' || tries === MAXIMUM_IN_A_JOB) {
        if (found) state.assign(found.state);
        return { ...ended, epochs: state.epochs };
      }
      if (policy === 'skip') {
        state.assign(found.state);
        state.skip();
        from = this.#good(state);
      } else {
        engine.restore((first as Good).capture);
        state.assign((first as Good).state);
        // Of a schedule of steps, this rate is what remains.
        engine.lowerLearningRate(rate / 2);
        from = this.#good(state);
      }
    }
  }

  /** Looks at the loss of the job under way now and then, until `end`. */
  begin(): void {
    if (this.policy === 'ignore') return;
    this.#timer = setInterval(() => {
      const progress = this.#control?.progress();
      if (progress && !Number.isFinite(progress.loss)) this.#control?.interrupt();
    }, POLL_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #isWorthCopying({ job, steps, done }: JobState): boolean {
    if (this.policy !== 'stop') return true;
    const rows = Math.min((steps - done) * job.batchSize, job.epochs * job.rowsPerEpoch);
    return rows >= ROWS_PER_COPY || this.engine.plan.persistentLength <= SMALL_MODEL;
  }

  #good(state: JobState): Good {
    return { capture: this.engine.capture(), state: state.copy() };
  }

  #isBad(state: JobState): boolean {
    return !state.isFinite || !this.engine.hasFiniteBiases();
  }

  /** Leaves the engine in the last good state, which it returns; null if the steps do not diverge again. */
  async #lastGood(from: Good, bad: JobState, dataset: Dataset, control: JobControl): Promise<Good | null> {
    let good = from;
    let end = bad.done;
    let isSeen = false;
    const runTo = async (until: number): Promise<JobState> => {
      this.engine.restore(good.capture);
      const state = good.state.copy();
      await this.engine.runJob(state, dataset, {
        control,
        partSteps: (done) => until - done,
        isDone: ({ done }) => done >= until,
      });
      return state;
    };
    while (end - good.state.done > 1 || !isSeen) {
      const middle = end - good.state.done > 1 ? Math.floor((good.state.done + end) / 2) : end;
      const state = await runTo(middle);
      if (state.done < middle) break;
      if (this.#isBad(state)) {
        end = middle;
        isSeen = true;
      } else if (middle === end) return null;
      else good = this.#good(state);
    }
    this.engine.restore(good.capture);
    return good;
  }

  #explain(state: JobState, step: number, firstEpoch: number, rate: number, isBefore: boolean): Divergence {
    const { stepsPerEpoch } = state;
    const epoch = Math.floor(step / stepsPerEpoch);
    // A gradient that is not finite is met in the update, perhaps some batches after its own.
    let at = state.groupOf(step).begin;
    let { batch, rows, found } = this.#inspected(state, at);
    while (found.where === 'update' && at < step) ({ batch, rows, found } = this.#inspected(state, ++at));
    const bad = found.rows.map((row) => batch[row]);
    const largestInput = largestOf(rows, found.rows, this.engine.model.inputs);
    this.#count++;
    const facts = {
      ...{ epoch: firstEpoch + epoch, step: step % stepsPerEpoch, layer: found.layer, where: found.where },
      ...{ rows: bad, largestInput, learningRate: rate, count: this.#count },
    };
    return { ...facts, message: worded(facts, isBefore) };
  }

  /** The rows of batch `step` of a job, and what they meet. */
  #inspected({ job, stepsPerEpoch }: JobState, step: number): Inspected {
    const epoch = Math.floor(step / stepsPerEpoch);
    const position = (step % stepsPerEpoch) * job.batchSize;
    const count = Math.min(job.batchSize, job.rowsPerEpoch - position);
    const begin = epoch * job.rowsPerEpoch + position;
    const batch = Array.from({ length: count }, (_, row) =>
      job.order ? job.order[begin + row] : position + row,
    );
    const rows = gathered(this.rows, batch, this.engine);
    return { batch, rows, found: inspected(this.engine, rows) };
  }
}

/**
 * Parts twice as long each time: after a divergence the next is likely near, and no more is run in vain than has been
 * run before.
 */
function growing(partSteps: JobOptions['partSteps']): (done: number) => number {
  let part = 0.5;
  return (done) => {
    part *= 2;
    return Math.min(part, partSteps?.(done) ?? part);
  };
}

const names = {
  netInput: 'net input',
  output: 'output',
  loss: 'loss',
  delta: 'delta',
  gradient: 'gradient',
  update: 'update',
} as const;

function worded(
  { epoch, step, layer, where, rows, largestInput, learningRate }: Omit<Divergence, 'message'>,
  isBefore: boolean,
): string {
  const layered = layer === null ? '' : ` of layer ${layer + 1}`;
  const shown = `${rows.slice(0, 5).join(', ')}${rows.length > 5 ? `, … (${rows.length} in all)` : ''}`;
  const at = isBefore ? `at step ${step} of epoch ${epoch}` : `by step ${step} of epoch ${epoch}`;
  const input = `largest input ${largestInput.value} in column ${largestInput.column}`;
  return `training diverged ${at}: the ${names[where]}${layered} is not finite, rows ${shown}; ${input}; learning rate ${learningRate}`;
}

/** Some of the rows, without their weights. */
function gathered(rows: Rows, batch: readonly number[], { model, backend }: Engine): Rows {
  const take = (source: Numbers | Uint8Array, columns: number, stride = columns): Numbers => {
    const taken = numbersOf(backend.precision, batch.length * columns);
    batch.forEach((row, at) => {
      taken.set(source.subarray(row * stride, row * stride + columns), at * columns);
    });
    return taken;
  };
  const { labels, weighted } = rows;
  const { outputs } = model;
  return {
    count: batch.length,
    inputs: take(rows.inputs, model.inputs),
    targets: !labels && rows.targets ? take(rows.targets, outputs, weighted ? outputs + 1 : outputs) : null,
    labels: labels && Int32Array.from(batch, (row) => labels[row]),
    shared: true,
  };
}

interface Found extends Pick<Divergence, 'layer' | 'where'> {
  /** Positions in the batch. */
  readonly rows: readonly number[];
}

/** Rows of a batch, as indices and as numbers, and what they meet. */
interface Inspected {
  readonly batch: readonly number[];
  readonly rows: Rows;
  readonly found: Found;
}

/** Where a batch first meets a number that is not finite on its way forward and back. */
function inspected(engine: Engine, rows: Rows): Found {
  const { executor, model } = engine;
  const all = Array.from({ length: rows.count }, (_, row) => row);
  const badRows = (plan: Plan, name: string): number[] => {
    const { offset, columns } = bufferNamed(plan, name);
    const values = executor.read(offset, rows.count * columns);
    if (executor.firstNonFinite(values) < 0) return [];
    return all.filter(
      (row) => executor.firstNonFinite(values.slice(row * columns, (row + 1) * columns)) >= 0,
    );
  };
  const layers = model.layers.map((_, index) => index);
  const program = rows.labels ? 'inspectLabels' : 'inspect';
  const reach = (
    plan: Plan,
    where: Found['where'],
    name: (layer: number) => string,
    order: readonly number[],
  ): Found | null => {
    for (const layer of order) {
      const bad = badRows(plan, name(layer));
      if (bad.length > 0) return { where, layer, rows: bad };
    }
    return null;
  };
  return engine.runInspection(program, rows, (plan): Found => {
    for (const layer of layers) {
      const found =
        reach(plan, 'netInput', (one) => `z${one + 1}`, [layer]) ??
        reach(plan, 'output', (one) => `x${one + 1}`, [layer]);
      if (found) return found;
    }
    const lost = badRows(plan, 'rowLosses');
    if (lost.length > 0) return { where: 'loss', layer: null, rows: lost };
    const backward = [...layers].reverse();
    const delta = reach(plan, 'delta', (layer) => `delta${layer + 1}`, backward);
    if (delta) return delta;
    for (const layer of backward) {
      const { offset, rows: inputs, columns } = bufferNamed(plan, `dW${layer + 1}`);
      if (executor.firstNonFinite(executor.read(offset, inputs * columns)) >= 0)
        return { where: 'gradient', layer, rows: all };
    }
    return { where: 'update', layer: null, rows: all };
  });
}

function largestOf(
  { inputs }: Rows,
  rows: readonly number[],
  columns: number,
): { column: number; value: number } {
  let largest = { column: 0, value: 0 };
  for (const row of rows) {
    for (let column = 0; column < columns; column++) {
      const value = inputs[row * columns + column];
      if (Math.abs(value) > Math.abs(largest.value)) largest = { column, value };
    }
  }
  return largest;
}
