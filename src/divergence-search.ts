import type { Dataset, Numbers, Rows } from './backends/backend.js';
import { type Divergence, type Good, type Guard, goodOf } from './divergence.js';
import { someRows } from './divergence-signs.js';
import type { Engine } from './engine.js';
import type { JobState } from './job.js';
import { runAgain } from './job-again.js';
import type { JobControl } from './job-control.js';
import { bufferNamed, type Plan } from './plan/plan.js';

/** Steps before the one whose loss jumps among which the gradient is looked for that did it. */
const STEPS_BEFORE = 16;
/** Batches of an epoch whose gradients say what length is usual. */
const USUAL_BATCHES = 9;
/** No gradient has exploded that is not longer than this. */
const SHORTEST = 1;
/** Rows are named whose own gradients are at least this share of the longest. */
const SHARE = 0.1;

/** A job that a divergence showed in, and how to run parts of it again. */
export interface Suspicious {
  readonly state: JobState;
  readonly dataset: Dataset;
  readonly control: JobControl;
}

/** What a search in a job has found. */
export interface Found {
  /** The state before the step, in which the engine is; null where there is none, or if the steps did not do it again. */
  readonly good: Good | null;
  readonly explosion: Divergence['explosion'];
}

/** Finds the step of a job in which a divergence begins, by running parts of it again. */
export class Search {
  readonly #guard: Guard;
  readonly #engine: Engine;
  readonly #job: Suspicious;

  constructor(guard: Guard, job: Suspicious) {
    this.#guard = guard;
    this.#engine = guard.engine;
    this.#job = job;
  }

