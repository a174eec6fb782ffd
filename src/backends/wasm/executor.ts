import { Opcode, ScalarCode } from '../../opcodes.js';
import { OPERATION_STRIDE, operations } from '../../plan/operations.js';
import type { Plan, Program } from '../../plan/plan.js';
import {
  type Dataset,
  type Executor,
  type Rows,
  type Run,
  type RunHandle,
  stepsPerEpoch,
} from '../backend.js';
import { firstNonFinite } from '../finite.js';
import { startSliced } from '../sliced-run.js';
import { alignToLine, type GrowingMemory, LinearMemory, type Region } from './memory.js';
import { copyStretch, type PlacedRows, placedBytes, placeRows, withRowsBefore } from './rows.js';
import { RunWord } from './run-words.js';

/** What a module exports. Addresses go in modulo 2^32. */
export interface ModuleExports {
  readonly memory: GrowingMemory;
  firstFree(): number;
  operandCount(opcode: number): number;
  runSteps(words: number): void;
}

/** A dataset up to this size is copied into linear memory once; a larger one goes through it in pieces. */
export const DATASET_BUDGET_BYTES = 512 * 2 ** 20;

/** What a call of the module takes at most, unless one step is more: rows, and bytes copied for them. */
const CALL_ROWS = 65536;
const CALL_BYTES = 4 * 2 ** 20;

const NO_REGION: Region = { address: 0, bytes: 0 };
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const SCALAR_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A dataset in linear memory, or in JavaScript's, from where it is fed in pieces. */
interface WasmDataset extends Dataset {
  readonly source: PlacedRows | Rows;
}

/** Steps that one call of the module executes: within one epoch, or several whole epochs and parts of two. */
interface Call {
  readonly steps: number;
  readonly rows: number;
  /** Epoch of the first row, and its position there. */
  readonly epoch: number;
  readonly position: number;
  readonly epochsEnding: number;
}

/** Executes plans in float32 in the linear memory of an instance of the module. */
export class WasmExecutor implements Executor {
  readonly #datasetBudget: number;
  readonly #scalars: Region;
  readonly #words: Region;
  #module: ModuleExports;
  #memory: LinearMemory;
  #plan: Plan;
  /** The arena and, behind it, the operations. */
  #planRegion = NO_REGION;
  #operations = 0;
  /** What calls read and write beyond the plan, sized by the largest so far. */
  #staging = NO_REGION;

  constructor(module: ModuleExports, plan: Plan, datasetBudget: number) {
    this.#datasetBudget = datasetBudget;
    this.#module = module;
    this.#memory = new LinearMemory(module.memory, module.firstFree());
    this.#words = this.#memory.allocate(RunWord.count * WORD_BYTES);
    this.#scalars = this.#memory.allocate(plan.scalars.length * SCALAR_BYTES);
    this.#plan = { ...plan, arenaLength: 0 };
    this.load(plan);
    this.scalars.set(plan.scalars.map(({ initial }) => initial));
  }

  get scalars(): Float64Array {
    const begin = this.#scalars.address / SCALAR_BYTES;
    return this.#memory.views.f64.subarray(begin, begin + this.#plan.scalars.length);
  }

