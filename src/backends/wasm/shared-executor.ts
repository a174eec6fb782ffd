import { ScalarCode } from '../../opcodes.js';
import type { Dataset, Placement, Run, RunHandle } from '../backend.js';
import { deferRun } from './deferred-run.js';
import {
  addressesFrom,
  type Call,
  cutCall,
  type ExecutablePlan,
  totalBytes,
  type WasmDataset,
  WasmExecutor,
} from './executor.js';
import type { Instance } from './module.js';
import { copyStretch, type PlacedRows } from './rows.js';
import { costOf } from './run-cost.js';
import { SharedRun } from './shared-run.js';
import type { WorkerClient } from './worker/client.js';
import type { WorkerHost } from './worker/host.js';

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const SCALAR_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A module in a memory that other threads work in as well. */
export interface SharedInstance extends Instance {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
}

/** Executes plans in shared memory: `run` on the caller's thread, `start` in a worker that works in the same memory. */
export class SharedExecutor extends WasmExecutor {
  readonly #instance: SharedInstance;
  readonly #host: WorkerHost;
  /** Made for the first run that is worth it. */
  #worker: Promise<WorkerClient | null> | null = null;

  constructor(instance: SharedInstance, plan: ExecutablePlan, datasetBudget: number, host: WorkerHost) {
    super(instance, plan, datasetBudget);
    this.#instance = instance;
    this.#host = host;
  }

  override get placement(): Placement {
    return this.#host.placement(1, []);
  }

  override start(dataset: Dataset, run: Run): RunHandle {
    const { source, ready } = dataset as WasmDataset;
    const call = cutCall(run, run.firstStep, run.steps, false);
    const fits = !('count' in source) && call.steps === run.steps;
    if (!fits || !this.#host.accepts(costOf(this.plan.operations, run))) return super.start(dataset, run);
    this.#worker ??= this.#openWorker();
    return deferRun(Promise.all([this.#worker, ready]), ([worker]) => {
      const handle = worker && this.#startIn(worker, source as PlacedRows, run, call);
      return handle ?? super.start(dataset, run);
    });
  }

  override dispose(): void {
    void this.#worker?.then((worker) => worker?.terminate());
    super.dispose();
  }

  #openWorker(): Promise<WorkerClient | null> {
    const { module, memory, exports } = this.#instance;
    const workspace = this.memory.allocate(exports.workspaceBytes()).address;
    return this.#host.open(this, { kind: 'share', module, memory, workspace });
  }

  /** Starts a run in the worker; null if there is no memory for what it needs. */
  #startIn(worker: WorkerClient, rows: PlacedRows, run: Run, call: Call): RunHandle | null {
    const { order, result, metrics } = run;
    const { epoch, position, epochsEnding } = call;
    const units = result ? this.unitsStored(run.program) : 0;
    const perEpoch = ScalarCode.first_free;
    const lengths = [
      order ? call.rows * WORD_BYTES : 0,
      epochsEnding * perEpoch * SCALAR_BYTES,
      call.rows * units * WORD_BYTES,
    ];
    const words = this.allocateWords();
    const region = this.tryAllocate(totalBytes(lengths));
    if (!region) {
      this.memory.free(words);
      return null;
    }
    const [orderAt, metricsAt, resultAt] = addressesFrom(region.address, lengths);
    if (order) {
      const firstRow = epoch * run.rowsPerEpoch + position;
      copyStretch(order, firstRow, call.rows, this.memory.views.i32, orderAt / WORD_BYTES);
    }
    this.describeRun(words, run, run.steps, {
      rows,
      order: order ? orderAt : 0,
      metrics: metricsAt,
      result: resultAt,
      position,
    });
    return new SharedRun(this.memory, words, run.steps, worker, {
      resume: () => this.describeProgram(words, run.program),
      end: () => {
        const { f32, f64 } = this.memory.views;
        copyStretch(f64, metricsAt / SCALAR_BYTES, epochsEnding * perEpoch, metrics, epoch * perEpoch);
        if (result) copyStretch(f32, resultAt / WORD_BYTES, call.rows * units, result, position * units);
        this.memory.free(words);
        this.memory.free(region);
      },
      failed: () => {
        this.#worker = null;
      },
    });
  }
}
