import type { Placement } from '../../backend.js';
import { WorkerClient } from './client.js';
import type { ToWorker } from './messages.js';
import type { CreateWorker } from './port.js';

/** Terminates the workers of executors that were let go without being disposed. */
const abandoned = new FinalizationRegistry<WorkerClient>((client) => client.terminate());

/** Runs that cost less, about two milliseconds, stay on the caller's thread: a message and back would take a part of it. */
const WORTH_A_WORKER = 2 ** 24;

/** Makes workers, and knows whether that is possible here. */
export class WorkerHost {
  readonly #createWorker: CreateWorker;
  readonly #minimumCost: number;
  /** Why no worker can be made, once that is known. */
  #refusal: string | null = null;

  constructor(createWorker: CreateWorker, minimumCost = WORTH_A_WORKER) {
    this.#createWorker = createWorker;
    this.#minimumCost = minimumCost;
  }

  placement(threads: number, notes: readonly string[]): Placement {
    const refusal = this.#refusal;
    return refusal === null
      ? { worker: true, threads, notes }
      : { worker: false, threads: 1, notes: [refusal, ...notes] };
  }

  /** Whether there may be workers, as far as is known. */
  get mayOpen(): boolean {
    return this.#refusal === null;
  }

  /** Whether a run of that cost is one for a worker. */
  accepts(cost: number): boolean {
    return this.mayOpen && cost >= this.#minimumCost;
  }

  /** A worker for `owner`, or null where there can be none. */
  async open(owner: object, setup: ToWorker): Promise<WorkerClient | null> {
    try {
      const client = await WorkerClient.open(this.#createWorker, setup);
      abandoned.register(owner, client);
      return client;
    } catch (error) {
      this.#refusal = `no worker can be made: ${error instanceof Error ? error.message : error}`;
      return null;
    }
  }
}
