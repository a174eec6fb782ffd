import type { FromWorker, ToWorker } from './messages.js';

/** A worker as the thread that made it sees it. */
export interface WorkerPort {
  post(message: ToWorker, transfer?: Transferable[]): void;
  terminate(): void;
  /** Whether the worker keeps the process alive. */
  keepAlive(alive: boolean): void;
}

export interface WorkerListener {
  message(message: FromWorker): void;
  /** The worker cannot be made, or has ended. */
  failed(error: unknown): void;
}

/** Starts a worker with that script, in the way of a platform. May throw. */
export type CreateWorker = (script: string, listener: WorkerListener) => WorkerPort;

/** A module worker whose script nobody has to host. */
export const createBrowserWorker: CreateWorker = (script, listener) => {
  if (typeof Worker === 'undefined') throw new Error('this JavaScript engine has no Worker');
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  // The script has been fetched when the first message arrives.
  const release = (): void => URL.revokeObjectURL(url);
  let worker: Worker;
  try {
    worker = new Worker(url, { type: 'module', name: 'fastmlp' });
  } catch (error) {
    release();
    throw error;
  }
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'ready') release();
    listener.message(data);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    release();
    listener.failed(new Error(event.message || 'the page may not start workers from a blob: URL'));
  };
  worker.onmessageerror = () => listener.failed(new Error('a message of the worker could not be read'));
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate: () => {
      release();
      worker.terminate();
    },
    keepAlive: () => {},
  };
};
