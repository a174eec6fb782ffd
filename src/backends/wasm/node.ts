import { availableParallelism } from 'node:os';
import type { BackendProvider } from '../backend.js';
import { createWasmProvider } from './index.js';
import { createNodeWorker } from './worker/node.js';

/** AssemblyScript kernels on the widest SIMD that the JavaScript engine has; needs nothing but WebAssembly. */
export const wasmProvider: BackendProvider = createWasmProvider({
  createWorker: createNodeWorker,
  concurrency: availableParallelism,
});
