/** A plan of one operation or a few on an executor, run for many steps in one call: nothing but kernels is timed. */

import type { Backend, Executor, Rows } from '../src/backends/backend.js';
import { loadFurther } from '../src/further.js';
import { ScalarCode } from '../src/opcodes.js';
import type { Emitter } from '../src/plan/emitter.js';
import { OPERATION_STRIDE } from '../src/plan/encoding.js';
import { placeKindsOf } from '../src/plan/known-operations.js';
import type { Layout } from '../src/plan/layout.js';
import type { Plan } from '../src/plan/plan.js';
import { Random } from '../src/random.js';
import { time } from './harness.js';

await loadFurther();

export interface Place {
  offset: number;
  length: number;
}

/** What an emitter and a layout hold, as a plan for batches of `batch` rows. */
export function planOf(emitter: Emitter, layout: Layout): Plan {
  const operations = emitter.operations();
  return {
    operations,
    placeKinds: placeKindsOf(operations),
    programs: {},
    buffers: layout.buffers,
    scalars: layout.scalars,
    batchCapacity: layout.batchCapacity,
    arenaLength: layout.length,
    persistentLength: 0,
    gradients: { offset: 0, length: 0 },
    learningRate: -1,
  };
}

export interface Prepared {
  executor: Executor;
  /** Seconds that `repeats` runs of the operations take. */
  run(repeats: number): number;
}

/** Fills places with the same random numbers in [-0.5, 0.5) every time. */
export function fill(executor: Executor, places: readonly Place[]): void {
  const random = new Random(1);
  for (const { offset, length } of places) {
    executor.write(
      offset,
      Float32Array.from({ length }, () => random.uniform() - 0.5),
    );
  }
}

/** Steps of an epoch: where one ends metrics are put aside, and in WebAssembly a call returns. */
const STEPS_PER_EPOCH = 64;

/** An executor of the plan's operations. The rows of its run have one column that no operation here reads. */
export async function prepareOperation(backend: Backend, plan: Plan): Promise<Prepared> {
  const executor = await backend.createExecutor(plan, 1);
  const count = plan.batchCapacity * STEPS_PER_EPOCH;
  const inputs = backend.precision === 'float32' ? new Float32Array(count) : new Float64Array(count);
  const rows: Rows = { count, inputs, targets: null, labels: null, shared: false };
  const run = (repeats: number) =>
    executor.run(rows, {
      program: { begin: 0, end: plan.operations.length / OPERATION_STRIDE },
      rowsPerEpoch: count,
      batchSize: plan.batchCapacity,
      firstStep: 0,
      steps: repeats,
      order: null,
      metrics: new Float64Array(Math.ceil(repeats / STEPS_PER_EPOCH) * ScalarCode.first_free),
      result: null,
    });
  return { executor, run: (repeats) => time(() => run(repeats)) };
}
