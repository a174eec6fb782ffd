import type { SaveTarget } from './model-storage.js';

interface Checkpoint {
  readonly target: SaveTarget;
  readonly encode: () => Uint8Array<ArrayBuffer>;
}

/** More than this wait only for different targets, and then the run waits for them. */
const MOST_WAITING = 2;

/** Writes checkpoints one after the other while a run goes on. One that waits is replaced by the next for its path. */
export class Checkpoints {
  readonly #write: (target: SaveTarget, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly #failed: () => void;
  #waiting: Checkpoint[] = [];
  #writing: Promise<void> | null = null;
  #error: { readonly reason: unknown } | null = null;

  /** @param failed called when one could not be written, of which `settled` tells */
  constructor(
    write: (target: SaveTarget, bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
    failed: () => void,
  ) {
    this.#write = write;
    this.#failed = failed;
  }

  add(target: SaveTarget, encode: () => Uint8Array<ArrayBuffer>): void {
    if (typeof target === 'string') this.#waiting = this.#waiting.filter((one) => one.target !== target);
    this.#waiting.push({ target, encode });
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when few enough wait. */
  async room(): Promise<void> {
    if (this.#waiting.length > MOST_WAITING) await this.#writing;
  }

  /** Resolves when all are written; throws if one was not. */
  async settled(): Promise<void> {
    await this.#writing;
    if (this.#error) throw this.#error.reason;
  }

  async #writeAll(): Promise<void> {
    for (let next = this.#waiting.shift(); next && !this.#error; next = this.#waiting.shift()) {
      try {
        await this.#write(next.target, next.encode());
      } catch (reason) {
        this.#error = { reason };
        this.#failed();
      }
    }
    this.#writing = null;
  }
}
