/** The script of a worker. It is bundled into a string, and runs where a platform has given it `self` as its port. */
import { WorkerInstance } from './instance.js';
import type { FromWorker, ToWorker } from './messages.js';

interface Port {
  onmessage: ((event: { data: ToWorker }) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
}

const port = globalThis.self as unknown as Port;
const instance = new WorkerInstance((message, transfer = []) => port.postMessage(message, transfer));

port.onmessage = ({ data }) => {
  instance.receive(data).catch((error) => port.postMessage({ kind: 'failed', error }));
};
