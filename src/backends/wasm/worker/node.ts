import { createRequire } from 'node:module';
import type * as WorkerThreads from 'node:worker_threads';
import type { CreateWorker } from './port.js';

/** What lets the script find its port as in a browser. */
const prologue = "globalThis.self = require('node:worker_threads').parentPort;\n";

/** A worker_thread that takes over neither flags nor environment: a loader given by them would only cost time. */
export const createNodeWorker: CreateWorker = (script, listener) => {
  // Most programs make no such worker, and importing what does takes two milliseconds.
  const { Worker } = createRequire(import.meta.url)('node:worker_threads') as typeof WorkerThreads;
  const worker = new Worker(prologue + script, { eval: true, execArgv: [], env: {}, name: 'fastmlp' });
  worker.on('message', (message) => listener.message(message));
  worker.on('error', (error) => listener.failed(error));
  worker.on('exit', (code) => listener.failed(new Error(`the worker has ended with code ${code}`)));
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as never[]),
    terminate: async () => {
      await worker.terminate();
    },
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
  };
};
