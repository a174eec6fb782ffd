import { fact, stateError } from '../../errors.js';
import { ScalarCode } from '../../opcodes.js';
import type { Dataset, Placement, Rows, Run, RunHandle, RunProgress } from '../backend.js';
import { deferRun } from './deferred-run.js';
import { ownRows, WasmExecutor } from './executor.js';
import type { Instance } from './module.js';
import { cutCall, type ExecutablePlan, type WasmDataset } from './plan-executor.js';
import { placedBytes } from './rows.js';
import { costOf } from './run-cost.js';
import type { WorkerClient } from './worker/client.js';
import { WorkerHost } from './worker/host.js';
import type { Change, FromWorker, State } from './worker/messages.js';
import type { CreateWorker } from './worker/port.js';

export { WasmExecutor } from './executor.js';

/** What makes the workers of these executors. */
export const createHost = (createWorker: CreateWorker, minimumCost?: number): WorkerHost =>
  new WorkerHost(createWorker, minimumCost);

/** A dataset that a worker may have. */
interface SentDataset extends WasmDataset {
  readonly source: Rows;
  readonly id: number;
  /** The worker that has it, or a copy of it. */
  holder: WorkerClient | null;
  /** Whether this thread gives it away: a copy of its own, too large to be copied once more at a stretch. */
  readonly moves: boolean;
}

/** Datasets beyond this size are moved to the worker. */
const LARGE_DATASET_BYTES = 2 ** 20;

export interface UnsharedInstance extends Instance {
  readonly module: WebAssembly.Module;
}

/**
 * Executes plans where threads share no memory: `run` on the caller's thread, `start` in a worker with an executor of its
 * own. During a run the caller sees what the worker has sent last, at most a tenth of a second old; what it writes
 * reaches the worker between two steps, all writes of one `between` at once.
 */
export class MessageExecutor extends WasmExecutor {
  readonly #module: WebAssembly.Module;
  readonly #host: WorkerHost;
  readonly #datasetBudget: number | undefined;
  readonly #unshared: string;
  /** Made for the first run that is worth it. */
  #worker: Promise<WorkerClient | null> | null = null;
  #datasets = 0;
  #sequence = 0;
  /** Changes that no state from the worker contains yet. */
  #unseen: Change[] = [];
  /** What has been written since `between` began. */
  #writes: Change['writes'][number][] | null = null;

  constructor(
    { exports, memory, module }: UnsharedInstance,
    plan: ExecutablePlan,
    datasetBudget: number | undefined,
    host: WorkerHost,
    unshared: string,
    briefProducts?: number,
  ) {
    super({ exports, memory }, plan, datasetBudget, briefProducts);
    this.#module = module;
    this.#datasetBudget = datasetBudget;
    this.#host = host;
    this.#unshared = unshared;
  }

  override get placement(): Placement {
    return this.#host.placement(1, [`one thread: ${this.#unshared}`]);
  }

  override write(offset: number, values: ArrayLike<number>): void {
    super.write(offset, values);
    this.#writes?.push({ offset, values: Float32Array.from(values) });
  }

