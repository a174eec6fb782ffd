import { worded } from '../../errors.js';
import { TAKEN_AT_ONCE_BYTES, Turns, yieldToEventLoop } from '../../event-loop.js';
import { memoryError } from './module.js';

type Numeric = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** What is copied between two looks at the clock. */
const PIECE_BYTES = 2 ** 18;

/** One array to copy: its numbers go to `target()`, fetched anew for every piece, from index `at` on. */
export interface Copy {
  readonly values: Numeric;
  readonly target: () => Numeric;
  readonly at: number;
}

/**
 * Copies arrays: up to 2 MiB before it returns, more in short turns of the event loop, so that a large data set
 * holds up nobody. Null if nothing is left to do. What is not copied yet must stay as it is.
 */
export function copyInTurns(copies: readonly Copy[], cancelled: () => boolean): Promise<void> | null {
  const pieces = copies.flatMap(piecesOf);
  if (copies.reduce((sum, { values }) => sum + values.byteLength, 0) <= TAKEN_AT_ONCE_BYTES) {
    for (const copyPiece of pieces) copyPiece();
    return null;
  }
  const inTurns = async (): Promise<void> => {
    const turns = new Turns();
    await yieldToEventLoop();
    for (const copyPiece of pieces) {
      await turns.take();
      if (cancelled()) return;
      copyPiece();
    }
    await yieldToEventLoop();
  };
  const copied = inTurns();
  // Whoever starts a run on the data hears of an error; perhaps nobody does.
  copied.catch(() => {});
  return copied;
}

/** What copies each piece of an array. */
function piecesOf({ values, target, at }: Copy): (() => void)[] {
  const { length, BYTES_PER_ELEMENT } = values;
  const piece = PIECE_BYTES / BYTES_PER_ELEMENT;
  return Array.from({ length: Math.ceil(length / piece) }, (_, index) => () => {
    if (values.length !== length) {
      const rule = 'large data must stay as they are until they have been copied';
      throw new Error(worded('Cannot copy rows', rule, 'a detached or shrunk array'));
    }
    const from = index * piece;
    target().set(values.subarray(from, from + piece), at + from);
  });
}

/** An array of the type and length of `values`. */
export function roomFor<T extends Numeric>(values: T): T {
  const { length, byteLength } = values;
  try {
    return new (values.constructor as new (length: number) => T)(length);
  } catch {
    const rule = 'a data set must fit into memory a second time';
    throw memoryError(rule, `${Math.ceil(byteLength / 2 ** 20)} MiB`);
  }
}
