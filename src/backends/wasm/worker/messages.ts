/** What a worker and the thread that made it say to each other. */
import type { Rows, Run, RunProgress } from '../../backend.js';
import type { ExecutablePlan } from '../plan-executor.js';

/** A run without the arrays of the caller, whose lengths stand for them. */
export type SentRun = Omit<Run, 'metrics' | 'result'> & {
  readonly metricsLength: number;
  readonly resultLength: number | null;
};

/** What the caller wrote between two steps. */
export interface Change {
  readonly sequence: number;
  readonly writes: readonly { readonly offset: number; readonly values: Float32Array }[];
  /** Index and value of scalars. */
  readonly scalars: readonly (readonly [index: number, value: number])[];
}

/** What an executor has computed so far. */
export interface State {
  /** The last change that it contains. */
  readonly sequence: number;
  /** The arena from its beginning, as far as it outlives a batch. */
  readonly arena: Float32Array;
  readonly scalars: Float64Array;
}

export type ToWorker =
  /**
   * The worker works in the memory of the caller, where it has a workspace, as a thread of a team. Thread 0 executes
   * the runs; the others help it from now on, and hear no more messages.
   */
  | {
      readonly kind: 'share';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly workspace: number;
      readonly team: number;
      readonly threads: number;
      readonly thread: number;
    }
  /** Runs the run whose words are at this address of the shared memory. */
  | { readonly kind: 'run'; readonly words: number }
  /** The worker has an executor in a memory of its own. */
  | {
      readonly kind: 'own';
      readonly module: WebAssembly.Module;
      readonly plan: ExecutablePlan;
      readonly datasetBudget: number | undefined;
    }
  | { readonly kind: 'dataset'; readonly id: number; readonly rows: Rows }
  | { readonly kind: 'forget'; readonly id: number }
  | {
      readonly kind: 'start';
      readonly dataset: number;
      readonly run: SentRun;
      readonly plan: ExecutablePlan;
      readonly state: State;
    }
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** A run in shared memory has ended. */
  | { readonly kind: 'ran' }
  | { readonly kind: 'progress'; readonly progress: RunProgress; readonly state: State | null }
  | {
      readonly kind: 'ended';
      readonly progress: RunProgress;
      readonly state: State;
      readonly metrics: Float64Array;
      readonly result: Float32Array | null;
    };
