import { RunWord } from '../src/backends/wasm/run-words';
import { ElementCode, Opcode, ScalarCode } from '../src/opcodes';
import { activation_backward, activation_forward } from './activations';
import { Batch } from './batch';
import { execute_further } from './further';
import { gather_labels, gather_rows, gather_targets, store_rows } from './gather';
import { clip_gradient, count_batches } from './gradients';
import { linear_backward_input, linear_backward_weights, linear_forward } from './linear';
import { cross_entropy_labels, loss_backward, sigmoid_binary_cross_entropy } from './losses';
import { map_binary } from './maps';
import { count_correct, count_correct_labels, sum_losses } from './metrics';
import { adam_step, advance_moments, scale_by_rate, sgd_step } from './optimizers';
import {
  softmax_backward,
  softmax_cross_entropy,
  softmax_cross_entropy_labels,
  softmax_forward,
} from './softmax';
import { begin_steps, execute_step } from './team';
import { train_rows } from './tiny';
import { Word } from './word';

/** Bytes an operation takes in a plan: twelve words. */
const OPERATION_BYTES: usize = 48;

/** Executes the steps that a run descriptor tells of, until the first request; see `RunWord`. */
export function runSteps(words: usize): void {
  let begin = Word.address(words, RunWord.operationsBegin);
  const end = Word.address(words, RunWord.operationsEnd);
  const rows_per_epoch = <u32>Word.int(words, RunWord.rowsPerEpoch);
  const batch_size = min(<u32>Word.int(words, RunWord.batchSize), rows_per_epoch);
  let metrics = Word.address(words, RunWord.metrics);
  Batch.scalars = Word.address(words, RunWord.scalars);
  Batch.inputs = Word.address(words, RunWord.inputs);
  Batch.input_element = Word.int(words, RunWord.inputElement);
  Batch.targets = Word.address(words, RunWord.targets);
  Batch.labels = Word.address(words, RunWord.labels);
  Batch.result = Word.address(words, RunWord.result);
  Batch.order = Word.address(words, RunWord.order);
  const accumulated = <u32>Word.int(words, RunWord.accumulated);
  let more_begin = Word.address(words, RunWord.moreBegin);
  const more_end = Word.address(words, RunWord.moreEnd);
  const update_begin = Word.address(words, RunWord.updateBegin);
  const update_end = Word.address(words, RunWord.updateEnd);
  let rates = Word.address(words, RunWord.rates);
  const rate_scalar = Word.address(words, RunWord.rateScalar);
  let position = <u32>Word.int(words, RunWord.position);
  let steps = Word.int(words, RunWord.steps);
  const requests = Word.at(words, RunWord.requests);
  Batch.in_place = rows_to_spare(begin);
  if (Batch.in_place !== 0) {
    begin += OPERATION_BYTES;
    more_begin += OPERATION_BYTES;
  }
  begin_steps(begin, end, OPERATION_BYTES, batch_size);
  for (; steps > 0 && atomic.load<i32>(requests) === 0; steps--) {
    const rows = min(batch_size, rows_per_epoch - position);
    Batch.rows = rows;
    Batch.position = position;
    if (rates !== 0) {
      store<f64>(rate_scalar, load<f64>(rates));
      rates += 8;
    }
    const place: u32 = accumulated === 0 ? 0 : (position / batch_size) % accumulated;
    if (place === 0) execute_step(begin, end, OPERATION_BYTES, rows === batch_size, steps);
    else execute_step(more_begin, more_end, OPERATION_BYTES, false, steps);
    if (accumulated !== 0 && (place === accumulated - 1 || position + rows === rows_per_epoch)) {
      execute_step(update_begin, update_end, OPERATION_BYTES, false, steps);
    }
    if (Batch.order !== 0) Batch.order += (<usize>rows) << 2;
    position += rows;
    if (position === rows_per_epoch) {
      position = 0;
      for (let code: i32 = 0; code < ScalarCode.first_free; code++) {
        const at = (<usize>code) << 3;
        store<f64>(metrics + at, load<f64>(Batch.scalars + at));
        store<f64>(Batch.scalars + at, 0);
      }
      metrics += ScalarCode.first_free << 3;
    }
  }
  Word.set(words, RunWord.position, position);
  Word.set(words, RunWord.order, <i32>Batch.order);
  Word.set(words, RunWord.metrics, <i32>metrics);
  Word.set(words, RunWord.rates, <i32>rates);
  Word.set(words, RunWord.steps, steps);
}

/**
 * Where the first operation gathers rows to, here and in the program of further batches, if they may and can be read
 * where they lie; else 0.
 */
function rows_to_spare(begin: usize): usize {
  const other = (Batch.input_element ^ ElementCode.float32) | (Word.int(begin, 0) ^ Opcode.gather_rows);
  const moved = Batch.order | Word.address(begin, 3) | Word.address(begin, 4);
  return Word.int(begin, 6) !== 0 && (<usize>other | moved) === 0 ? Word.address(begin, 1) : 0;
}

