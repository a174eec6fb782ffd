import { ScalarCode } from '../../opcodes.js';
import type { Dataset, Placement, Rows, Run, RunHandle } from '../backend.js';
import { deferRun } from './deferred-run.js';
import { WasmExecutor } from './executor.js';
import type { Region } from './memory.js';
import type { Instance } from './module.js';
import {
  addressesFrom,
  type Call,
  cutCall,
  type ExecutablePlan,
  totalBytes,
  type WasmDataset,
} from './plan-executor.js';
import { copyStretch, type PlacedRows, placedBytes } from './rows.js';
import { costOf } from './run-cost.js';
import { SharedRun } from './shared-run.js';
import type { WorkerClient } from './worker/client.js';
import { WorkerHost } from './worker/host.js';
import type { ToWorker } from './worker/messages.js';
import type { CreateWorker } from './worker/port.js';
import { script } from './worker-team.generated.js';

/** What makes the workers of these executors. */
export const createHost = (createWorker: CreateWorker, minimumCost?: number): WorkerHost =>
  new WorkerHost(createWorker, minimumCost, script);

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const SCALAR_BYTES = Float64Array.BYTES_PER_ELEMENT;

/**
 * How long a caller that wants to get between two steps waits for the one under way before it takes the worker for
 * dead: some seconds, and for what a step costs a hundred times what is usual.
 */
const PATIENCE_MS = 5000;
const COST_MS = 1e-5;

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
  /** Resolves when the workers that were there before have ended. */
  #closed: Promise<unknown> = Promise.resolve();
  #largestRefused = 0;

  constructor(
    instance: SharedInstance,
    plan: ExecutablePlan,
    datasetBudget: number | undefined,
    host: WorkerHost,
    threads: number,
    briefProducts?: number,
  ) {
    super(instance, plan, datasetBudget, briefProducts);
    this.#instance = instance;
    this.#host = host;
    this.#threads = threads;
  }

  override get placement(): Placement {
    const mebibytes = Math.ceil(this.#largestRefused / 2 ** 20);
    const sliced = `runs on a dataset of ${mebibytes} MiB take place in slices: it does not fit into the module's memory`;
    return this.#host.placement(this.#threads, mebibytes > 0 ? [sliced] : []);
  }

  override createDataset(rows: Rows): WasmDataset {
    const dataset = super.createDataset(rows);
    if ('count' in dataset.source) {
      this.#largestRefused = Math.max(this.#largestRefused, placedBytes(rows, rows.count));
    }
    return dataset;
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
    void this.#closeTeam(this.#helpers, new Error('the executor was disposed of'));
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
    const openHelper = (thread: number) =>
      this.#closed.then(() => this.#host.openHelper(this, setup(thread)));
    const helpers = workspaces.slice(1).map((_, helper) => openHelper(helper + 1));
    this.#helpers = helpers;
    // A helper that fails may have claimed what the others wait for. It keeps no executor alive.
    const executor = new WeakRef(this);
    const failed = (cause: unknown): void => {
      const alive = executor.deref();
      if (alive) void alive.#closeTeam(helpers, cause);
    };
    for (const helper of helpers) void helper.then((one) => one?.onFailure(failed));
    return this.#closed.then(() => this.#host.open(this, setup(0)));
  }

  /** Ends the workers, unless others have taken their place, and takes back their memory when they have ended. */
  #closeTeam(helpers: readonly unknown[], cause: unknown): Promise<unknown> {
    if (helpers !== this.#helpers) return this.#closed;
    const { memory } = this;
    const region = this.#teamRegion;
    const ending = [this.#worker, ...this.#helpers].map(async (worker) => (await worker)?.terminate(cause));
    this.#worker = null;
    this.#helpers = [];
    this.#teamRegion = null;
    this.#closed = Promise.all([this.#closed, ...ending]).then(() => region && memory.free(region));
    return this.#closed;
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
    const { memory } = this;
    const helpers = this.#helpers;
    const stepMs = (costOf(this.plan.operations, run) * COST_MS) / run.steps;
    return new SharedRun(memory, words, run.steps, worker, {
      patienceMs: PATIENCE_MS + stepMs,
      resume: () => this.describeProgram(words, run),
      end: (steps) => {
        const { f32, f64 } = this.memory.views;
        const { epochsEnding: ended } = cutCall(run, run.firstStep, steps, false);
        copyStretch(f64, metricsAt / SCALAR_BYTES, ended * perEpoch, metrics, epoch * perEpoch);
        if (result) copyStretch(f32, resultAt / WORD_BYTES, call.rows * units, result, position * units);
      },
      release: () => {
        memory.free(words);
        memory.free(region);
      },
      failed: (cause) => this.#closeTeam(helpers, cause),
    });
  }
}
