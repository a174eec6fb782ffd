import type { BackendChoice } from './backends/select.js';
import type { Engine } from './engine.js';
import { requireKnownKeys, typeError } from './errors.js';
import { withFurther } from './further.js';
import type { DecodedModel, ModelFunctions } from './model-decoding.js';
import type { Random } from './random.js';

export { requireSameRun, requireSameStream } from './resume.js';

/** Where `loadTrainer` reads a model file: a path or file URL in Node, `indexeddb://name` in a browser, bytes or a Blob everywhere. */
export type ModelSource = string | URL | Uint8Array | ArrayBuffer | Blob;

/**
 * Where `save` writes a model file: a path or file URL in Node, `indexeddb://name` or `downloads://name` in a browser, a
 * stream or a function everywhere.
 */
export type SaveTarget =
  | string
  | URL
  | WritableStream<Uint8Array>
  | ((bytes: Uint8Array<ArrayBuffer>) => unknown);

export interface LoadOptions extends ModelFunctions {
  /** As in `createTrainer`; default `'auto'`. */
  readonly backend?: BackendChoice;
  readonly threads?: number | 'auto';
}

export interface SaveOptions {
  /** Texts for whoever loads the file, as `trainer.metadata`; default those that the trainer was loaded with. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Model files by name: on the disk, or what a browser has in its place. */
export interface ModelFiles {
  read(path: string | URL): Promise<Uint8Array>;
  write(path: string | URL, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

const isPath = (value: unknown): value is string | URL => typeof value === 'string' || value instanceof URL;

/** Throws unless something can be written to `target`, before time is spent on it. */
export function requireTarget(action: string, target: unknown): asserts target is SaveTarget {
  if (isPath(target) || typeof target === 'function' || target instanceof WritableStream) return;
  throw typeError(action, 'the target must be a path, a URL, a WritableStream or a function', target);
}

export async function writeModel(
  target: SaveTarget,
  bytes: Uint8Array<ArrayBuffer>,
  files: ModelFiles,
): Promise<void> {
  if (isPath(target)) return files.write(target, bytes);
  if (typeof target === 'function') return void (await target(bytes));
  const writer = target.getWriter();
  await writer.write(bytes);
  await writer.close();
}

/** Reads and checks a model file whole. */
export async function readModel(
  source: ModelSource,
  options: LoadOptions,
  files: ModelFiles,
): Promise<DecodedModel> {
  const action = 'Cannot load trainer';
  requireKnownKeys(action, options, ['backend', 'threads', 'activations', 'losses']);
  const bytes = await bytesOf(action, source, files);
  const { decodeModel } = await import('./model-decoding.js');
  return withFurther(() => decodeModel(bytes, options, action));
}

async function bytesOf(action: string, source: ModelSource, files: ModelFiles): Promise<Uint8Array> {
  if (isPath(source)) return files.read(source);
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer());
  throw typeError(action, 'the source must be a path, a URL, bytes or a Blob', source);
}

/** Puts a new trainer into the state of a file. */
export function restoreModel(engine: Engine, random: Random, decoded: DecodedModel): void {
  for (const { offset, values } of decoded.numbers) engine.executor.write(offset, values);
  for (const [index, value] of decoded.scalars) engine.executor.scalars[index] = value;
  random.state = decoded.random;
  engine.plateau = decoded.plateau;
  engine.countFrom(decoded.steps, decoded.epochs);
}