/** How many operands `execute` reads of each operation, in the order of `Opcode`. */
const OPERAND_COUNTS = memory.data<u8>([
  6, 4, 1, 8, 3, 7, 6, 6, 6, 6, 5, 4, 7, 7, 11, 11, 8, 8, 7, 1, 4, 3, 1, 8, 9, 3, 11, 3, 8, 2, 4, 3, 5, 6, 4,
  4, 2, 5, 7, 8, 5, 2, 4, 1, 6, 6,
]);
const OPERATIONS: u32 = 46;

/** Operands of the operation of that code, −1 where there is none. */
export function operandCount(opcode: i32): i32 {
  return <u32>opcode < OPERATIONS ? load<u8>(OPERAND_COUNTS + opcode) : -1;
}

/** Executes an operation, or this thread's share of it; in the basic module, those of a basic plan only. */
export function execute(o: usize): void {
  // All words of it, whatever they mean there: loads where they are used take 700 bytes more.
  const opcode = Word.int(o, 0);
  const o1 = Word.int(o, 1);
  const o2 = Word.int(o, 2);
  const o3 = Word.int(o, 3);
  const o4 = Word.int(o, 4);
  const o5 = Word.int(o, 5);
  const o6 = Word.int(o, 6);
  const o7 = Word.int(o, 7);
  const o8 = Word.int(o, 8);
  const o9 = Word.int(o, 9);
  const o10 = Word.int(o, 10);
  const o11 = Word.int(o, 11);
  switch (opcode) {
    case Opcode.gather_rows:
      gather_rows(o1, o2, o3, o4, o5);
      break;
    case Opcode.gather_targets:
      gather_targets(o1, o2, o3, o4);
      break;
    case Opcode.gather_labels:
      gather_labels(o1);
      break;
    case Opcode.linear_forward:
      linear_forward(Batch.input_of(o1, o6), o2, o3, o4, o5, o6, o7, o8);
      break;
    case Opcode.softmax_forward:
      softmax_forward(o1, o2, o3);
      break;
    case Opcode.loss_backward:
      loss_backward(o1, o2, o3, o4, o5, o6, o7);
      break;
    case Opcode.cross_entropy_labels:
      cross_entropy_labels(o1, o2, o3, o4, o5, o6);
      break;
    case Opcode.softmax_cross_entropy:
      softmax_cross_entropy(o1, o2, o3, o4, o5, o6);
      break;
    case Opcode.softmax_cross_entropy_labels:
      softmax_cross_entropy_labels(o1, o2, o3, o4, o5, o6);
      break;
    case Opcode.sigmoid_binary_cross_entropy:
      sigmoid_binary_cross_entropy(o1, o2, o3, o4, o5, o6);
      break;
    case Opcode.activation_backward:
      activation_backward(o1, o2, o3, o4, o5);
      break;
    case Opcode.softmax_backward:
      softmax_backward(o1, o2, o3, o4);
      break;
    case Opcode.linear_backward_weights:
      linear_backward_weights(Batch.input_of(o1, o5), o2, o3, o4, o5, o6, o7 !== 0);
      break;
    case Opcode.linear_backward_input:
      linear_backward_input(o1, o2, o3, o4, o5, o6, o7);
      break;
    case Opcode.sum_losses:
      sum_losses(o1);
      break;
    case Opcode.count_correct:
      count_correct(o1, o2, o3, o4);
      break;
    case Opcode.count_correct_labels:
      count_correct_labels(o1, o2, o3);
      break;
    case Opcode.advance_moments:
      advance_moments(o1);
      break;
    case Opcode.sgd_step:
      sgd_step(o1, o2, o3, o4, o5, o6, o7, o8);
      break;
    case Opcode.adam_step:
      adam_step(o1, o2, o3, o4, o5, o6, o7, o8, o9);
      break;
    case Opcode.scale_by_rate:
      scale_by_rate(o1, o2, o3);
      break;
    case Opcode.train_rows:
      if (!isDefined(WHOLE)) unreachable();
      train_rows(o1, o2, Word.at(o, 3), Word.at(o, 6), o9, o10, o11);
      break;
    case Opcode.count_batches:
      count_batches(o1, o2);
      break;
    case Opcode.clip_gradient:
      clip_gradient(o1, o2, o3, o4, o5);
      break;
    case Opcode.store_rows:
      store_rows(o1, o2);
      break;
    case Opcode.map_binary:
      map_binary(o1, o2, o3, o4, o5, o6, o7);
      break;
    case Opcode.activation_forward:
      activation_forward(o1, o2, o3, o4);
      break;
    default:
      if (isDefined(WHOLE)) execute_further(opcode, o1, o2, o3, o4, o5, o6, o7, o8, o9, o10, o11);
      else unreachable();
  }
}
