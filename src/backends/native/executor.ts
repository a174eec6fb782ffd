import type { Plan } from '../../plan/plan.js';
import type { Dataset, Executor, Numbers, Rows, Run, RunHandle } from '../backend.js';
import { availableThreads } from './available-threads.js';
import type { Addon, AddonDataset, AddonExecutor, RunArguments } from './loader.js';

/** Bytes that the arena may be moved up to begin on a cache line. */
const ALIGNMENT_BYTES = 64;

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
  readonly #addon: Addon;
  readonly #native: AddonExecutor;
  #arena = new Float32Array(0);

  constructor(addon: Addon, target: string, plan: Plan, threads: number) {
    this.#addon = addon;
    this.#native = new addon.Executor(target, threads, availableThreads());
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
  }

  firstNonFinite(values: Numbers): number {
    return this.#addon.firstNonFinite(values);
  }

  createDataset({ count, inputs, targets, labels, shared }: Rows): NativeDataset {
    const native = new this.#addon.Dataset(count, inputs, targets, labels, shared);
    return { count, native, dispose: () => native.dispose() };
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
    this.#native.dispose();
    this.#arena = new Float32Array(0);
  }
}
