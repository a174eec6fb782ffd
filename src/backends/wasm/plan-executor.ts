import { Opcode, ScalarCode } from '../../opcodes.js';
import { OPERATION_STRIDE, PlaceKind } from '../../plan/encoding.js';
import type { Plan, Program } from '../../plan/plan.js';
import {
  type Dataset,
  type Rows,
  type Run,
  type RunHandle,
  type RunProgress,
  stepsPerEpoch,
} from '../backend.js';
import { startSliced } from '../sliced-run.js';
import { copyInTurns } from './copying.js';
import { deferRun } from './deferred-run.js';
import { alignToLine, LinearMemory, type Region } from './memory.js';
import type { Instance, ModuleExports } from './module.js';
import {
  copiesOf,
  copyStretch,
  type PlacedRows,
  placedBytes,
  placeOf,
  placeRows,
  withRowsBefore,
} from './rows.js';
import { RunWord } from './run-words.js';

/** What an executor needs of a plan; plain data. */
export type ExecutablePlan = Pick<
  Plan,
  'operations' | 'placeKinds' | 'scalars' | 'arenaLength' | 'persistentLength' | 'gradients'
>;

/** A dataset up to this size is copied into linear memory once; a larger one goes through it in pieces. */
const DATASET_BUDGET_BYTES = 512 * 2 ** 20;

/** What a call of the module takes at most, unless one step is more: rows, and bytes copied for them. */
const CALL_ROWS = 65536;
const CALL_BYTES = 4 * 2 ** 20;

const NO_REGION: Region = { address: 0, bytes: 0, untouched: 0 };
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const SCALAR_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A dataset in linear memory, or in JavaScript's, from where it is fed in pieces. */
export interface WasmDataset extends Dataset {
  readonly source: PlacedRows | Rows;
  /** Resolves when the source is complete; null if it is. */
  readonly ready: Promise<void> | null;
}

/** A dataset outside of linear memory. */
export type OutsideRows = Omit<WasmDataset, 'count'> & { readonly source: Rows };

/** Where a call of the module finds what belongs to its first row: addresses, and a position in the epoch. */
interface Placed {
  readonly rows: PlacedRows;
  readonly order: number;
  readonly metrics: number;
  readonly result: number;
  readonly position: number;
  /** Rates of the steps; 0 without. */
  readonly rates: number;
}

/** Steps that one call of the module executes: within one epoch, or several whole epochs and parts of two. */
export interface Call {
  readonly steps: number;
  readonly rows: number;
  /** Epoch of the first row, and its position there. */
  readonly epoch: number;
  readonly position: number;
  readonly epochsEnding: number;
}

/** Executes plans in float32 in the linear memory of an instance of the module: what a worker needs of an executor. */
export class PlanExecutor {
  protected memory: LinearMemory;
  protected plan: ExecutablePlan;
  protected module: ModuleExports;
  readonly #datasetBudget: number;
  readonly #scalars: Region;
  readonly #words: Region;
  /** The arena and, behind it, the operations. */
  #planRegion = NO_REGION;
  #operations = 0;
  /** What calls read and write beyond the plan, sized by the largest so far. */
  #staging = NO_REGION;

  constructor({ exports, memory }: Instance, plan: ExecutablePlan, datasetBudget = DATASET_BUDGET_BYTES) {
    this.#datasetBudget = datasetBudget;
    this.module = exports;
    this.memory = new LinearMemory(memory, exports.firstFree());
    this.#words = this.allocateWords();
    this.#scalars = this.memory.allocate(plan.scalars.length * SCALAR_BYTES);
    this.plan = { ...plan, arenaLength: 0 };
    this.load(plan);
    this.scalars.set(plan.scalars.map(({ initial }) => initial));
  }

  get scalars(): Float64Array {
    const begin = this.#scalars.address / SCALAR_BYTES;
    return this.memory.views.f64.subarray(begin, begin + this.plan.scalars.length);
  }

