import { fact, stateError } from '../../errors.js';
import { yieldToEventLoop } from '../../event-loop.js';
import type { Backend, BackendId, BackendProvider, BackendReport } from '../backend.js';
import { embeddedModules, type LoadModule, type Unpack } from './embedded.js';
import { binaryOf, compile, createMemory, instantiate, sharingRefusal } from './module.js';
import type { WorkerHost } from './worker/host.js';
import type { CreateWorker } from './worker/port.js';

interface Variant {
  readonly id: BackendId;
  readonly instructionSet: string;
  /** The module that does for basic plans on one thread, and the one with everything. */
  readonly modules: Readonly<Record<Extent, LoadModule>>;
}

type Extent = 'basic' | 'whole';

const variants: readonly Variant[] = [
  {
    id: 'wasm-relaxed-simd',
    instructionSet: 'WebAssembly relaxed SIMD',
    modules: embeddedModules.relaxedSimd,
  },
  { id: 'wasm-simd', instructionSet: 'WebAssembly SIMD', modules: embeddedModules.simd },
];

/** The compiled module of a variant, or why there is none. */
type Compiled = WebAssembly.Module | string;

async function compileVariant(
  variant: Variant,
  extent: Extent,
  shared: boolean,
  unpack?: Unpack,
): Promise<Compiled> {
  if (typeof WebAssembly === 'undefined') return 'this JavaScript engine has no WebAssembly';
  if (!unpack && typeof DecompressionStream === 'undefined')
    return 'this JavaScript engine has no DecompressionStream';
  const bytes = binaryOf(await variant.modules[extent](unpack), shared);
  await yieldToEventLoop();
  if (!WebAssembly.validate(bytes)) return `this JavaScript engine has no ${variant.instructionSet}`;
  return compile(bytes, shared);
}

/** By encoding, extent and kind of memory. */
const compiled = new Map<string, Promise<Compiled>>();

/** Compiles a variant the first time it is asked for. */
function compiledOnce(variant: Variant, extent: Extent, shared: boolean, unpack?: Unpack): Promise<Compiled> {
  const key = `${variant.id} ${extent}${shared ? ' shared' : ''}`;
  const known = compiled.get(key) ?? compileVariant(variant, extent, shared, unpack);
  compiled.set(key, known);
  // The chunk with the modules did not arrive; it may the next time.
  known.catch(() => compiled.delete(key));
  return known;
}

/** Below so many parameters no operation is worth dividing, in batches of a few hundred rows. */
const DIVISIBLE_PARAMETERS = 4000;

export interface WasmOptions {
  /** How workers are made here. */
  readonly createWorker: CreateWorker;
  /** Threads that run at the same time here. */
  readonly concurrency: () => number;
  /** Datasets up to this size stay in linear memory. */
  readonly datasetBudgetBytes?: number;
  /** Why memory is not shared, or null. Default: what the environment says. */
  readonly unshared?: string | null;
  /** What a run must cost to take place in a worker. */
  readonly minimumCost?: number;
  /** As in `Executor`. Default: none, for a page, whose thread must not be held long on a slow machine either. */
  readonly briefProducts?: number;
  /** How modules are unpacked here. Default: by a `DecompressionStream`. */
  readonly unpack?: Unpack;
}

const unusable = (id: BackendId, reason: string): Error =>
  stateError('Cannot open backend', `${id} must be usable`, fact(reason));

/** WebAssembly backends on the workers of a platform. */
export function createWasmProvider(options: WasmOptions): BackendProvider {
  const { createWorker, concurrency, minimumCost, briefProducts, datasetBudgetBytes: budget } = options;
  let host: WorkerHost | null = null;
  let refusal = options.unshared;
  const whyUnshared = (): string | null => {
    if (refusal === undefined) refusal = sharingRefusal();
    return refusal;
  };
  const compiledFor = (variant: Variant, shared: boolean, isBasic = true): Promise<Compiled> =>
    compiledOnce(variant, isBasic && !shared ? 'basic' : 'whole', shared, options.unpack);
  /** By the module that a trainer most likely takes: no other one need be compiled for it. */
  const reportOf = async (variant: Variant): Promise<BackendReport> => {
    const module = await compiledFor(variant, whyUnshared() === null);
    const reason = typeof module === 'string' ? module : null;
    const { id, instructionSet } = variant;
    return { id, kind: 'wasm', instructionSet, usable: reason === null, reason };
  };
  return {
    kind: 'wasm',
    report: async function* () {
      for (const variant of variants) yield await reportOf(variant);
    },
    open: async (id): Promise<Backend> => {
      const variant = variants.find((one) => one.id === id);
      if (!variant) throw unusable(id, 'no such backend');
      const report = await reportOf(variant);
      if (report.reason !== null) throw unusable(id, report.reason);
      const unshared = whyUnshared();
      return {
        ...report,
        precision: 'float32',
        createExecutor: async (plan, threads, worker = true) => {
          const shared = worker && unshared === null;
          const module = await compiledFor(variant, shared, plan.isBasic);
          if (typeof module === 'string') throw unusable(id, module);
          const memory = createMemory(shared);
          const instance = { ...(await instantiate(module, memory)), module, memory };
          if (!worker || unshared !== null) {
            const { createHost, MessageExecutor, WasmExecutor } = await import('./message-executor.js');
            if (!worker) return new WasmExecutor(instance, plan, budget, briefProducts);
            host ??= createHost(createWorker, minimumCost);
            return new MessageExecutor(instance, plan, budget, host, unshared as string, briefProducts);
          }
          const { createHost, SharedExecutor } = await import('./shared-executor.js');
          host ??= createHost(createWorker, minimumCost);
          return new SharedExecutor(instance, plan, budget, host, threads, briefProducts);
        },
        threadsFor: (threads, parameters) => {
          if (threads !== 'auto') return threads;
          return parameters < DIVISIBLE_PARAMETERS ? 1 : concurrency();
        },
      };
    },
  };
}
