import { availableParallelism } from 'node:os';
import type { BackendProvider } from '../backend.js';
import { createWasmProvider } from './index.js';
import { createNodeWorker } from './worker/node.js';

/** AssemblyScript kernels on the widest SIMD that the JavaScript engine has; needs nothing but WebAssembly. */
export const wasmProvider: BackendProvider = createWasmProvider({
  createWorker: createNodeWorker,
  concurrency: availableParallelism,
  // A worker takes a millisecond more, to wake and to get a copy of the rows.
  briefProducts: 2 ** 26,
  // The stream that browsers have takes ten milliseconds to load here.
  unpack: async (packed) => {
    const { inflateSync } = await import('node:zlib');
    return new Uint8Array(inflateSync(Buffer.from(packed, 'base64')));
  },
});
