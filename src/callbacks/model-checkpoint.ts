import { requireBoolean, requireInteger, requireKnownKeys, typeError } from '../errors.js';
import type { EpochLogs } from '../history.js';
import type { CallbackState, FitCallbacks, FitContext } from './callback.js';
import { Monitor, type MonitorOptions, monitorNames } from './monitor.js';

/** What is known where a checkpoint is written. */
export interface CheckpointPlace {
  /** Epochs done. */
  readonly epoch: number;
  /** Optimizer steps of the run done. */
  readonly step: number;
}

/**
 * A path, in a browser `indexeddb://name`, in which `{epoch}`, `{step}` and the numbers of the epoch are filled in, or a
 * function that takes the bytes.
 */
export type CheckpointTarget = string | ((bytes: Uint8Array<ArrayBuffer>, place: CheckpointPlace) => unknown);

export interface ModelCheckpointOptions extends MonitorOptions {
  /** Write only after an epoch that is better than all before; default false. */
  readonly saveBestOnly?: boolean;
  /** Epochs from one checkpoint to the next; default 1 where none of the three is given. */
  readonly everyEpochs?: number;
  /** Optimizer steps likewise. */
  readonly everySteps?: number;
  readonly everyMs?: number;
}

const optionNames = /* @__PURE__ */ monitorNames.concat(
  'saveBestOnly',
  'everyEpochs',
  'everySteps',
  'everyMs',
);

/**
 * Writes model files during a run, from which `loadTrainer` and `fit` with `resume: true` go on. A path is written
 * whole or not at all.
 *
 * @example
 * modelCheckpoint('run.safetensors', { everyMs: 60_000, everyEpochs: 1 })
 */
export function modelCheckpoint(
  target: CheckpointTarget,
  options: ModelCheckpointOptions = {},
): FitCallbacks {
  const action = 'Cannot checkpoint';
  requireKnownKeys(action, options, optionNames);
  if (typeof target !== 'string' && typeof target !== 'function')
    throw typeError(action, 'the target must be a path or a function', target);
  const { saveBestOnly = false, everyEpochs, everySteps, everyMs } = options;
  for (const [name, value] of Object.entries({ everyEpochs, everySteps, everyMs })) {
    if (value !== undefined) requireInteger(action, name, value, 1);
  }
  requireBoolean(action, 'saveBestOnly', saveBestOnly);
  if (saveBestOnly && (everySteps !== undefined || everyMs !== undefined))
    throw typeError(action, 'saveBestOnly compares epochs, without everySteps and everyMs', saveBestOnly);
  const epochs = everyEpochs ?? (everySteps === undefined && everyMs === undefined ? 1 : undefined);
  let monitor = new Monitor(action, options);
  const write = (context: FitContext, logs: Partial<EpochLogs>): void => {
    const { epoch, step } = context;
    context.save(
      typeof target === 'string'
        ? filled(target, { ...logs, epoch, step })
        : (bytes) => target(bytes, { epoch, step }),
    );
  };
  return {
    onTrainBegin: ({ isResumed }) => {
      if (!isResumed) monitor = new Monitor(action, options);
    },
    onEpochEnd: (_epoch, logs, context) => {
      if (saveBestOnly && !monitor.improves(logs)) return;
      if (epochs !== undefined && context.epoch % epochs === 0) write(context, logs);
    },
    ...(everySteps === undefined
      ? {}
      : { everySteps, onSteps: (_step: number, context: FitContext) => write(context, {}) }),
    ...(everyMs === undefined ? {} : { everyMs, onInterval: (context: FitContext) => write(context, {}) }),
    getState: (): CallbackState => (monitor.best === null ? {} : { best: monitor.best }),
    setState: (state) => {
      monitor = new Monitor(action, options);
      monitor.best = (state.best as number | undefined) ?? null;
    },
  };
}

/** A path with its places filled in: counts as they are, other numbers with four decimals. */
function filled(path: string, values: Readonly<Record<string, number | undefined>>): string {
  return path.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    return Number.isInteger(value) ? String(value) : value.toFixed(4);
  });
}
