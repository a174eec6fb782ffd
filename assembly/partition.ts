/**
 * Which operations are divided among threads, and into what: the one place that decides it, from estimates of what an
 * operation takes. A division cuts what is written, never a sum, so the numbers do not depend on it.
 */
import { Opcode } from '../src/opcodes';
import { Batch } from './batch';
import { Share } from './share';
import { Word } from './word';
import { Block } from './workspace';

/** Estimates in nanoseconds, of one core with 128-bit vectors; a slower one gains from dividing where these say so. */
const MULTIPLY_ADD: f64 = 0.08;
const BYTE: f64 = 0.06;
/** An exponential or a logarithm, with what belongs to it. */
const FUNCTION: f64 = 1.5;
/** Moving a number into the order in which a tile reads it. */
const PACKED: f64 = 0.4;
/** Handing an operation to others and waiting for the last of them; claiming a chunk and entering its kernel. */
const HAND_OVER: f64 = 1500;
const CHUNK: f64 = 200;
/** Chunks of less are not worth their cache lines. */
const GRAIN: f64 = 3000;
/** So much of the time must be gained. */
const WORTH_IT: f64 = 0.1;
/** With more than one chunk a thread, one that was late or interrupted holds nobody up. */
const CHUNKS_PER_THREAD: i32 = 4;

/** Columns of a product, and numbers of an update: whole panels and whole cache lines. */
const COLUMNS: i32 = 64;
/** Rows of a product: whole tiles. */
const ROWS: i32 = 4 * Block.tile_rows;

/** A grid of chunks over the whole of an operation, numbered down its columns of chunks. */
export class Partition {
  static rows: i32 = 0;
  static columns: i32 = 0;
  /** Chunks begin at multiples of these; the last one of a direction takes what is left over. */
  static row_quantum: i32 = 1;
  static column_quantum: i32 = 1;
  static row_parts: i32 = 1;
  static column_parts: i32 = 1;
  /** Nanoseconds that dividing is expected to save. */
  static saving: f64 = 0;

  static chunks(): i32 {
    return Partition.row_parts * Partition.column_parts;
  }

  /** Divides an operation for that many threads; false if one chunk is best. */
  static divide(operation: usize, threads: i32): bool {
    return prepare(operation) && choose(threads);
  }

  /** Makes a chunk the share of this thread. */
  static take(chunk: i32): void {
    const down = chunk % Partition.row_parts;
    const across = chunk / Partition.row_parts;
    Share.is_part = true;
    Share.row_begin = part_begin(Partition.rows, Partition.row_quantum, Partition.row_parts, down);
    Share.row_end = part_begin(Partition.rows, Partition.row_quantum, Partition.row_parts, down + 1);
    Share.column_begin = part_begin(
      Partition.columns,
      Partition.column_quantum,
      Partition.column_parts,
      across,
    );
    Share.column_end = part_begin(
      Partition.columns,
      Partition.column_quantum,
      Partition.column_parts,
      across + 1,
    );
  }
}

/** What an operation takes: for each place, for each row of a chunk, for each column of a chunk. */
let place_time: f64 = 0;
let row_time: f64 = 0;
let column_time: f64 = 0;

/** C = A B: A is read for each column of chunks, B for each row of them. Only what goes by tiles is divided. */
function product(rows: i32, columns: i32, depth: i32, is_transposed: bool): bool {
  if (depth === 1 || rows <= Block.dot_rows || columns < COLUMNS) return false;
  Partition.rows = rows;
  Partition.columns = columns;
  Partition.row_quantum = ROWS;
  Partition.column_quantum = COLUMNS;
  place_time = <f64>depth * MULTIPLY_ADD + 4 * BYTE;
  row_time = <f64>depth * 4 * BYTE;
  column_time = <f64>depth * (is_transposed ? PACKED : 4 * BYTE);
  return true;
}

/** `columns` numbers in each row of the batch, at `each` nanoseconds. */
function by_rows(columns: i32, each: f64): bool {
  Partition.rows = Batch.rows;
  Partition.columns = columns;
  Partition.row_quantum = 1;
  Partition.column_quantum = columns;
  place_time = each;
  row_time = 10;
  column_time = 0;
  return true;
}

/** A stretch of numbers. */
function by_numbers(count: i32, each: f64): bool {
  Partition.rows = 1;
  Partition.columns = count;
  Partition.row_quantum = 1;
  Partition.column_quantum = COLUMNS;
  place_time = each;
  row_time = 0;
  column_time = 0;
  return true;
}

