import { yieldToEventLoop } from '../../../event-loop.js';
import type { Placement } from '../../backend.js';
import { script as ownScript } from '../worker-own.generated.js';
import { WorkerClient } from './client.js';
import type { ToWorker } from './messages.js';
import type { CreateWorker } from './port.js';

/** Terminates the workers of executors that were let go without being disposed. */
const abandoned = new FinalizationRegistry<WorkerClient>((client) => void client.terminate());

/** Runs that cost less, about two milliseconds, stay on the caller's thread: a message and back would take a part of it. */
const WORTH_A_WORKER = 2 ** 24;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Makes workers that run a script, and knows whether that is possible here. */
export class WorkerHost {
  readonly #createWorker: CreateWorker;
  readonly #script: string;
  readonly #minimumCost: number;
  /** Why no worker can be made, once that is known. */
  #refusal: string | null = null;
  /** Why a helper could not be made. */
  #helperRefusal: string | null = null;

  /** Default script: that of a worker with an executor of its own. In one file with that executor it compresses well. */
  constructor(createWorker: CreateWorker, minimumCost = WORTH_A_WORKER, script = ownScript) {
    this.#createWorker = createWorker;
    this.#script = script;
    this.#minimumCost = minimumCost;
  }

  placement(threads: number, notes: readonly string[]): Placement {
    if (this.#refusal !== null) return { worker: false, threads: 1, notes: [this.#refusal, ...notes] };
    const all = this.#helperRefusal === null ? notes : [...notes, this.#helperRefusal];
    return { worker: true, threads, notes: all };
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
      return await this.#open(owner, setup);
    } catch (error) {
      this.#refusal = `no worker can be made: ${messageOf(error)}`;
      return null;
    }
  }

  /** A worker that helps another one of `owner`, or null. */
  async openHelper(owner: object, setup: ToWorker): Promise<WorkerClient | null> {
    try {
      return await this.#open(owner, setup);
    } catch (error) {
      this.#helperRefusal = `fewer threads: ${messageOf(error)}`;
      return null;
    }
  }

  async #open(owner: object, setup: ToWorker): Promise<WorkerClient> {
    // To make a worker takes some milliseconds in a page: a turn for each.
    await yieldToEventLoop();
    const client = await WorkerClient.open(this.#createWorker, this.#script, setup);
    abandoned.register(owner, client);
    return client;
  }
}
