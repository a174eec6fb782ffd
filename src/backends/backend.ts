import type { Plan, Program } from '../plan/plan.js';
import type { Draws } from '../random.js';

/** Every backend, best first; automatic choice goes down this list. */
export const backendIds = [
  'native-avx512',
  'native-avx2',
  'native-neon',
  'native-scalar',
  'wasm-relaxed-simd',
  'wasm-simd',
  'reference',
] as const;

export type BackendId = (typeof backendIds)[number];
export type BackendKind = 'native' | 'wasm' | 'reference';

/** What is known of a backend on this machine. `reason` says why it is not usable. */
export interface BackendReport {
  readonly id: BackendId;
  readonly kind: BackendKind;
  readonly instructionSet: string;
  readonly usable: boolean;
  readonly reason: string | null;
}

/** Numbers of the precision an executor computes in. */
export type Numbers = Float32Array | Float64Array;

/**
 * Rows for a run, row-major. Targets are one row of outputs per row of inputs, or one label per row, or absent.
 * `shared` arrays may be read in place for as long as a run lasts: nobody else can change, shrink or detach them,
 * or they lie in shared memory.
 */
export interface Rows {
  readonly count: number;
  readonly inputs: Numbers | Uint8Array;
  readonly targets: Numbers | null;
  readonly labels: Int32Array | null;
  readonly shared: boolean;
  /** Targets have the weight of each row as a further column, or as their only one beside labels. */
  readonly weighted?: boolean;
}

/**
 * Gradients over several batches: of each `every` in an epoch, or what is left at its end, the first executes the
 * program of the run, the others `more`, and the last one `update` afterwards.
 */
export interface Accumulation {
  readonly every: number;
  readonly more: Program;
  readonly update: Program;
}

/**
 * Steps `firstStep` to before `firstStep + steps` of a sequence of epochs. Step s belongs to epoch
 * floor(s / stepsPerEpoch); an epoch takes `rowsPerEpoch` rows in batches of `batchSize`, the last one smaller where
 * it does not divide. At the end of each epoch the metric scalars go to `metrics` and start again from zero.
 */
export interface Run {
  readonly program: Program;
  readonly rowsPerEpoch: number;
  readonly batchSize: number;
  readonly firstStep: number;
  readonly steps: number;
  /** Row indices, `rowsPerEpoch` for each epoch; null for rows in the order they stand. */
  readonly order: Uint32Array | null;
  /** `ScalarCode.first_free` numbers per epoch. */
  readonly metrics: Float64Array;
  readonly accumulation?: Accumulation | null;
  /** What the scalar of that index is before step s: `values[s]`; none where it stays as it is. */
  readonly rates?: { readonly scalar: number; readonly values: Float64Array } | null;
  /** Where `store_rows` puts its rows: position in the epoch × units. */
  readonly result: Numbers | null;
}

export const stepsPerEpoch = (run: Pick<Run, 'rowsPerEpoch' | 'batchSize'>): number =>
  Math.ceil(run.rowsPerEpoch / run.batchSize);

/** Where a run stands: steps done, and the metric scalars of the epoch so far. */
export interface RunProgress {
  readonly steps: number;
  readonly loss: number;
  readonly correct: number;
  readonly rows: number;
}

/** A run that does not hold the event loop. */
export interface RunHandle {
  /** Resolves when all steps are done or the run was stopped, with the number of steps done. */
  readonly finished: Promise<number>;
  progress(): RunProgress;
  /** Ends the run at the next step. */
  stop(): void;
  /** Calls `body` between two steps, with the executor at rest. */
  between<T>(body: () => T): T;
}

/** Rows an executor keeps for the length of a run, or of several. */
export interface Dataset {
  readonly count: number;
  /** Copies at once what `start` would have copied. */
  readonly complete?: () => void;
  dispose(): void;
}

/** Where an executor runs what does not hold the event loop. */
export interface Placement {
  /** On another thread than the caller's. */
  readonly worker: boolean;
  readonly threads: number;
  /** Why there is no worker, or no more than one thread. */
  readonly notes: readonly string[];
}

/** Executes one plan. Holds the arena; has no policy, no defaults, no validation. */
export interface Executor {
  /** The table of scalars, readable and writable whenever no step is running. */
  readonly scalars: Float64Array;
  /** Where it is not the same for every executor of a backend; that no worker can be made may turn out at a run. */
  readonly placement?: Placement;
  /**
   * Rows × parameters that `run` gets through forwards in a few milliseconds; without it, whatever may hold the event
   * loop is to be started.
   */
  readonly briefProducts?: number;
  /** Takes a new plan for the same model; parameters, state, constants and scalars stay. */
  load(plan: Plan): void;
  /** A copy of `length` elements of the arena. */
  read(offset: number, length: number): Numbers;
  /** The elements themselves, to be read before anything else is called. */
  view(offset: number, length: number): Numbers;
  write(offset: number, values: ArrayLike<number>): void;
  /** Index of the first NaN or infinity, −1 without one. */
  firstNonFinite(values: Numbers): number;
  /**
   * `whileRunning`: rows may be copied by the `start` of the first run over them, which begins meanwhile. `isBrief`: the
   * dataset is soon disposed of, and likely followed by another.
   */
  createDataset(rows: Rows, whileRunning?: boolean, isBrief?: boolean): Dataset;
  /** Whether a run over these rows, in any order, gains much by beginning while they are copied; not without this. */
  gainsWhileCopying?(rows: Rows): boolean;
  /** Runs to the end on the caller's thread. */
  run(rows: Rows, run: Run): void;
  /** Runs without holding the event loop. */
  start(dataset: Dataset, run: Run): RunHandle;
  dispose(): void;
}

/** One way of executing plans, on one instruction set. */
export interface Backend extends BackendReport {
  readonly precision: 'float32' | 'float64';
  /** `worker`: whether runs may take place on another thread than the caller's, where that is a choice. Default true. */
  createExecutor(plan: Plan, threads: number, worker?: boolean): Promise<Executor>;
  /** Threads an executor uses for a model of `parameters` parameters when asked for `threads`. */
  threadsFor(threads: number | 'auto', parameters: number): number;
  /** Where it draws faster than the engine does. */
  readonly draws?: Draws;
}

/**
 * Finds the backends of one kind: reports for its ids, best first, each found out when it is asked for, and the backend
 * for a usable one.
 */
export interface BackendProvider {
  readonly kind: BackendKind;
  report(): AsyncIterable<BackendReport>;
  open(id: BackendId): Promise<Backend>;
}