  /**
   * Leaves the engine in the state that it finds.
   *
   * @param endsBad whether a number is not finite at the end of the job
   */
  async find(from: Good, endsBad: boolean): Promise<Found> {
    const guard = this.#guard;
    const end = this.#job.state.done;
    const isBad = (one: JobState): boolean => guard.isBad(one);
    const jump = await this.#lastGood(from, end, (one) => isBad(one) || guard.hasJumped(one));
    const exploded = jump && (await this.#explosion(from, jump.mark.done));
    if (exploded) return exploded;
    return { good: endsBad ? await this.#lastGood(from, end, isBad) : null, explosion: null };
  }

  /** What is known of a step, with the engine in the state before it, or in a later one if not `isBefore`. */
  explain(
    step: number,
    firstEpoch: number,
    known: Pick<Divergence, 'learningRate' | 'explosion' | 'count'>,
    isBefore: boolean,
  ): Divergence {
    const { state } = this.#job;
    const { stepsPerEpoch } = state;
    const epoch = Math.floor(step / stepsPerEpoch);
    const look = known.explosion ? longest : firstNonFinite;
    // A gradient that is not finite is met in the update, perhaps some batches after its own.
    let at = known.explosion ? step : state.groupOf(step).begin;
    let { batch, rows, place } = this.#inspected(at, look);
    while (place.where === 'update' && at < step) ({ batch, rows, place } = this.#inspected(++at, look));
    const facts = {
      ...{ epoch: firstEpoch + epoch, step: step % stepsPerEpoch, layer: place.layer, where: place.where },
      rows: place.rows.map((row) => batch[row]),
      largestInput: largestOf(rows, place.rows, this.#engine.model.inputs),
      ...known,
    };
    return { ...facts, message: worded(facts, isBefore) };
  }

  /** The last state before `end` in which there is no sign, in which it leaves the engine; null if none shows again. */
  async #lastGood(from: Good, last: number, isSign: (state: JobState) => boolean): Promise<Good | null> {
    let good = from;
    let end = last;
    let isSeen = false;
    while (end - good.mark.done > 1 || !isSeen) {
      const middle = end - good.mark.done > 1 ? Math.floor((good.mark.done + end) / 2) : end;
      const state = await this.#run(good, good.mark.done, middle);
      if (isSign(state)) {
        end = middle;
        isSeen = true;
      } else if (middle === end) return null;
      else good = goodOf(this.#engine, state);
    }
    this.#engine.restore(good.capture);
    return good;
  }

  /** The first step up to `last` whose gradient has exploded, with the engine in the state before it; null without one. */
  async #explosion(from: Good, last: number): Promise<Found | null> {
    const { gradientLimit } = this.#guard;
    const first = Math.max(from.mark.done, last - STEPS_BEFORE);
    const begin = await this.#run(from, from.mark.done, first);
    let good = goodOf(this.#engine, begin);
    const usual = Math.min(this.#guard.usualNorm, await this.#usualNorm(good));
    this.#guard.usualNorm = usual;
    for (let step = first; step <= last && usual > 0; step++) {
      const norm = await this.#norm(good, step);
      if (!Number.isFinite(norm)) return null;
      if (norm > SHORTEST && norm > gradientLimit * usual) {
        this.#engine.restore(good.capture);
        return { good, explosion: { norm, usual } };
      }
      const state = await this.#run(good, step, step + 1);
      good = goodOf(this.#engine, state);
    }
    return null;
  }

  /** The median length of the gradients of some batches of the epoch, all in the same state. */
  async #usualNorm(good: Good): Promise<number> {
    const { stepsPerEpoch } = this.#job.state;
    const epochBegin = good.mark.done - (good.mark.done % stepsPerEpoch);
    const count = Math.min(USUAL_BATCHES, stepsPerEpoch);
    const norms: number[] = [];
    for (let at = 0; at < count; at++) {
      const norm = await this.#norm(good, epochBegin + Math.floor((at * stepsPerEpoch) / count));
      if (Number.isFinite(norm)) norms.push(norm);
    }
    norms.sort((a, b) => a - b);
    return norms[(norms.length - 1) >> 1] ?? Number.POSITIVE_INFINITY;
  }

  /** Length of the gradient of a batch in a state. */
  async #norm(good: Good, step: number): Promise<number> {
    const { job } = this.#job.state;
    const { accumulate = 1 } = job;
    // A program that updates in place keeps no gradient.
    const program = accumulate === 1 ? this.#engine.trainProgram(this.#guard.rows, 0, true) : job.program;
    await this.#run(good, step, step + 1, { ...job, program });
    return this.#engine.gradientNorm();
  }

  /** Runs steps again. */
  #run(good: Good, begin: number, end: number, job = this.#job.state.job): Promise<JobState> {
    const { dataset, control } = this.#job;
    this.#engine.restore(good.capture);
    return runAgain(this.#engine, job, { ...good.mark, done: begin }, dataset, control, end);
  }

  /** The rows of a batch, and what `look` finds there. */
  #inspected(step: number, look: (engine: Engine, rows: Rows) => Place): Inspected {
    const { job, stepsPerEpoch } = this.#job.state;
    const epoch = Math.floor(step / stepsPerEpoch);
    const position = (step % stepsPerEpoch) * job.batchSize;
    const count = Math.min(job.batchSize, job.rowsPerEpoch - position);
    const begin = epoch * job.rowsPerEpoch + position;
    const batch = Array.from({ length: count }, (_, row) =>
      job.order ? job.order[begin + row] : position + row,
    );
    const given = this.#guard.rows;
    if (given.inputs.length === 0) {
      // The caller has transferred the data since; only the backend has them.
      const nowhere = {
        where: look === longest ? 'gradient' : 'loss',
        layer: null,
        rows: [...batch.keys()],
      } as const;
      return { batch, rows: given, place: nowhere };
    }
    const rows = someRows(given, batch, this.#engine);
    return { batch, rows, place: look(this.#engine, rows) };
  }
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
  { epoch, step, layer, where, rows, largestInput, learningRate, explosion }: Omit<Divergence, 'message'>,
  isBefore: boolean,
): string {
  const layered = layer === null ? '' : ` of layer ${layer + 1}`;
  const shown = `${rows.slice(0, 5).join(', ')}${rows.length > 5 ? `, … (${rows.length} in all)` : ''}`;
  const at = isBefore ? `at step ${step} of epoch ${epoch}` : `by step ${step} of epoch ${epoch}`;
  const input = `largest input ${largestInput.value} in column ${largestInput.column}`;
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  const what = explosion
    ? `the gradient explodes to a length of ${short(explosion.norm)} where ${short(explosion.usual)} is usual${layer === null ? '' : `, most in layer ${layer + 1}`}`
    : `the ${names[where]}${layered} is not finite`;
  return `training diverged ${at}: ${what}, rows ${shown}; ${input}; learning rate ${learningRate}`;
}

interface Place extends Pick<Divergence, 'layer' | 'where'> {
  /** Positions in the batch. */
  readonly rows: readonly number[];
}

/** Rows of a batch, as indices and as numbers, and what they meet. */
interface Inspected {
  readonly batch: readonly number[];
  readonly rows: Rows;
  readonly place: Place;
}

/** Nothing for a layer without weights. */
function weightGradientOf({ executor, model }: Engine, plan: Plan, layer: number): Numbers {
  const { weightRows, units } = model.layers[layer];
  const { offset } = weightRows > 0 ? bufferNamed(plan, `dW${layer + 1}`) : { offset: 0 };
  return executor.read(offset, weightRows * units);
}

/** Where a batch first meets a number that is not finite on its way forward and back. */
function firstNonFinite(engine: Engine, rows: Rows): Place {
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
    where: Place['where'],
    name: (layer: number) => string,
    order: readonly number[],
  ): Place | null => {
    for (const layer of order) {
      const bad = badRows(plan, name(layer));
      if (bad.length > 0) return { where, layer, rows: bad };
    }
    return null;
  };
  return engine.runInspection(program, rows, (plan): Place => {
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
      if (executor.firstNonFinite(weightGradientOf(engine, plan, layer)) >= 0)
        return { where: 'gradient', layer, rows: all };
    }
    return { where: 'update', layer: null, rows: all };
  });
}

/** The layer of the longest gradient of its weights, and the rows that make it long. */
function longest(engine: Engine, rows: Rows): Place {
  const { executor, model } = engine;
  return engine.runInspection(rows.labels ? 'inspectLabels' : 'inspect', rows, (plan): Place => {
    const lengthsOf = (layer: number): number[] => {
      const delta = rowLengths(plan, `delta${layer + 1}`);
      return rowLengths(plan, `x${layer}`).map((length, row) => length * delta[row]);
    };
    const rowLengths = (plan: Plan, name: string): number[] => {
      const { offset, columns } = bufferNamed(plan, name);
      const values = executor.read(offset, rows.count * columns);
      return Array.from({ length: rows.count }, (_, row) =>
        lengthOf(values.subarray(row * columns, (row + 1) * columns)),
      );
    };
    const lengths = model.layers.map(({ trainable }, layer) =>
      trainable ? lengthOf(weightGradientOf(engine, plan, layer)) : 0,
    );
    const layer = lengths.indexOf(Math.max(...lengths));
    const ofRows = lengthsOf(layer);
    const largest = Math.max(...ofRows);
    const places = [...ofRows.keys()].filter((row) => ofRows[row] >= SHARE * largest);
    return { where: 'gradient', layer, rows: places };
  });
}

function lengthOf(values: Numbers): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

function largestOf(
  { inputs }: Rows,
  rows: readonly number[],
  columns: number,
): { column: number; value: number } {
  let largest = { column: 0, value: inputs.length > 0 ? 0 : Number.NaN };
  for (const row of rows) {
    for (let column = 0; column < columns; column++) {
      const value = inputs[row * columns + column];
      if (Math.abs(value) > Math.abs(largest.value)) largest = { column, value };
    }
  }
  return largest;
}
