import { fact, stateError } from '../../errors.js';
import { operations } from '../../plan/operations.js';
import type { Backend, BackendId, BackendProvider, BackendReport } from '../backend.js';
import { embeddedModules } from './embedded.js';
import { DATASET_BUDGET_BYTES, type ModuleExports, WasmExecutor } from './executor.js';

interface Variant {
  readonly id: BackendId;
  readonly instructionSet: string;
  readonly bytes: () => Promise<Uint8Array<ArrayBuffer>>;
}

const variants: readonly Variant[] = [
  { id: 'wasm-relaxed-simd', instructionSet: 'WebAssembly relaxed SIMD', bytes: embeddedModules.relaxedSimd },
  { id: 'wasm-simd', instructionSet: 'WebAssembly SIMD', bytes: embeddedModules.simd },
];

/** The compiled module of a variant, or why there is none. */
type Compiled = WebAssembly.Module | string;

const instantiate = async (module: WebAssembly.Module): Promise<ModuleExports> =>
  (await WebAssembly.instantiate(module)).exports as unknown as ModuleExports;

async function compile(variant: Variant): Promise<Compiled> {
  const { instructionSet } = variant;
  if (typeof WebAssembly === 'undefined') return 'this JavaScript engine has no WebAssembly';
  if (typeof DecompressionStream === 'undefined') return 'this JavaScript engine has no DecompressionStream';
  const bytes = await variant.bytes();
  if (!WebAssembly.validate(bytes)) return `this JavaScript engine has no ${instructionSet}`;
  try {
    const module = await WebAssembly.compile(bytes);
    const { operandCount } = await instantiate(module);
    const implemented = operations.every(({ operands }, code) => operandCount(code) === operands.length);
    const complete = implemented && operandCount(operations.length) < 0;
    return complete ? module : 'the module does not implement the list of operations of this version';
  } catch (error) {
    return compileFailure(error instanceof Error ? error.message : String(error));
  }
}

/** Why a valid module does not compile, and what helps where the page's own policy is the reason. */
function compileFailure(message: string): string {
  const forbidden = /content security policy|\bcsp\b|unsafe-eval|disallowed by embedder/i.test(message);
  return forbidden
    ? `the page's Content-Security-Policy forbids to compile WebAssembly; 'wasm-unsafe-eval' in its script-src allows it (${message})`
    : `WebAssembly cannot be compiled here: ${message}`;
}

const compiled = new Map<Variant, Promise<Compiled>>();

/** Compiles a variant the first time it is asked for. */
function compiledOnce(variant: Variant): Promise<Compiled> {
  const known = compiled.get(variant) ?? compile(variant);
  compiled.set(variant, known);
  return known;
}

async function reportOf(variant: Variant): Promise<BackendReport> {
  const module = await compiledOnce(variant);
  const reason = typeof module === 'string' ? module : null;
  const { id, instructionSet } = variant;
  return { id, kind: 'wasm', instructionSet, usable: reason === null, reason };
}

/** WebAssembly backends whose datasets stay in linear memory up to a budget. */
export function createWasmProvider({ datasetBudgetBytes = DATASET_BUDGET_BYTES } = {}): BackendProvider {
  return {
    kind: 'wasm',
    report: () => Promise.all(variants.map(reportOf)),
    open: async (id): Promise<Backend> => {
      const variant = variants.find((one) => one.id === id);
      const module = variant ? await compiledOnce(variant) : 'no such backend';
      if (!variant || typeof module === 'string') {
        throw stateError('Cannot open backend', `${id} must be usable`, fact(String(module)));
      }
      return {
        ...(await reportOf(variant)),
        precision: 'float32',
        createExecutor: async (plan) => new WasmExecutor(await instantiate(module), plan, datasetBudgetBytes),
        threadsFor: () => 1,
      };
    },
  };
}

/** AssemblyScript kernels on the widest SIMD that the JavaScript engine has; needs nothing but WebAssembly. */
export const wasmProvider: BackendProvider = createWasmProvider();