  load(plan: ExecutablePlan): void {
    const old = this.#planRegion;
    const arenaBytes = alignToLine(plan.arenaLength * WORD_BYTES);
    const bytes = arenaBytes + plan.operations.byteLength;
    const region = bytes <= old.bytes ? old : (this.memory.extend(old, bytes) ?? this.memory.allocate(bytes));
    const { f32, i32 } = this.memory.views;
    const begin = region.address / WORD_BYTES;
    const kept = Math.min(plan.persistentLength, this.plan.arenaLength);
    if (region.address !== old.address) {
      const from = old.address / WORD_BYTES;
      f32.copyWithin(begin, from, from + kept);
      this.memory.free(old);
    }
    const used = region === old ? begin + plan.arenaLength : region.untouched / WORD_BYTES;
    f32.fill(0, begin + kept, Math.min(begin + plan.arenaLength, used));
    this.#planRegion = region;
    this.plan = plan;
    this.#operations = region.address + arenaBytes;
    i32.set(this.#withAddresses(plan), this.#operations / WORD_BYTES);
  }

  /** A copy of a part of the arena. */
  read(offset: number, length: number): Float32Array {
    return this.view(offset, length).slice();
  }

  view(offset: number, length: number): Float32Array {
    const begin = this.#planRegion.address / WORD_BYTES + offset;
    return this.memory.views.f32.subarray(begin, begin + length);
  }

  write(offset: number, values: ArrayLike<number>): void {
    this.memory.views.f32.set(values, this.#planRegion.address / WORD_BYTES + offset);
  }

  createDataset(rows: Rows): WasmDataset {
    const { count } = rows;
    const bytes = placedBytes(rows, count);
    const region = bytes > this.#datasetBudget ? null : this.tryAllocate(bytes);
    if (!region) return { count, ...this.outside(rows) };
    const source = placeOf(rows, count, region.address);
    let disposed = false;
    const copies = copiesOf(rows, source, () => this.memory.views);
    return {
      count,
      source,
      ready: copyInTurns(copies, () => disposed),
      dispose: () => {
        if (!disposed) this.memory.free(region);
        disposed = true;
      },
    };
  }

  /** Rows that stay outside of linear memory, where nobody changes them. */
  protected outside(rows: Rows): OutsideRows {
    return { source: rows, ready: null, dispose: () => {} };
  }

  /** Runs in slices on this thread. */
  start(dataset: Dataset, run: Run, onSlice?: (progress: RunProgress) => void): RunHandle {
    const { source, ready } = dataset as WasmDataset;
    const begin = (): RunHandle =>
      startSliced(
        run,
        () => this.scalars,
        (firstStep, steps) => this.runSteps(source, run, firstStep, steps),
        onSlice,
      );
    return ready ? deferRun(ready, begin) : begin();
  }

  dispose(): void {
    this.module = { ...this.module, runSteps: () => {} };
    this.memory = new LinearMemory(new WebAssembly.Memory({ initial: 0 }), 0);
    this.#planRegion = NO_REGION;
    this.#staging = NO_REGION;
  }

  /** The operations with buffers and scalars as addresses, 0 where absent. */
  #withAddresses({ operations, placeKinds }: ExecutablePlan): Int32Array {
    return operations.map((word, index) => {
      const kind = placeKinds[index];
      if (kind === PlaceKind.none) return word;
      if (word < 0) return 0;
      if (kind === PlaceKind.buffer) return this.#planRegion.address + word * WORD_BYTES;
      return this.#scalars.address + word * SCALAR_BYTES;
    });
  }

  /** A region, or null where the memory cannot grow so far. */
  protected tryAllocate(bytes: number): Region | null {
    try {
      return this.memory.allocate(bytes);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  protected runSteps(source: PlacedRows | Rows, run: Run, firstStep: number, steps: number): void {
    for (let done = 0; done < steps; ) done += this.#call(source, run, firstStep + done, steps - done);
  }

  /** Executes up to `steps` steps in one call of the module; returns how many. */
  #call(source: PlacedRows | Rows, run: Run, firstStep: number, steps: number): number {
    const pieces = 'count' in source ? source : null;
    const { result, metrics, order, rates } = run;
    const call = cutCall(run, firstStep, Math.min(steps, stepsPerCall(run, pieces)), pieces !== null);
    const { epoch, position, rows, epochsEnding } = call;
    const units = result ? this.unitsStored(run.program) : 0;
    const [rowsAt, orderAt, metricsAt, resultAt, ratesAt] = this.#stage([
      pieces ? placedBytes(pieces, rows) : 0,
      order && !pieces ? rows * WORD_BYTES : 0,
      epochsEnding * ScalarCode.first_free * SCALAR_BYTES,
      rows * units * WORD_BYTES,
      rates ? call.steps * SCALAR_BYTES : 0,
    ]);
    const { f32, f64, i32 } = this.memory.views;
    const firstRow = epoch * run.rowsPerEpoch + position;
    let placed: PlacedRows;
    if (pieces) {
      const selection = { first: order ? firstRow : position, count: rows, order };
      const atPosition = placeRows(pieces, selection, this.memory.views, rowsAt);
      placed = withRowsBefore(atPosition, pieces, position);
    } else {
      placed = source as PlacedRows;
      if (order) copyStretch(order, firstRow, rows, i32, orderAt / WORD_BYTES);
    }
    if (rates) copyStretch(rates.values, firstStep, call.steps, f64, ratesAt / SCALAR_BYTES);
    this.describeRun(this.#words, run, call.steps, {
      rows: placed,
      order: order && !pieces ? orderAt : 0,
      metrics: metricsAt,
      result: resultAt,
      position,
      rates: rates ? ratesAt : 0,
    });
    this.module.runSteps(this.#words.address);
    const metricsFrom = metricsAt / SCALAR_BYTES;
    const perEpoch = ScalarCode.first_free;
    copyStretch(f64, metricsFrom, epochsEnding * perEpoch, metrics, epoch * perEpoch);
    if (result) copyStretch(f32, resultAt / WORD_BYTES, rows * units, result, position * units);
    return call.steps;
  }

  /** Words of a run nothing is asked of. */
  protected allocateWords(): Region {
    const region = this.memory.allocate(RunWord.count * WORD_BYTES);
    const begin = region.address / WORD_BYTES;
    this.memory.views.i32.fill(0, begin, begin + RunWord.count);
    return region;
  }

