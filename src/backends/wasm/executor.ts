import type { Executor, Placement, Rows, Run } from '../backend.js';
import { firstNonFinite } from '../finite.js';
import { type Copy, copyInTurns, roomFor } from './copying.js';
import type { Region } from './memory.js';
import type { Instance } from './module.js';
import { type ExecutablePlan, type OutsideRows, PlanExecutor } from './plan-executor.js';

/** Numbers that the module looks through at a time, and from how many on that is faster than a loop in JavaScript. */
const CHECKED_FLOATS = 16384;
const CHECKED_BY_MODULE = 512;

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** An executor on the caller's thread, where rows may change after a call. */
export class WasmExecutor extends PlanExecutor implements Executor {
  /** Where numbers lie that are looked through, made at the first need. */
  #checked: Region | null = null;

  constructor(
    instance: Instance,
    plan: ExecutablePlan,
    datasetBudget?: number,
    readonly briefProducts = 0,
  ) {
    super(instance, plan, datasetBudget);
  }

  get placement(): Placement {
    return { worker: false, threads: 1, notes: [] };
  }

  firstNonFinite(values: Float32Array | Float64Array): number {
    if (!(values instanceof Float32Array) || values.length < CHECKED_BY_MODULE) return firstNonFinite(values);
    this.#checked ??= this.tryAllocate(CHECKED_FLOATS * WORD_BYTES);
    if (!this.#checked) return firstNonFinite(values);
    const { address } = this.#checked;
    const at = address / WORD_BYTES;
    for (let begin = 0; begin < values.length; begin += CHECKED_FLOATS) {
      const piece = values.subarray(begin, begin + CHECKED_FLOATS);
      const whole = (piece.length + 3) & ~3;
      const { f32 } = this.memory.views;
      f32.set(piece, at);
      f32.fill(0, at + piece.length, at + whole);
      if (this.module.hasNonFinite(address, whole * WORD_BYTES)) return begin + firstNonFinite(piece);
    }
    return -1;
  }

  protected override outside(rows: Rows): OutsideRows {
    return ownRows(rows);
  }

  run(rows: Rows, run: Run): void {
    this.runSteps(rows, run, run.firstStep, run.steps);
  }

  override dispose(): void {
    super.dispose();
    this.#checked = null;
  }
}

/** The rows, or a copy of them where somebody else may change them. */
export function ownRows(rows: Rows): OutsideRows {
  const { inputs, targets, labels, shared } = rows;
  if (shared) return { source: rows, ready: null, dispose: () => {} };
  let disposed = false;
  const copies: Copy[] = [];
  const copyOf = <T extends Copy['values']>(values: T): T => {
    const target = roomFor(values);
    copies.push({ values, target: () => target, at: 0 });
    return target;
  };
  const source = {
    ...rows,
    inputs: copyOf(inputs),
    targets: targets && copyOf(targets),
    labels: labels && copyOf(labels),
  };
  return {
    source,
    ready: copyInTurns(copies, () => disposed),
    dispose: () => {
      disposed = true;
    },
  };
}
