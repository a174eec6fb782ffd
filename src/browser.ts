import type { BackendReport } from './backends/backend.js';
import { referenceProvider } from './backends/reference/index.js';
import { listBackends } from './backends/select.js';
import { createWasmProvider } from './backends/wasm/index.js';
import { createBrowserWorker } from './backends/wasm/worker/port.js';
import type { RowsLike, TargetsLike } from './data.js';
import type { LoadOptions, ModelSource } from './model-storage.js';
import type { CreateProgress } from './progress.js';
import {
  type ManyConfig,
  type ManyOptions,
  type ManyResults,
  trainMany as trainManyOn,
} from './train-many.js';
import { type Platform, Trainer, type TrainerConfig } from './trainer.js';

export * from './exports.js';
export { type IdxArray, parseIdx } from './io/idx.js';

/** One line in the console per epoch. */
const createProgress: CreateProgress = async ({ epochs }) => {
  let epoch = 0;
  return {
    update: () => {},
    endEpoch: (logs) => console.info(`epoch ${++epoch}/${epochs}`, logs),
    stop: () => {},
  };
};

const loadFiles = () => import('./io/browser-files.js');

const platform: Platform = {
  providers: [
    createWasmProvider({
      createWorker: createBrowserWorker,
      concurrency: () => navigator.hardwareConcurrency ?? 1,
    }),
    referenceProvider,
  ],
  createProgress,
  files: {
    read: async (path) => (await loadFiles()).browserFiles.read(path),
    write: async (path, bytes) => (await loadFiles()).browserFiles.write(path, bytes),
  },
};

/** As in Node, with WebAssembly as the best backend. */
export const createTrainer = (config: TrainerConfig): Promise<Trainer> => Trainer.create(config, platform);

/** As in Node, from `indexeddb://name`, bytes or a Blob. */
export const loadTrainer = (source: ModelSource, options: LoadOptions = {}): Promise<Trainer> =>
  Trainer.load(source, options, platform);

/** Every backend that a browser may have, best first, with whether it can be used here and, if not, why. */
export const availableBackends = (): Promise<BackendReport[]> => listBackends(platform.providers);

/** As in Node, one model after the other. */
export const trainMany = (
  configs: readonly ManyConfig[],
  data: readonly [x: RowsLike, t: TargetsLike],
  options: ManyOptions = {},
): Promise<ManyResults> => trainManyOn({ createTrainer, cores: 1 }, configs, data, options);
