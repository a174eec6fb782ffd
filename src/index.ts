import { availableParallelism } from 'node:os';
import type { BackendReport } from './backends/backend.js';
import { nativeProvider } from './backends/native/index.js';
import { referenceProvider } from './backends/reference/index.js';
import { listBackends } from './backends/select.js';
import { wasmProvider } from './backends/wasm/node.js';
import { createProgress } from './cli/progress.js';
import type { RowsLike, TargetsLike } from './data.js';
import { readSafetensorsFile, writeFileWhole } from './io/files.js';
import type { LoadOptions, ModelSource } from './model-storage.js';
import {
  type ManyConfig,
  type ManyOptions,
  type ManyResults,
  trainMany as trainManyOn,
} from './train-many.js';
import { type Platform, Trainer, type TrainerConfig } from './trainer.js';

export { type CsvLoggerOptions, csvLogger } from './callbacks/csv-logger.js';
export * from './exports.js';
export { type IdxArray, parseIdx } from './io/idx.js';
export { readIdx } from './io/read-idx.js';
export * as metrics from './metrics/index.js';

const platform: Platform = {
  providers: [nativeProvider, wasmProvider, referenceProvider],
  createProgress,
  files: { read: readSafetensorsFile, write: writeFileWhole },
};

/**
 * Checks a configuration, plans it, and picks a backend: native, else WebAssembly, else plain TypeScript.
 *
 * @throws TypeError or RangeError (as a rejection) for a wrong configuration; Error if a backend that was asked for
 *   by name cannot be used
 * @example
 * const trainer = await createTrainer({
 *   inputs: 2,
 *   layers: [dense({ units: 4, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })],
 *   loss: 'binaryCrossEntropy',
 *   optimizer: sgd({ learningRate: 0.5 }),
 * });
 */
export const createTrainer = (config: TrainerConfig): Promise<Trainer> => Trainer.create(config, platform);

/**
 * The trainer of a model file, in the state in which it was saved; training goes on as if it had not been. A file from
 * one backend goes on on another.
 *
 * @param source a path or file URL, the bytes, or a Blob
 * @param options backend and threads, and the functions of `defineActivation` and `defineLoss` by name
 * @throws FormatError (as a rejection) for a file that is damaged or no model file, before anything is created
 * @example
 * await trainer.save('model.safetensors');
 * const again = await loadTrainer('model.safetensors');
 */
export const loadTrainer = (source: ModelSource, options: LoadOptions = {}): Promise<Trainer> =>
  Trainer.load(source, options, platform);

/** Every backend, best first, with whether it can be used here and, if not, why. */
export const availableBackends = (): Promise<BackendReport[]> => listBackends(platform.providers);

/**
 * Trains many models over one copy of the data, one a core on native backends.
 *
 * @example
 * const results = await trainMany(
 *   grid({ learningRate: [1e-3, 1e-2] }).map(({ learningRate }) => ({ ...config, optimizer: adam({ learningRate }) })),
 *   [x, t],
 *   { epochs: 10, validationSplit: 0.2 },
 * );
 * console.log(String(results), results.best().name);
 */
export const trainMany = (
  configs: readonly ManyConfig[],
  data: readonly [x: RowsLike, t: TargetsLike],
  options: ManyOptions = {},
): Promise<ManyResults> =>
  trainManyOn({ createTrainer, cores: availableParallelism() }, configs, data, options);
