import { fact, rangeError, stateError } from '../../errors.js';
import { Turns, yieldToEventLoop } from '../../event-loop.js';

type Numeric = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Bytes that are copied before anybody else has a turn; of more, what is left after a turn is copied in others. */
const SMALL_BYTES = 2 ** 20;
/** A fraction of a millisecond, one where the memory has not been touched before. */
const PIECE_BYTES = 2 ** 18;

/** One array to copy: its numbers go to `target()`, fetched anew for every piece, from index `at` on. */
export interface Copy {
  readonly values: Numeric;
  readonly target: () => Numeric;
  readonly at: number;
}

/**
 * Copies arrays, at least a mebibyte of them before it returns and the rest in short turns, so that a large data set
 * holds up nobody. Null if nothing is left to do. What is not copied yet must stay as it is.
 */
export function copyInTurns(copies: readonly Copy[], cancelled: () => boolean): Promise<void> | null {
  const pieces = piecesOf(copies);
  const takeTurn = (leastBytes: number): boolean => {
    const turns = new Turns();
    for (let bytes = 0; bytes < leastBytes || !turns.isOver; ) {
      const { done, value } = pieces.next();
      if (done) return true;
      bytes += value;
    }
    return false;
  };
  if (takeTurn(SMALL_BYTES)) return null;
  const rest = async (): Promise<void> => {
    for (let isDone = false; !isDone && !cancelled(); ) {
      await yieldToEventLoop();
      isDone = takeTurn(0);
    }
    await yieldToEventLoop();
  };
  const copied = rest();
  // Whoever starts a run on the data hears of an error; perhaps nobody does.
  copied.catch(() => {});
  return copied;
}

/** Copies piece by piece; yields the bytes of each. */
function* piecesOf(copies: readonly Copy[]): Generator<number, undefined> {
  for (const { values, target, at } of copies) {
    const { length, BYTES_PER_ELEMENT } = values;
    const piece = PIECE_BYTES / BYTES_PER_ELEMENT;
    for (let from = 0; from < length; from += piece) {
      if (values.length !== length) {
        const rule = 'large data must stay as they are until they have been copied';
        throw stateError('Cannot copy rows', rule, fact('a detached or shrunk array'));
      }
      const part = values.subarray(from, from + piece);
      target().set(part, at + from);
      yield part.byteLength;
    }
  }
}

/** An array of the type and length of `values`. */
export function roomFor<T extends Numeric>(values: T): T {
  const { length, byteLength } = values;
  try {
    return new (values.constructor as new (length: number) => T)(length);
  } catch {
    const rule = 'a data set must fit into memory a second time';
    throw rangeError('Cannot reserve memory', rule, fact(`${Math.ceil(byteLength / 2 ** 20)} MiB`));
  }
}
