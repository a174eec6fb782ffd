import { worded } from '../../errors.js';
import { basicOperations } from '../../plan/operations.js';

/** What a module exports, the basic one without what is for several threads. Addresses go in modulo 2^32. */
export interface ModuleExports {
  firstFree(): number;
  workspaceBytes(): number;
  useWorkspace(address: number): void;
  operandCount(opcode: number): number;
  runSteps(words: number): void;
  /** Whether a number of some whole vectors is NaN or infinite, as 1 or 0. */
  hasNonFinite(numbers: number, bytes: number): number;
  runToEnd(words: number): void;
  teamBytes(threads: number): number;
  leadTeam(team: number, threads: number): void;
  /** Does not return. */
  help(team: number, threads: number, thread: number): void;
}

/** What is needed of a module's memory. */
export type GrowingMemory = Pick<WebAssembly.Memory, 'buffer' | 'grow'>;

export interface Instance {
  readonly exports: ModuleExports;
  readonly memory: GrowingMemory;
}

/** The error for memory that the system does not grant. */
export const memoryError = (rule: string, received: string): RangeError =>
  new RangeError(worded('Cannot reserve memory', rule, received));

/** Largest memories to ask for, in pages. Where memory is shared, its address space is reserved at once. */
const MAXIMUM_PAGES = [65536, 32768, 16384, 8192, 4096, 1024];

/** A memory of one page that may grow as far as the engine allows. */
export function createMemory(shared: boolean): WebAssembly.Memory {
  let refusal: unknown;
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared });
    } catch (error) {
      refusal = error;
    }
  }
  throw memoryError(
    'a WebAssembly backend needs up to 64 MiB of address space',
    refusal instanceof Error ? refusal.message : String(refusal),
  );
}

/** Why memory cannot be shared between threads here, or null. */
export function sharingRefusal(): string | null {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (crossOriginIsolated === false) return 'the page is not cross-origin isolated';
  if (typeof SharedArrayBuffer === 'undefined') return 'this JavaScript engine has no SharedArrayBuffer';
  try {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return buffer instanceof SharedArrayBuffer ? null : 'this JavaScript engine cannot share memory';
  } catch (error) {
    return `memory cannot be shared: ${error instanceof Error ? error.message : error}`;
  }
}

/** The import of the memory: its name, `memory`, its kind, and flags that say shared, with a maximum. */
const MEMORY_IMPORT = [0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3];
const NOT_SHARED = 1;

/** The binary of a module, which imports its memory as shared or not. */
export function binaryOf(module: Uint8Array<ArrayBuffer>, shared: boolean): Uint8Array<ArrayBuffer> {
  const bytes = module.slice();
  const begin = bytes.findIndex((_, at) => MEMORY_IMPORT.every((byte, index) => bytes[at + index] === byte));
  if (!shared) bytes[begin + MEMORY_IMPORT.length - 1] = NOT_SHARED;
  return bytes;
}

export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Instance> {
  const env = { memory, 'performance.now': () => performance.now() };
  const { exports } = await WebAssembly.instantiate(module, { env });
  return { exports: exports as unknown as ModuleExports, memory };
}

/** Compiles a binary; a string says why that cannot be. Looks at the first part of the list, and a test at all of it. */
export async function compile(
  bytes: Uint8Array<ArrayBuffer>,
  shared: boolean,
): Promise<WebAssembly.Module | string> {
  try {
    const module = await WebAssembly.compile(bytes);
    const { operandCount } = (await instantiate(module, createMemory(shared))).exports;
    const implemented = Object.values(basicOperations).every(
      ({ code, operands }) => operandCount(code) === operands.length,
    );
    return implemented ? module : 'the module does not implement the list of operations of this version';
  } catch (error) {
    if (error instanceof RangeError) return error.message;
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