/** Estimates an operation; false if it is never divided. */
function prepare(o: usize): bool {
  switch (Word.int(o, 0)) {
    case Opcode.linear_forward:
      return product(Batch.rows, Word.int(o, 7), Word.int(o, 6), false);
    case Opcode.linear_backward_weights:
      return product(Word.int(o, 5), Word.int(o, 6), Batch.rows, false);
    case Opcode.linear_backward_input:
      return product(Batch.rows, Word.int(o, 5), Word.int(o, 6), true);
    case Opcode.gather_rows:
      return by_rows(Word.int(o, 2), 8 * BYTE);
    case Opcode.softmax_forward:
      return by_rows(Word.int(o, 3), FUNCTION);
    case Opcode.softmax_cross_entropy:
    case Opcode.softmax_cross_entropy_labels:
      return by_rows(Word.int(o, 5), FUNCTION);
    case Opcode.loss_backward:
      return by_rows(Word.int(o, 5), FUNCTION);
    case Opcode.batch_norm_forward:
      return by_numbers(Word.int(o, 9), <f64>Batch.rows * 12 * BYTE);
    case Opcode.batch_norm_backward:
      return by_numbers(Word.int(o, 9), <f64>Batch.rows * 20 * BYTE);
    case Opcode.layer_norm_forward:
      return by_rows(Word.int(o, 7), 16 * BYTE);
    case Opcode.layer_norm_backward_weights:
      return by_numbers(Word.int(o, 7), <f64>Batch.rows * 8 * BYTE);
    case Opcode.layer_norm_backward_input:
      return by_rows(Word.int(o, 7), 20 * BYTE);
    case Opcode.activation_forward:
      return by_numbers(Batch.rows * Word.int(o, 3), FUNCTION);
    case Opcode.dropout:
      return by_numbers(Batch.rows * Word.int(o, 3), FUNCTION);
    case Opcode.gaussian_noise:
      return by_numbers(Batch.rows * Word.int(o, 3), 6 * FUNCTION);
    case Opcode.activation_backward:
      return by_numbers(Batch.rows * Word.int(o, 4), 12 * BYTE);
    case Opcode.sgd_step:
      return by_numbers(Word.int(o, 4), (Word.address(o, 3) === 0 ? 12 : 20) * BYTE);
    case Opcode.adam_step:
      return by_numbers(Word.int(o, 5), 28 * BYTE);
    case Opcode.optimizer_step:
      return by_numbers(Word.int(o, 6), 28 * BYTE);
    case Opcode.clip_gradient:
      return by_numbers(Word.int(o, 2), 8 * BYTE);
    case Opcode.penalty:
      return by_numbers(Word.int(o, 3), 12 * BYTE);
    case Opcode.average_step:
      return by_numbers(Word.int(o, 3), 12 * BYTE);
    default:
      return false;
  }
}

/** Where part `part` of `parts` begins. */
function part_begin(length: i32, quantum: i32, parts: i32, part: i32): i32 {
  if (part === parts) return length;
  return <i32>((<i64>part * (length / quantum)) / parts) * quantum;
}

/** Length of the longest part. */
function longest(length: i32, quantum: i32, parts: i32): f64 {
  if (parts === 1) return length;
  const quanta = length / quantum;
  const last = length - part_begin(length, quantum, parts, parts - 1);
  return max(((quanta + parts - 1) / parts) * quantum, last);
}

function time_of(rows: f64, columns: f64): f64 {
  return rows * columns * place_time + rows * row_time + columns * column_time;
}

/**
 * The division whose last chunk is expected to be done first: rounds of the longest chunk, and half a chunk more since
 * threads neither begin nor end together.
 */
function choose(threads: i32): bool {
  const alone = time_of(Partition.rows, Partition.columns);
  Partition.row_parts = 1;
  Partition.column_parts = 1;
  if (alone < 2 * GRAIN) return false;
  const limit = CHUNKS_PER_THREAD * threads;
  let best = alone * (1 - WORTH_IT);
  const most_across = min(limit, Partition.columns / Partition.column_quantum);
  for (let across = most_across; across > 0; across--) {
    const columns = longest(Partition.columns, Partition.column_quantum, across);
    const most_down = min(limit / across, Partition.rows / Partition.row_quantum);
    for (let down = max(1, most_down); down > 0; down--) {
      if (down * across === 1) continue;
      const chunk = time_of(longest(Partition.rows, Partition.row_quantum, down), columns);
      if (chunk < GRAIN) continue;
      const rounds = <f64>((down * across + threads - 1) / threads);
      const time = HAND_OVER + rounds * (chunk + CHUNK) + chunk / 2;
      if (time >= best) continue;
      best = time;
      Partition.row_parts = down;
      Partition.column_parts = across;
      Partition.saving = alone - time;
    }
  }
  return Partition.chunks() > 1;
}
