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
import type { Region } from './memory.js';
import type { Instance } from './module.js';
import { copyStretch, type PlacedRows } from './rows.js';
import { costOf } from './run-cost.js';
import { SharedRun } from './shared-run.js';
import type { WorkerClient } from './worker/client.js';
import type { WorkerHost } from './worker/host.js';
import type { ToWorker } from './worker/messages.js';

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
  readonly #threads: number;
  /** Made for the first run that is worth it. */
  #worker: Promise<WorkerClient | null> | null = null;
  #helpers: Promise<WorkerClient | null>[] = [];
  /** The workspaces of the workers, and the team. */
  #teamRegion: Region | null = null;

  constructor(
    instance: SharedInstance,
    plan: ExecutablePlan,
    datasetBudget: number,
    host: WorkerHost,
    threads: number,
  ) {
    super(instance, plan, datasetBudget);
    this.#instance = instance;
    this.#host = host;
    this.#threads = threads;
  }

  override get placement(): Placement {
    return this.#host.placement(this.#threads, []);
  }

  override start(dataset: Dataset, run: Run): RunHandle {
    const { source, ready } = dataset as WasmDataset;
    const call = cutCall(run, run.firstStep, run.steps, false);
    const fits = !('count' in source) && call.steps === run.steps;
    if (!fits || !this.#host.accepts(costOf(this.plan.operations, run))) return super.start(dataset, run);
    this.#worker ??= this.#openTeam();
    return deferRun(Promise.all([this.#worker, ready]), ([worker]) => {
      const handle = worker && this.#startIn(worker, source as PlacedRows, run, call);
      return handle ?? super.start(dataset, run);
    });
  }

  override dispose(): void {
    this.#closeTeam();
    super.dispose();
  }

  /** Makes the workers, and resolves to the one that executes runs; nobody waits for the others. */
  #openTeam(): Promise<WorkerClient | null> {
    const { module, memory, exports } = this.#instance;
    const threads = this.#threads;
    const lengths = Array.from({ length: threads }, () => exports.workspaceBytes());
    const teamBytes = exports.teamBytes(threads);
    this.#teamRegion = this.memory.allocate(totalBytes([teamBytes, ...lengths]));
    const [team, ...workspaces] = addressesFrom(this.#teamRegion.address, [teamBytes, ...lengths]);
    this.memory.views.u8.fill(0, team, team + teamBytes);
    const setup = (thread: number): ToWorker => {
      return { kind: 'share', module, memory, workspace: workspaces[thread], team, threads, thread };
    };
    this.#helpers = workspaces.slice(1).map((_, helper) => this.#host.openHelper(this, setup(helper + 1)));
    return this.#host.open(this, setup(0));
  }

  #closeTeam(): void {
    for (const worker of [this.#worker, ...this.#helpers]) void worker?.then((one) => one?.terminate());
    this.#worker = null;
    this.#helpers = [];
  }

  /** Starts a run in the worker; null if there is no memory for what it needs. */
  #startIn(worker: WorkerClient, rows: PlacedRows, run: Run, call: Call): RunHandle | null {
    const { order, result, metrics, rates } = run;
    const { epoch, position, epochsEnding } = call;
    const units = result ? this.unitsStored(run.program) : 0;
    const perEpoch = ScalarCode.first_free;
    const lengths = [
      order ? call.rows * WORD_BYTES : 0,
      epochsEnding * perEpoch * SCALAR_BYTES,
      call.rows * units * WORD_BYTES,
      rates ? run.steps * SCALAR_BYTES : 0,
    ];
    const words = this.allocateWords();
    const region = this.tryAllocate(totalBytes(lengths));
    if (!region) {
      this.memory.free(words);
      return null;
    }
    const [orderAt, metricsAt, resultAt, ratesAt] = addressesFrom(region.address, lengths);
    if (order) {
      const firstRow = epoch * run.rowsPerEpoch + position;
      copyStretch(order, firstRow, call.rows, this.memory.views.i32, orderAt / WORD_BYTES);
    }
    if (rates) {
      const { f64 } = this.memory.views;
      copyStretch(rates.values, run.firstStep, run.steps, f64, ratesAt / SCALAR_BYTES);
    }
    this.describeRun(words, run, run.steps, {
      rows,
      order: order ? orderAt : 0,
      metrics: metricsAt,
      result: resultAt,
      position,
      rates: rates ? ratesAt : 0,
    });
    return new SharedRun(this.memory, words, run.steps, worker, {
      resume: () => this.describeProgram(words, run),
      end: (steps) => {
        const { f32, f64 } = this.memory.views;
        const { epochsEnding: ended } = cutCall(run, run.firstStep, steps, false);
        copyStretch(f64, metricsAt / SCALAR_BYTES, ended * perEpoch, metrics, epoch * perEpoch);
        if (result) copyStretch(f32, resultAt / WORD_BYTES, call.rows * units, result, position * units);
        this.memory.free(words);
        this.memory.free(region);
      },
      failed: () => this.#closeTeam(),
    });
  }
}