  load(plan: Plan): void {
    const old = this.#planRegion;
    const arenaBytes = alignToLine(plan.arenaLength * WORD_BYTES);
    const bytes = arenaBytes + plan.operations.byteLength;
    const region = bytes <= old.bytes ? old : this.#memory.allocate(bytes);
    const { f32, i32 } = this.#memory.views;
    const begin = region.address / WORD_BYTES;
    const kept = Math.min(plan.persistentLength, this.#plan.arenaLength);
    if (region !== old) {
      const from = old.address / WORD_BYTES;
      f32.copyWithin(begin, from, from + kept);
      this.#memory.free(old);
    }
    f32.fill(0, begin + kept, begin + plan.arenaLength);
    this.#planRegion = region;
    this.#plan = plan;
    this.#operations = region.address + arenaBytes;
    i32.set(this.#withAddresses(plan.operations), this.#operations / WORD_BYTES);
  }

  read(offset: number, length: number): Float32Array {
    const begin = this.#planRegion.address / WORD_BYTES + offset;
    return this.#memory.views.f32.slice(begin, begin + length);
  }

  write(offset: number, values: ArrayLike<number>): void {
    this.#memory.views.f32.set(values, this.#planRegion.address / WORD_BYTES + offset);
  }

  firstNonFinite(values: Float32Array | Float64Array): number {
    return firstNonFinite(values);
  }

  createDataset(rows: Rows): WasmDataset {
    const { count, inputs, targets, labels, shared } = rows;
    const region = this.#allocateDataset(placedBytes(rows, count));
    if (region) {
      const source = placeRows(rows, { first: 0, count, order: null }, this.#memory.views, region.address);
      return { count, source, dispose: once(() => this.#memory.free(region)) };
    }
    const source = shared
      ? rows
      : {
          ...rows,
          inputs: inputs.slice(),
          targets: targets?.slice() ?? null,
          labels: labels?.slice() ?? null,
        };
    return { count, source, dispose: () => {} };
  }

  run(rows: Rows, run: Run): void {
    this.#run(rows, run, run.firstStep, run.steps);
  }

  start(dataset: Dataset, run: Run): RunHandle {
    const { source } = dataset as WasmDataset;
    return startSliced(
      run,
      () => this.scalars,
      (firstStep, steps) => this.#run(source, run, firstStep, steps),
    );
  }

  dispose(): void {
    const memory = new WebAssembly.Memory({ initial: 0 });
    this.#module = { ...this.#module, memory, runSteps: () => {} };
    this.#memory = new LinearMemory(memory, 0);
    this.#planRegion = NO_REGION;
    this.#staging = NO_REGION;
  }

  /** The operations with buffers and scalars as addresses, 0 where absent. */
  #withAddresses(words: Int32Array): Int32Array {
    const placed = words.slice();
    for (let begin = 0; begin < words.length; begin += OPERATION_STRIDE) {
      operations[words[begin]].operands.forEach(([, kind], index) => {
        const at = begin + 1 + index;
        const value = words[at];
        if (kind === 'buffer') placed[at] = value < 0 ? 0 : this.#planRegion.address + value * WORD_BYTES;
        if (kind === 'scalar') placed[at] = value < 0 ? 0 : this.#scalars.address + value * SCALAR_BYTES;
      });
    }
    return placed;
  }

  /** Room for a dataset, or null where it exceeds the budget or the memory that there is. */
  #allocateDataset(bytes: number): Region | null {
    if (bytes > this.#datasetBudget) return null;
    try {
      return this.#memory.allocate(bytes);
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }

  #run(source: PlacedRows | Rows, run: Run, firstStep: number, steps: number): void {
    for (let done = 0; done < steps; ) done += this.#call(source, run, firstStep + done, steps - done);
  }

  /** Executes up to `steps` steps in one call of the module; returns how many. */
  #call(source: PlacedRows | Rows, run: Run, firstStep: number, steps: number): number {
    const pieces = 'count' in source ? source : null;
    const { result, metrics, order, rates, accumulation } = run;
    const call = cutCall(run, firstStep, Math.min(steps, stepsPerCall(run, pieces)), pieces !== null);
    const { epoch, position, rows, epochsEnding } = call;
    const units = result ? this.#unitsStored(run.program) : 0;
    const [rowsAt, orderAt, metricsAt, resultAt, ratesAt] = this.#stage([
      pieces ? placedBytes(pieces, rows) : 0,
      order && !pieces ? rows * WORD_BYTES : 0,
      epochsEnding * ScalarCode.first_free * SCALAR_BYTES,
      rows * units * WORD_BYTES,
      rates ? call.steps * SCALAR_BYTES : 0,
    ]);
    const { f32, f64, i32 } = this.#memory.views;
    const firstRow = epoch * run.rowsPerEpoch + position;
    let placed: PlacedRows;
    if (pieces) {
      const selection = { first: order ? firstRow : position, count: rows, order };
      const atPosition = placeRows(pieces, selection, this.#memory.views, rowsAt);
      placed = withRowsBefore(atPosition, pieces, position);
    } else {
      placed = source as PlacedRows;
      if (order) copyStretch(order, firstRow, rows, i32, orderAt / WORD_BYTES);
    }
    const word = this.#words.address / WORD_BYTES;
    const placeOf = (operation: number): number =>
      this.#operations + operation * OPERATION_STRIDE * WORD_BYTES;
    i32[word + RunWord.operationsBegin] = placeOf(run.program.begin);
    i32[word + RunWord.operationsEnd] = placeOf(run.program.end);
    i32[word + RunWord.scalars] = this.#scalars.address;
    i32[word + RunWord.inputs] = placed.inputs;
    i32[word + RunWord.inputElement] = placed.inputElement;
    i32[word + RunWord.targets] = placed.targets;
    i32[word + RunWord.labels] = placed.labels;
    i32[word + RunWord.result] = resultAt - position * units * WORD_BYTES;
    i32[word + RunWord.order] = order && !pieces ? orderAt : 0;
    i32[word + RunWord.rowsPerEpoch] = run.rowsPerEpoch;
    i32[word + RunWord.batchSize] = run.batchSize;
    i32[word + RunWord.position] = position;
    i32[word + RunWord.steps] = call.steps;
    i32[word + RunWord.metrics] = metricsAt;
    if (rates) copyStretch(rates.values, firstStep, call.steps, f64, ratesAt / SCALAR_BYTES);
    i32[word + RunWord.accumulated] = accumulation?.every ?? 0;
    if (accumulation) {
      const { more, update } = accumulation;
      i32[word + RunWord.moreBegin] = placeOf(more.begin);
      i32[word + RunWord.moreEnd] = placeOf(more.end);
      i32[word + RunWord.updateBegin] = placeOf(update.begin);
      i32[word + RunWord.updateEnd] = placeOf(update.end);
    }
    i32[word + RunWord.rates] = rates ? ratesAt : 0;
    i32[word + RunWord.rateScalar] = rates ? this.#scalars.address + rates.scalar * SCALAR_BYTES : 0;
    this.#module.runSteps(this.#words.address);
    const metricsFrom = metricsAt / SCALAR_BYTES;
    const perEpoch = ScalarCode.first_free;
    copyStretch(f64, metricsFrom, epochsEnding * perEpoch, metrics, epoch * perEpoch);
    if (result) copyStretch(f32, resultAt / WORD_BYTES, rows * units, result, position * units);
    return call.steps;
  }

  /** Addresses of stretches of these lengths in bytes, for the length of one call. */
  #stage(lengths: readonly number[]): number[] {
    const total = lengths.reduce((sum, length) => sum + alignToLine(length), 0);
    if (total > this.#staging.bytes) {
      const old = this.#staging;
      this.#staging = NO_REGION;
      this.#memory.free(old);
      this.#staging = this.#memory.allocate(total);
    }
    let address = this.#staging.address;
    return lengths.map((length) => {
      const begin = address;
      address += alignToLine(length);
      return begin;
    });
  }

  /** Numbers a row that a program stores has. */
  #unitsStored({ begin, end }: Program): number {
    const words = this.#plan.operations;
    for (let operation = begin; operation < end; operation++) {
      const at = operation * OPERATION_STRIDE;
      if (words[at] === Opcode.store_rows) return words[at + 2];
    }
    return 0;
  }
}

/** Runs `body` the first time it is called. */
function once(body: () => void): () => void {
  let done = false;
  return () => {
    if (!done) body();
    done = true;
  };
}

/** Steps a call takes at most; `pieces` are the rows that have to be copied for it. */
function stepsPerCall({ batchSize }: Run, pieces: Rows | null): number {
  const rows = pieces ? Math.min(CALL_ROWS, CALL_BYTES / placedBytes(pieces, 1)) : CALL_ROWS;
  return Math.max(1, Math.floor(rows / batchSize));
}

/** Up to `atMost` steps from `firstStep` on, which stay `withinEpoch` or where rows are stored. */
function cutCall(run: Run, firstStep: number, atMost: number, withinEpoch: boolean): Call {
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
