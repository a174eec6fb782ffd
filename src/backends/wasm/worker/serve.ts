/** What the scripts of workers have in common. Each is bundled into a string by tools/build-worker.mjs. */
import type { FromWorker, ToWorker } from './messages.js';

/** Sends a message to the thread that made the worker. */
export type Answer = (message: FromWorker, transfer?: Transferable[]) => void;

interface Port {
  onmessage: ((event: { data: ToWorker }) => void) | null;
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

/** Has `receive` hear what the worker is told, where a platform has given it `self` as its port. */
export function serve(receive: (message: ToWorker, answer: Answer) => Promise<void>): void {
  const port = globalThis.self as unknown as Port;
  const answer: Answer = (message, transfer = []) => port.postMessage(message, transfer);
  port.onmessage = ({ data }) => {
    receive(data, answer).catch((error) => answer({ kind: 'failed', error }));
  };
}
