import type { Plan } from '../../plan/plan.js';
import type { Dataset, Executor, Numbers, Rows, Run, RunHandle } from '../backend.js';
import { availableThreads } from './available-threads.js';
import type { Addon, AddonDataset, AddonExecutor, RunArguments } from './loader.js';

/** Bytes that the arena may be moved up to begin on a cache line. */
const ALIGNMENT_BYTES = 64;

/** Bytes of a dataset that are kept for the next one at most, and for how long. */
const KEPT_BYTES = 64 * 2 ** 20;
const KEPT_MS = 10_000;

/** Bytes of inputs from which on training begins while they are copied; shorter rows are copied faster as they stand. */
const OVERLAPPED_BYTES = 8 * 2 ** 20;
const OVERLAPPED_ROW_BYTES = 256;

/** Of kernels with vectors, which multiply and add 8 to 32 numbers a cycle. */
const BRIEF_PRODUCTS = 2 ** 26;

interface NativeDataset extends Dataset {
  readonly native: AddonDataset;
}

const accumulationOf = ({ accumulation }: Run): Int32Array | null => {
  if (!accumulation) return null;
  const { every, more, update } = accumulation;
  return Int32Array.of(every, more.begin, more.end, update.begin, update.end);
};

const argumentsOf = (run: Run): RunArguments => [
  run.program.begin,
  run.program.end,
  run.rowsPerEpoch,
  run.batchSize,
  run.firstStep,
  run.steps,
  run.order,
  run.metrics,
  run.result,
  run.rates?.values ?? null,
  run.rates?.scalar ?? 0,
  accumulationOf(run),
];

/** Executes plans in float32 through the addon, in memory that belongs to JavaScript. */
export class NativeExecutor implements Executor {
  readonly scalars: Float64Array;
  readonly briefProducts: number;
  readonly #addon: Addon;
  readonly #native: AddonExecutor;
  readonly #cores: number;
  #arena = new Float32Array(0);
  /** Of the dataset of the last run that had one to itself. */
  #last: AddonDataset | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(addon: Addon, target: string, plan: Plan, threads: number) {
    this.#addon = addon;
    this.#cores = availableThreads();
    this.briefProducts = target === 'native-scalar' ? 0 : BRIEF_PRODUCTS;
    this.#native = new addon.Executor(target, threads, this.#cores);
    this.scalars = Float64Array.from(plan.scalars, ({ initial }) => initial);
    this.load(plan);
  }

  load(plan: Plan): void {
    const { operations, batchCapacity, arenaLength, persistentLength } = plan;
    const bytes = new Uint8Array(arenaLength * Float32Array.BYTES_PER_ELEMENT + ALIGNMENT_BYTES);
    const offset = this.#native.load(operations, batchCapacity, bytes, arenaLength, this.scalars);
    const arena = new Float32Array(bytes.buffer, offset, arenaLength);
    arena.set(this.#arena.subarray(0, persistentLength));
    this.#arena = arena;
  }

  read(offset: number, length: number): Float32Array {
    return this.#arena.slice(offset, offset + length);
  }

  view(offset: number, length: number): Float32Array {
    return this.#arena.subarray(offset, offset + length);
  }

  write(offset: number, values: ArrayLike<number>): void {
    this.#arena.set(values, offset);
    this.#native.forgetPanels();
  }

  firstNonFinite(values: Numbers): number {
    return this.#addon.firstNonFinite(values);
  }

  gainsWhileCopying({ count, inputs, shared }: Rows): boolean {
    if (shared || this.#cores === 1) return false;
    return inputs.byteLength >= Math.max(OVERLAPPED_BYTES, count * OVERLAPPED_ROW_BYTES);
  }

  createDataset(rows: Rows, whileRunning = false, isBrief = false): NativeDataset {
    const { count, inputs, targets, labels, shared } = rows;
    const last = isBrief ? this.#last : null;
    if (last) this.#last = null;
    const native = new this.#addon.Dataset(count, inputs, targets, labels, shared, whileRunning, last);
    const bytes = inputs.byteLength + (targets?.byteLength ?? 0);
    const isKept = isBrief && !shared && bytes <= KEPT_BYTES;
    return {
      count,
      native,
      complete: () => native.complete(),
      dispose: () => (isKept && !this.#isDisposed ? this.#keep(native) : native.dispose()),
    };
  }

  /** Keeps the memory of a dataset for the next one that lasts as short: fresh memory costs more than the copy. */
  #keep(native: AddonDataset): void {
    this.#forget();
    this.#last = native;
    this.#timer = setTimeout(() => this.#forget(), KEPT_MS).unref();
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#last?.dispose();
    this.#last = null;
  }

  run({ count, inputs, targets, labels }: Rows, run: Run): void {
    this.#native.run(count, inputs, targets, labels, ...argumentsOf(run));
  }

  start(dataset: Dataset, run: Run): RunHandle {
    const native = this.#native;
    const numbers = new Float64Array(4);
    let ended = false;
    const finished = native.start((dataset as NativeDataset).native, ...argumentsOf(run)).then((steps) => {
      native.progress(numbers);
      ended = true;
      return steps;
    });
    return {
      finished,
      progress: () => {
        if (!ended) native.progress(numbers);
        const [steps, loss, correct, rows] = numbers;
        return { steps, loss, correct, rows };
      },
      stop: () => {
        if (!ended) native.stop();
      },
      between: (body) => {
        if (ended) return body();
        native.halt();
        try {
          return body();
        } finally {
          native.resume();
        }
      },
    };
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#forget();
    this.#native.dispose();
    this.#arena = new Float32Array(0);
  }
}
