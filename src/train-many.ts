import { isNumbers, type RowsLike, type TargetsLike } from './data.js';
import { fact, requireInteger, typeError } from './errors.js';
import type { FitOptions } from './fit-options.js';
import type { EpochLogs, History } from './history.js';
import { readMatrix } from './rows.js';
import type { Trainer, TrainerConfig } from './trainer.js';

/** One model of `trainMany`: what `createTrainer` takes, a name, and options of its own `fit`. */
export type ManyConfig = TrainerConfig & { readonly name?: string; readonly fit?: FitOptions };

export interface ManyOptions extends FitOptions {
  /** Models that train at the same time; default: one a core on native backends, one elsewhere. */
  readonly concurrency?: number;
  /** Keep every trained model (`true`, default) or dispose of each when its numbers are known. */
  readonly keepTrainers?: boolean;
  /** Called when a model is done. */
  readonly onResult?: (result: ManyResult) => unknown;
}

/** What became of one model. */
export interface ManyResult {
  readonly index: number;
  readonly name: string;
  /** Null if its training failed, and after `keepTrainers: false`. */
  readonly trainer: Trainer | null;
  readonly history: History | null;
  /** Numbers of its last epoch. */
  readonly last: Partial<EpochLogs>;
  readonly seconds: number;
  readonly error: unknown;
}

/** Results of `trainMany`, in the order of the configurations. */
export class ManyResults {
  constructor(readonly rows: readonly ManyResult[]) {}

  /** The result with the best number of the last epoch: the smallest, or of accuracies the largest. */
  best(
    monitor: keyof EpochLogs = 'val_loss' in (this.rows[0]?.last ?? {}) ? 'val_loss' : 'loss',
  ): ManyResult {
    const sign = monitor.includes('accuracy') ? -1 : 1;
    const worth = ({ last }: ManyResult): number => sign * (last[monitor] ?? Number.NaN);
    const known = this.rows.filter((row) => !Number.isNaN(worth(row)));
    if (known.length === 0)
      throw typeError('Cannot find best', `a result must have ${monitor}`, fact('none that has'));
    return known.reduce((best, row) => (worth(row) < worth(best) ? row : best));
  }

  /** A table, one model a line. */
  toString(): string {
    const names = [...new Set(this.rows.flatMap(({ last }) => Object.keys(last)))] as (keyof EpochLogs)[];
    const header = ['model', 'epochs', ...names, 'seconds', 'end'];
    const lines = this.rows.map(({ name, history, last, seconds, error }) => [
      name,
      String(history?.epoch.length ?? 0),
      ...names.map((key) => last[key]?.toPrecision(4) ?? ''),
      seconds.toFixed(2),
      history?.reason ?? String(error),
    ]);
    const widths = header.map((title, at) => Math.max(title.length, ...lines.map((line) => line[at].length)));
    const isLeft = (at: number): boolean => at === 0 || at === header.length - 1;
    return [header, ...lines]
      .map((line) =>
        line.map((cell, at) => (isLeft(at) ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '),
      )
      .map((line) => line.trimEnd())
      .join('\n');
  }

  dispose(): void {
    for (const { trainer } of this.rows) trainer?.dispose();
  }
}

/** What differs between Node and browsers. */
export interface ManyHost {
  createTrainer(config: TrainerConfig): Promise<Trainer>;
  readonly cores: number;
}

const action = 'Cannot train many';

/** Trains every configuration on the same rows; what fails is told in its result and stops no other. */
export async function trainMany(
  host: ManyHost,
  configs: readonly ManyConfig[],
  data: readonly [x: RowsLike, t: TargetsLike],
  options: ManyOptions = {},
): Promise<ManyResults> {
  if (!Array.isArray(configs) || configs.length === 0)
    throw typeError(action, 'configurations must be a list of at least one', configs);
  if (!Array.isArray(data) || data.length !== 2)
    throw typeError(action, 'data must be [inputs, targets]', data);
  const { concurrency, keepTrainers = true, onResult, ...fitOptions } = options;
  if (concurrency !== undefined) requireInteger(action, 'concurrency', concurrency, 1);
  const isReference = configs.some(({ backend }) => backend === 'reference');
  const [x, t] = isReference ? data : [sharedRows(data[0]), sharedTargets(data[1])];
  const results: ManyResult[] = new Array(configs.length);
  let next = 0;
  const trainNext = async (atOnce: boolean): Promise<Trainer['backend'] | null> => {
    const index = next++;
    const { name = `${index + 1}`, fit, ...config } = configs[index];
    const began = performance.now();
    let trainer: Trainer | null = null;
    let history: History | null = null;
    let error: unknown = null;
    try {
      const threads = config.threads ?? (concurrency === 1 ? 'auto' : 1);
      trainer = await host.createTrainer({ ...config, threads });
      if (atOnce) started(trainer);
      history = await trainer.fit(x, t, { ...fitOptions, ...fit });
    } catch (reason) {
      error = reason;
      trainer?.dispose();
      trainer = null;
    }
    const backend = trainer?.backend ?? null;
    if (!keepTrainers) trainer?.dispose();
    const kept = keepTrainers ? trainer : null;
    const seconds = (performance.now() - began) / 1000;
    const result = { index, name, trainer: kept, history, last: lastOf(history), seconds, error };
    results[index] = result;
    await onResult?.(result);
    return backend;
  };
  const line = async (): Promise<void> => {
    while (next < configs.length) await trainNext(false);
  };
  // The first tells on which kind of backend they run, and so how many can at the same time.
  const others: Promise<void>[] = [];
  const started = ({ backend }: Trainer): void => {
    const lines = concurrency ?? (backend.kind === 'native' ? host.cores : 1);
    for (let count = 1; count < Math.min(lines, configs.length); count++) others.push(line());
  };
  await trainNext(true);
  await line();
  await Promise.all(others);
  return new ManyResults(results);
}

function lastOf(history: History | null): Partial<EpochLogs> {
  const last = Object.entries(history?.history ?? {}).flatMap(([name, values]) =>
    values.length > 0 ? [[name, values.at(-1)]] : [],
  );
  return Object.fromEntries(last);
}

/** Rows in shared memory, which every backend reads in place. */
function sharedRows(x: RowsLike): RowsLike {
  if (x instanceof Uint8Array) return sharedCopy(x, Uint8Array);
  if (isNumbers(x)) return sharedCopy(x, Float32Array);
  return sharedCopy(readMatrix(action, 'inputs', x).data, Float32Array);
}

/** Targets likewise; labels and short lists stay as they are. */
const sharedTargets = (t: TargetsLike): TargetsLike => (isNumbers(t) ? sharedCopy(t, Float32Array) : t);

function sharedCopy<T extends Uint8Array | Float32Array>(
  values: ArrayLike<number> & { readonly buffer: ArrayBufferLike },
  Type: (new (buffer: ArrayBufferLike) => T) & { readonly BYTES_PER_ELEMENT: number },
): T {
  const Shared = globalThis.SharedArrayBuffer ?? ArrayBuffer;
  if (values instanceof Type && values.buffer instanceof Shared) return values;
  const copy = new Type(new Shared(values.length * Type.BYTES_PER_ELEMENT));
  copy.set(values);
  return copy;
}
