import type { BackendId, BackendKind, BackendProvider } from './backends/backend.js';
import type { BackendChoice, RejectedBackend } from './backends/select.js';
import type { ModelConfig } from './model.js';
import type { ModelFiles } from './model-storage.js';
import type { CreateProgress } from './progress.js';
import type { RowWeights } from './row-weights.js';
import type { LearningRate } from './schedules.js';

/** What `createTrainer` takes. */
export interface TrainerConfig extends ModelConfig {
  /** A non-negative integer; the same seed gives the same weights, split and order of rows. Default: drawn at random. */
  readonly seed?: number;
  /** `'auto'` (default), a kind, or an exact id such as `'native-avx2'`. */
  readonly backend?: BackendChoice;
  /** A number of threads, or `'auto'` (default): what the machine has, 1 for a model too small to divide. */
  readonly threads?: number | 'auto';
  /**
   * Whether `fit` and `evaluate` run in a worker on the WebAssembly backends, where one can be made (default true), or
   * in slices of a few milliseconds on the caller's thread. The native backend has threads of its own.
   */
  readonly worker?: boolean;
}

/** The backend a trainer runs on, and those before it that could not be used. */
export interface TrainerBackend {
  readonly id: BackendId;
  readonly kind: BackendKind;
  readonly instructionSet: string;
  readonly threads: number;
  /** Whether `fit` and `evaluate` run on another thread than the caller's. */
  readonly worker: boolean;
  /** Why there is no worker, or only one thread. That no worker can be made may turn out at the first long run. */
  readonly notes: readonly string[];
  readonly rejected: readonly RejectedBackend[];
}

/** What `trainBatch` takes besides rows and targets. */
export interface BatchOptions extends RowWeights {
  /** From this call on. */
  readonly learningRate?: LearningRate;
}

/** What differs between Node and browsers. */
export interface Platform {
  readonly providers: readonly BackendProvider[];
  readonly createProgress: CreateProgress;
  readonly files: ModelFiles;
}

/** The keys of a configuration. */
export const configNames = [
  ...['inputs', 'inputTransform', 'layers', 'loss', 'optimizer', 'reduction'],
  ...['gradientClipping', 'labelSmoothing', 'averaging', 'preset'],
  ...['seed', 'backend', 'threads', 'worker'],
];