  /** Rows stay where they are, for the worker to get a copy: this thread computes on them only in small runs. */
  override createDataset(rows: Rows): WasmDataset {
    if (!this.#host.mayOpen) return super.createDataset(rows);
    const id = this.#datasets++;
    const { source, ready, dispose } = ownRows(rows);
    const dataset: SentDataset = {
      ...{ count: rows.count, source, ready, id, holder: null },
      moves: !rows.shared && placedBytes(rows, rows.count) > LARGE_DATASET_BYTES,
      dispose: () => {
        dispose();
        dataset.holder?.tell({ kind: 'forget', id });
        dataset.holder = null;
      },
    };
    return dataset;
  }

  override start(dataset: Dataset, run: Run): RunHandle {
    if (!('id' in dataset)) return super.start(dataset, run);
    const sent = dataset as SentDataset;
    const moved = sent.moves && sent.holder !== null;
    if (!moved && !this.#host.accepts(costOf(this.plan.operations, run))) return super.start(sent, run);
    this.#worker ??= this.#host.open(this, {
      kind: 'own',
      module: this.#module,
      plan: this.#sentPlan(),
      datasetBudget: this.#datasetBudget,
    });
    return deferRun(Promise.all([this.#worker, sent.ready]), ([worker]) =>
      worker ? this.#startIn(worker, sent, run) : super.start(sent, run),
    );
  }

  override dispose(): void {
    void this.#worker?.then((worker) => worker?.terminate());
    super.dispose();
  }

  /** The plan as plain data, without its functions. */
  #sentPlan(): ExecutablePlan {
    const { operations, placeKinds, scalars, arenaLength, persistentLength, gradients } = this.plan;
    return { operations, placeKinds, scalars, arenaLength, persistentLength, gradients };
  }

  #startIn(worker: WorkerClient, dataset: SentDataset, run: Run): RunHandle {
    this.#send(dataset, worker);
    const { metrics, result, ...rest } = run;
    let last: RunProgress = { steps: 0, loss: 0, correct: 0, rows: 0 };
    let ended = false;
    const hear = (message: FromWorker): boolean => {
      if (message.kind !== 'progress' && message.kind !== 'ended') return false;
      last = message.progress;
      if (message.state) this.#accept(message.state);
      if (message.kind === 'progress') return false;
      const { epoch, epochsEnding } = cutCall(run, run.firstStep, last.steps, false);
      const [begin, end] = [epoch, epoch + epochsEnding].map((index) => index * ScalarCode.first_free);
      metrics.set(message.metrics.subarray(begin, end), begin);
      if (message.result) result?.set(message.result);
      return true;
    };
    this.#unseen = [];
    const arena = this.read(0, this.plan.persistentLength);
    const ran = worker.ask(
      {
        kind: 'start',
        dataset: dataset.id,
        run: { ...rest, metricsLength: metrics.length, resultLength: result?.length ?? null },
        plan: this.#sentPlan(),
        state: { sequence: this.#sequence, arena, scalars: this.scalars.slice() },
      },
      hear,
      [arena.buffer as ArrayBuffer],
    );
    ran.catch(() => {
      this.#worker = null;
    });
    return {
      finished: ran
        .finally(() => {
          ended = true;
        })
        .then(() => last.steps),
      progress: () => last,
      stop: () => worker.tell({ kind: 'stop' }),
      between: (body) => (ended ? body() : this.#recorded(worker, body)),
    };
  }

  /** Sees to it that the worker has the dataset. */
  #send(dataset: SentDataset, worker: WorkerClient): void {
    const { id, source, holder, moves } = dataset;
    if (holder === worker) return;
    if (moves && holder) {
      const rule = 'the worker that has the data must be alive';
      throw stateError('Cannot go on', rule, fact('a worker that has ended'));
    }
    const { inputs, targets, labels } = source;
    const arrays = [inputs, targets, labels].filter((array) => array !== null);
    worker.tell(
      { kind: 'dataset', id, rows: source },
      moves ? arrays.map(({ buffer }) => buffer as ArrayBuffer) : [],
    );
    dataset.holder = worker;
  }

  /** Calls `body` and tells the worker what it has written. */
  #recorded<T>(worker: WorkerClient, body: () => T): T {
    const before = this.scalars.slice();
    const outer = this.#writes;
    const writes = outer ?? [];
    this.#writes = writes;
    try {
      return body();
    } finally {
      this.#writes = outer;
      const scalars = [...this.scalars.entries()].filter(
        ([index, value]) => !Object.is(value, before[index]),
      );
      if (outer === null && (writes.length > 0 || scalars.length > 0)) {
        const change: Change = { sequence: ++this.#sequence, writes, scalars };
        this.#unseen.push(change);
        worker.tell({ kind: 'change', change });
      }
    }
  }

  /** Takes over what the worker has computed; what was written since stays. */
  #accept({ sequence, arena, scalars }: State): void {
    super.write(0, arena);
    this.scalars.set(scalars);
    this.#unseen = this.#unseen.filter((change) => change.sequence > sequence);
    for (const change of this.#unseen) {
      for (const { offset, values } of change.writes) super.write(offset, values);
      for (const [index, value] of change.scalars) this.scalars[index] = value;
    }
  }
}