  /** Tells of `steps` steps of a run, in the words that `runSteps` reads. */
  protected describeRun({ address }: Pick<Region, 'address'>, run: Run, steps: number, placed: Placed): void {
    const { i32 } = this.memory.views;
    const word = address / WORD_BYTES;
    const { rows, position } = placed;
    const rowsBefore = position * (run.result ? this.unitsStored(run.program) : 0);
    this.describeProgram({ address }, run);
    i32[word + RunWord.scalars] = this.#scalars.address;
    i32[word + RunWord.inputs] = rows.inputs;
    i32[word + RunWord.inputElement] = rows.inputElement;
    i32[word + RunWord.targets] = rows.targets;
    i32[word + RunWord.labels] = rows.labels;
    i32[word + RunWord.result] = placed.result - rowsBefore * WORD_BYTES;
    i32[word + RunWord.order] = placed.order;
    i32[word + RunWord.rowsPerEpoch] = run.rowsPerEpoch;
    i32[word + RunWord.batchSize] = run.batchSize;
    i32[word + RunWord.position] = position;
    i32[word + RunWord.steps] = steps;
    i32[word + RunWord.metrics] = placed.metrics;
    i32[word + RunWord.rates] = placed.rates;
    i32[word + RunWord.rateScalar] = this.#scalars.address + (run.rates?.scalar ?? 0) * SCALAR_BYTES;
  }

  /** Tells where the operations of the programs of a run are, which moves with the plan. */
  protected describeProgram(
    { address }: Pick<Region, 'address'>,
    { program, accumulation }: Pick<Run, 'program' | 'accumulation'>,
  ): void {
    const { i32 } = this.memory.views;
    const word = address / WORD_BYTES;
    const placeOf = (operation: number): number =>
      this.#operations + operation * OPERATION_STRIDE * WORD_BYTES;
    const { every, more, update } = accumulation ?? { every: 0, more: program, update: program };
    i32[word + RunWord.operationsBegin] = placeOf(program.begin);
    i32[word + RunWord.operationsEnd] = placeOf(program.end);
    i32[word + RunWord.accumulated] = every;
    i32[word + RunWord.moreBegin] = placeOf(more.begin);
    i32[word + RunWord.moreEnd] = placeOf(more.end);
    i32[word + RunWord.updateBegin] = placeOf(update.begin);
    i32[word + RunWord.updateEnd] = placeOf(update.end);
  }

  /** Addresses of stretches of these lengths in bytes, for the length of one call. */
  #stage(lengths: readonly number[]): number[] {
    const total = totalBytes(lengths);
    if (total > this.#staging.bytes) {
      const old = this.#staging;
      this.#staging = NO_REGION;
      this.memory.free(old);
      this.#staging = this.memory.allocate(total);
    }
    return addressesFrom(this.#staging.address, lengths);
  }

  /** Numbers a row that a program stores has. */
  protected unitsStored({ begin, end }: Program): number {
    const words = this.plan.operations;
    for (let operation = begin; operation < end; operation++) {
      const at = operation * OPERATION_STRIDE;
      if (words[at] === Opcode.store_rows) return words[at + 2];
    }
    return 0;
  }
}

/** Bytes that stretches of these lengths take, each from a cache line on. */
export const totalBytes = (lengths: readonly number[]): number =>
  lengths.reduce((sum, length) => sum + alignToLine(length), 0);

/** Addresses of stretches of these lengths, one after the other. */
export function addressesFrom(address: number, lengths: readonly number[]): number[] {
  let next = address;
  return lengths.map((length) => {
    const begin = next;
    next += alignToLine(length);
    return begin;
  });
}

/** Steps a call takes at most; `pieces` are the rows that have to be copied for it. */
function stepsPerCall({ batchSize }: Run, pieces: Rows | null): number {
  const rows = pieces ? Math.min(CALL_ROWS, CALL_BYTES / placedBytes(pieces, 1)) : CALL_ROWS;
  return Math.max(1, Math.floor(rows / batchSize));
}

/** Up to `atMost` steps from `firstStep` on, which stay `withinEpoch` or where rows are stored. */
export function cutCall(run: Run, firstStep: number, atMost: number, withinEpoch: boolean): Call {
  const { rowsPerEpoch, batchSize } = run;
  const epochSteps = stepsPerEpoch(run);
  const epoch = Math.floor(firstStep / epochSteps);
  const stepInEpoch = firstStep - epoch * epochSteps;
  const stays = withinEpoch || run.result !== null;
  const steps = stays ? Math.min(atMost, epochSteps - stepInEpoch) : atMost;
  const end = firstStep + steps;
  const epochsEnding = Math.floor(end / epochSteps) - epoch;
  const position = stepInEpoch * batchSize;
  const endInEpoch = Math.min(rowsPerEpoch, (end % epochSteps) * batchSize);
  return { steps, epoch, position, rows: epochsEnding * rowsPerEpoch + endInEpoch - position, epochsEnding };
}
