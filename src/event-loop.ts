/** Where there is no `setImmediate`: one channel, and who waits for its messages. */
let channel: MessageChannel | null = null;
const waiting: (() => void)[] = [];

function openChannel(): MessageChannel {
  const opened = new MessageChannel();
  opened.port1.onmessage = () => waiting.shift()?.();
  return opened;
}

/** Gives the event loop a turn: timers, input and I/O run before the promise resolves. */
export const yieldToEventLoop: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () =>
        new Promise((resolve) => {
          channel ??= openChannel();
          waiting.push(resolve);
          channel.port2.postMessage(null);
        });

/** Data of a caller beyond so many bytes are taken in turns of the event loop, and must stay as they are until then. */
export const TAKEN_AT_ONCE_BYTES = 2 * 2 ** 20;

/** What a turn of the event loop may be held for by work that can be cut: far less than a frame of a page. */
const TURN_MS = 4;

/** Turns of the event loop between parts of work on the caller's thread: none where it is done soon. */
export class Turns {
  #began = performance.now();

  /** The turn has lasted long enough. */
  get isOver(): boolean {
    return performance.now() - this.#began >= TURN_MS;
  }

  /** Gives the event loop a turn if this one is over. */
  async take(): Promise<void> {
    if (this.isOver) await this.#next();
  }

  /** Leaves little of this turn to what a caller goes on with, which may take long. */
  async end(): Promise<void> {
    if (performance.now() - this.#began >= TURN_MS / 4) await this.#next();
  }

  async #next(): Promise<void> {
    await yieldToEventLoop();
    this.#began = performance.now();
  }
}
