import type { Engine } from './engine.js';
import { requireKnownKeys, typeError } from './errors.js';
import type { Capture } from './job.js';
import type { ModelState } from './model-file.js';
import type { SaveOptions } from './model-storage.js';
import type { Optimizer } from './optimizers.js';
import type { RandomState } from './random.js';
import type { RunPosition } from './run-position.js';

export function checkSaveOptions(action: string, options: SaveOptions): SaveOptions {
  requireKnownKeys(action, options, ['metadata']);
  const { metadata = {} } = options;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw typeError(action, 'metadata must be an object of texts', metadata);
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') throw typeError(action, `metadata.${name} must be a text`, text);
  }
  return options;
}

/** What a trainer would write into a file, from a copy of its state. */
export function modelState(
  engine: Engine,
  { numbers, scalars, steps, epochs, plateau, learningRate }: Capture,
  random: RandomState,
  seed: number,
  run: RunPosition | null,
  metadata: ModelState['metadata'],
): ModelState {
  const { plan } = engine;
  const optimizer = { ...engine.model.optimizer, learningRate } as Optimizer;
  const model = { ...engine.model, optimizer };
  return {
    ...{ model, plan, seed, steps, epochs, plateau, scalars, random, run, metadata },
    read: ({ offset, rows, columns }) => numbers.subarray(offset, offset + rows * columns),
  };
}
