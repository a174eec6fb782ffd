/** What a worker and the thread that made it say to each other. */
import type { Rows, Run, RunProgress } from '../../backend.js';
import type { ExecutablePlan } from '../executor.js';

/** A run without what belongs to the caller: metrics and result come back at its end. */
export type SentRun = Omit<Run, 'metrics' | 'result'> & {
  /** How many epochs the run goes through, and how many numbers of each row it stores. */
  readonly epochs: number;
  readonly resultLength: number;
};

/** Writes of the caller during a run, in the order in which they were made. */
export interface Change {
  readonly sequence: number;
  readonly offset: number;
  readonly values: Float32Array;
  /** Index and value of scalars. */
  readonly scalars: readonly (readonly [number, number])[];
}

/** What a worker with a memory of its own has computed. */
export interface State {
  /** The last change that it contains. */
  readonly sequence: number;
  /** The beginning of the arena, as far as it outlives a batch. */
  readonly arena: Float32Array<ArrayBuffer>;
  readonly scalars: Float64Array;
}

export type ToWorker =
  /** The worker works in the memory of the caller, and has a workspace there. */
  | {
      readonly kind: 'share';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly workspace: number;
    }
  /** Runs the run whose words are at this address of the shared memory. */
  | { readonly kind: 'run'; readonly words: number }
  /** The worker has a memory of its own. */
  | { readonly kind: 'own'; readonly module: WebAssembly.Module; readonly datasetBudget: number }
  | { readonly kind: 'dataset'; readonly id: number; readonly rows: Rows }
  | { readonly kind: 'forget'; readonly id: number }
  | {
      readonly kind: 'start';
      readonly dataset: number;
      readonly plan: ExecutablePlan;
      readonly run: SentRun;
      readonly state: State;
    }
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** A run in shared memory has ended. */
  | { readonly kind: 'ran' }
  | { readonly kind: 'progress'; readonly numbers: RunProgress; readonly state: State | null }
  | {
      readonly kind: 'ended';
      readonly numbers: RunProgress;
      readonly state: State;
      readonly metrics: Float64Array;
      readonly result: Float32Array | null;
    };
