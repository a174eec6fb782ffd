import type { FromWorker, ToWorker } from './messages.js';
import type { CreateWorker, WorkerPort } from './port.js';

/** Something a worker was asked to do. `message` gets what it says, until it returns true: then it is done. */
interface Job {
  readonly message: (message: FromWorker) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A worker at work for one executor: one job at a time. While it has none it keeps nobody alive. */
export class WorkerClient {
  #port: WorkerPort;
  #job: Job | null = null;
  #ended: unknown = null;
  #failed: (cause: unknown) => void = () => {};
  #gone: Promise<void> | null = null;

  private constructor(createWorker: CreateWorker, script: string) {
    this.#port = createWorker(script, {
      message: (message) => this.#receive(message),
      failed: (error) => this.#fail(error),
    });
  }

  /** Resolves when a worker has been made and is set up; rejects where there can be none. */
  static async open(createWorker: CreateWorker, script: string, setup: ToWorker): Promise<WorkerClient> {
    const client = new WorkerClient(createWorker, script);
    try {
      await client.ask(setup, ({ kind }) => kind === 'ready');
    } catch (error) {
      client.terminate();
      throw error;
    }
    return client;
  }

  /** Sends a message, and resolves when `isLast` has said so of an answer. */
  ask(message: ToWorker, isLast: (answer: FromWorker) => boolean, transfer?: Transferable[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
      this.#port.post(message, transfer);
      this.#job = { message: isLast, resolve, reject };
      this.#port.keepAlive(true);
    });
  }

  /** Calls `listener` when the worker has failed or is ended. */
  onFailure(listener: (cause: unknown) => void): void {
    if (this.#ended) listener(this.#ended);
    else this.#failed = listener;
  }

  /** Sends a message without waiting for an answer. */
  tell(message: ToWorker, transfer?: Transferable[]): void {
    if (!this.#ended) this.#port.post(message, transfer);
  }

  /** Ends the worker; resolves when it runs no more. What it was asked to do fails for that reason. */
  terminate(cause: unknown = new Error('the worker was terminated')): Promise<void> {
    this.#fail(cause);
    return this.#gone as Promise<void>;
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'failed') this.#fail(message.error);
    else if (this.#job?.message(message)) this.#settle()?.resolve();
  }

  /** The job that was under way; there is none any more. */
  #settle(): Job | null {
    const job = this.#job;
    this.#job = null;
    this.#port.keepAlive(false);
    return job;
  }

  /** What has failed once is not asked again. */
  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = error ?? new Error('the worker has failed');
    this.#settle()?.reject(this.#ended);
    this.#gone = this.#port.terminate();
    this.#failed(this.#ended);
  }
}
