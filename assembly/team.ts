/**
 * The threads that share the operations of an executor. One owner, which executes the runs, and helpers. An operation's
 * chunks are dealt out as one range for each thread; a thread that is done with its own range takes from the others'.
 * Nobody waits for a thread that has claimed nothing, so a helper that sleeps, or has not started yet, costs nothing but
 * its help.
 *
 * A thread's range is one number: sequence of the operation, next chunk, end. The owner writes it after the job; a claim
 * is a compare-exchange, so it fails if the range is of another operation than the one looked at. Only then is the job
 * read. What a chunk wrote is released by adding it to `done`, which the owner reads until all chunks are in; not before
 * that does it change the job. The sequence has 40 bits: a helper that holds an old number would have to sleep for 2^40
 * operations to claim a wrong chunk.
 */
import { Batch } from './batch';
import { execute } from './executor';
import { Partition } from './partition';
import { Share } from './share';
import { ThreadChoice } from './thread-choice';
import { Word } from './word';

/** Cache lines of a team: `done`, the job, how many helpers there are, two for each choice, and two for each thread. */
const JOB: usize = 64;
const HELPERS: usize = 128;
const CHOICES: usize = 192;
const CHOICE_BYTES: usize = 128;
const MOST_CHOICES: i32 = 4;
const SLOTS: usize = CHOICES + <usize>MOST_CHOICES * CHOICE_BYTES;
const SLOT_BYTES: usize = 128;
/** Of a slot: its range, whether its thread is asleep, and whether it is to sleep as long as no operation is new. */
const ASLEEP: usize = 64;
const REST: usize = 68;

const SEQUENCE_SHIFT: i64 = 24;
const NEXT_SHIFT: i64 = 12;
const CHUNK_MASK: i64 = 4095;

/** How long a helper looks for work before it goes to sleep, in milliseconds. */
const LOOKING: f64 = 0.2;
/** Looks that are timed, to know how many that is. */
const TIMED_LOOKS: i32 = 10000;
/** How often the owner looks for a last chunk before it leaves the processor to whoever has it, and for how long. */
const OWNER_LOOKS: i32 = 20000;
const OWNER_NAP_NS: i64 = 50000;
/** Nanoseconds to be saved from which on it pays to wake a thread. */
const WORTH_WAKING: f64 = 10000;

/** What a helper must know of an operation, in words of the job. */
enum JobWord {
  operation,
  rows,
  position,
  order,
  inputs,
  inputElement,
  inPlace,
  targets,
  labels,
  scalars,
  wholeRows,
  wholeColumns,
  rowQuantum,
  columnQuantum,
  rowParts,
  columnParts,
}

let base: usize = 0;
let threads: i32 = 1;
let sequence: i64 = 0;
/** What sleeping helpers would have saved since one was woken. */
let missed: f64 = 0;

/** Bytes of a team of that many threads, zero at first. */
export function teamBytes(count: i32): usize {
  return SLOTS + <usize>count * SLOT_BYTES;
}

/** Makes this thread the owner of a team. */
export function leadTeam(team: usize, count: i32): void {
  base = team;
  threads = count;
}

function slot_of(thread: i32): usize {
  return base + SLOTS + <usize>thread * SLOT_BYTES;
}

/** Whether an operation of the program that steps are of is worth dividing; then who decides, and when the last step ended. */
let is_divisible: bool = false;
let choice: ThreadChoice = changetype<ThreadChoice>(0);
let step_began: f64 = 0;
/** How many choices have been made. */
let choices: i32 = 0;
/** Whether helpers are to look for work. */
let is_looking: bool = true;

/** Before steps of a program, in batches of that many rows. The basic module has no team. */
export function begin_steps(begin: usize, end: usize, operation_bytes: usize, rows: i32): void {
  if (isDefined(WHOLE)) look_for_work(begin, end, operation_bytes, rows);
}

function look_for_work(begin: usize, end: usize, operation_bytes: usize, rows: i32): void {
  is_divisible = false;
  if (threads === 1) return;
  Batch.rows = rows;
  for (let operation = begin; operation < end && !is_divisible; operation += operation_bytes) {
    is_divisible = Partition.divide(operation, threads);
  }
  if (!is_divisible) return;
  choice = choice_of(begin, rows);
  step_began = performance.now();
}

/** The choice for a program; there are the last few. */
function choice_of(program: usize, rows: i32): ThreadChoice {
  for (let index: i32 = 0; index < MOST_CHOICES; index++) {
    const one = changetype<ThreadChoice>(base + CHOICES + <usize>index * CHOICE_BYTES);
    if (one.program === program && one.rows === rows) return one;
  }
  const place = base + CHOICES + <usize>(choices++ % MOST_CHOICES) * CHOICE_BYTES;
  memory.fill(place, 0, CHOICE_BYTES);
  const made = changetype<ThreadChoice>(place);
  made.program = program;
  made.rows = rows;
  return made;
}

/**
 * Executes the operations of a program on a batch, those that pay with the team if that is the faster way. Steps that are
 * as long as most say which one is; `steps_left` are in the run.
 */
export function execute_step(
  begin: usize,
  end: usize,
  operation_bytes: usize,
  is_whole: bool,
  steps_left: i32,
): void {
  if (isDefined(WHOLE)) execute_in_team(begin, end, operation_bytes, is_whole, steps_left);
  else for (let operation = begin; operation < end; operation += operation_bytes) execute(operation);
}

function execute_in_team(
  begin: usize,
  end: usize,
  operation_bytes: usize,
  is_whole: bool,
  steps_left: i32,
): void {
  // Helpers come when they have started.
  const chooses = is_divisible && atomic.load<i32>(base + HELPERS) !== 0;
  const divides = chooses && choice.divides;
  if (chooses && divides !== is_looking) let_look(divides);
  for (let operation = begin; operation < end; operation += operation_bytes) {
    if (divides && Partition.divide(operation, threads)) lead(operation);
    else execute(operation);
  }
  if (!is_divisible) return;
  const now = performance.now();
  if (is_whole && chooses) choice.took(now - step_began, steps_left);
  step_began = now;
}

/** Whether helpers look for work between two operations, or sleep. */
function let_look(looks: bool): void {
  is_looking = looks;
  for (let thread: i32 = 1; thread < threads; thread++)
    atomic.store<i32>(slot_of(thread) + REST, looks ? 0 : 1);
}

/** Executes all chunks of an operation; returns when they are done. */
function lead(operation: usize): void {
  const chunks = Partition.chunks();
  publish(operation);
  atomic.store<i32>(base, 0);
  sequence++;
  for (let thread: i32 = 0; thread < threads; thread++) {
    const next: i64 = (thread * chunks) / threads;
    const end: i64 = ((thread + 1) * chunks) / threads;
    atomic.store<i64>(slot_of(thread), (sequence << SEQUENCE_SHIFT) | (next << NEXT_SHIFT) | end);
  }
  wake_sleepers();
  const others = chunks - work(0, sequence, operation);
  let looks: i32 = 0;
  for (let done = atomic.load<i32>(base); done !== others; done = atomic.load<i32>(base)) {
    if (++looks > OWNER_LOOKS) atomic.wait<i32>(base, done, OWNER_NAP_NS);
  }
  Share.is_part = false;
}

function wake_sleepers(): void {
  let is_missing = false;
  const wakes = missed + Partition.saving >= WORTH_WAKING;
  for (let thread: i32 = 1; thread < threads; thread++) {
    const asleep = slot_of(thread) + ASLEEP;
    if (atomic.load<i32>(asleep) === 0) continue;
    is_missing = true;
    if (!wakes) continue;
    atomic.store<i32>(asleep, 0);
    atomic.notify(asleep, 1);
  }
  missed = is_missing && !wakes ? missed + Partition.saving : 0;
}

/** The next chunk of a range, −1 if there is none of that operation. */
function claim(slot: usize, of_sequence: i64): i32 {
  let range = atomic.load<i64>(slot);
  while (range >> SEQUENCE_SHIFT === of_sequence) {
    const next = (range >> NEXT_SHIFT) & CHUNK_MASK;
    if (next >= (range & CHUNK_MASK)) break;
    const found = atomic.cmpxchg<i64>(slot, range, range + ((<i64>1) << NEXT_SHIFT));
    if (found === range) return <i32>next;
    range = found;
  }
  return -1;
}

/** Executes chunks until none is unclaimed; returns how many. A helper learns of the job with its first claim. */
function work(thread: i32, of_sequence: i64, operation: usize): i32 {
  let count: i32 = 0;
  for (let turn: i32 = 0; turn < threads; turn++) {
    const slot = slot_of((thread + turn) % threads);
    for (let chunk = claim(slot, of_sequence); chunk >= 0; chunk = claim(slot, of_sequence)) {
      if (operation === 0) operation = adopt();
      Partition.take(chunk);
      execute(operation);
      if (thread > 0) atomic.add<i32>(base, 1);
      count++;
    }
  }
  return count;
}

/** Helps a team as long as this thread lives. */
export function help(team: usize, count: i32, thread: i32): void {
  leadTeam(team, count);
  const slot = slot_of(thread);
  const looks = looks_in(LOOKING, slot);
  let seen: i64 = 0;
  atomic.add<i32>(base + HELPERS, 1);
  for (;;) {
    seen = wait_for_job(slot, seen, looks);
    work(thread, seen, 0);
  }
}

/** How often a thread looks in that time, by the fastest of some attempts. */
function looks_in(milliseconds: f64, slot: usize): i32 {
  let least: f64 = milliseconds;
  for (let attempt: i32 = 0; attempt < 5; attempt++) {
    const began = performance.now();
    let looks: i32 = 0;
    while (looks < TIMED_LOOKS && sequence_of(slot) >= 0 && !rests(slot)) looks++;
    // The owner of the team may have it rest meanwhile.
    if (looks === TIMED_LOOKS) least = min(least, performance.now() - began);
  }
  // A clock may be coarse.
  return <i32>((<f64>TIMED_LOOKS * milliseconds) / max(least, 0.005));
}

function sequence_of(slot: usize): i64 {
  return atomic.load<i64>(slot) >> SEQUENCE_SHIFT;
}

function rests(slot: usize): bool {
  return atomic.load<i32>(slot + REST) !== 0;
}

/** The sequence of the first operation after `seen`. */
function wait_for_job(slot: usize, seen: i64, most_looks: i32): i64 {
  let looks: i32 = 0;
  let now_there = sequence_of(slot);
  for (; now_there === seen; now_there = sequence_of(slot)) {
    if (rests(slot)) {
      sleep(slot, seen);
      looks = 0;
    } else if (++looks === most_looks) {
      sleep(slot, seen);
      looks = 0;
    }
  }
  return now_there;
}

/**
 * Sleeps until an operation is new. What V8 11 (Node 20) compiles first goes wrong behind a wait in the loop above, and a
 * helper never comes back. Called from two places this remains a function; from one, or smaller, it would be put in place.
 */
function sleep(slot: usize, seen: i64): void {
  const asleep = slot + ASLEEP;
  atomic.store<i32>(asleep, 1);
  if (sequence_of(slot) === seen) atomic.wait<i32>(asleep, 1, -1);
  atomic.store<i32>(asleep, 0);
}

function publish(operation: usize): void {
  const job = base + JOB;
  Word.set(job, JobWord.operation, <i32>operation);
  Word.set(job, JobWord.rows, Batch.rows);
  Word.set(job, JobWord.position, Batch.position);
  Word.set(job, JobWord.order, <i32>Batch.order);
  Word.set(job, JobWord.inputs, <i32>Batch.inputs);
  Word.set(job, JobWord.inputElement, Batch.input_element);
  Word.set(job, JobWord.inPlace, <i32>Batch.in_place);
  Word.set(job, JobWord.targets, <i32>Batch.targets);
  Word.set(job, JobWord.labels, <i32>Batch.labels);
  Word.set(job, JobWord.scalars, <i32>Batch.scalars);
  Word.set(job, JobWord.wholeRows, Partition.rows);
  Word.set(job, JobWord.wholeColumns, Partition.columns);
  Word.set(job, JobWord.rowQuantum, Partition.row_quantum);
  Word.set(job, JobWord.columnQuantum, Partition.column_quantum);
  Word.set(job, JobWord.rowParts, Partition.row_parts);
  Word.set(job, JobWord.columnParts, Partition.column_parts);
}

/** Takes over the job; returns its operation. */
function adopt(): usize {
  const job = base + JOB;
  Batch.rows = Word.int(job, JobWord.rows);
  Batch.position = Word.int(job, JobWord.position);
  Batch.order = Word.address(job, JobWord.order);
  Batch.inputs = Word.address(job, JobWord.inputs);
  Batch.input_element = Word.int(job, JobWord.inputElement);
  Batch.in_place = Word.address(job, JobWord.inPlace);
  Batch.targets = Word.address(job, JobWord.targets);
  Batch.labels = Word.address(job, JobWord.labels);
  Batch.scalars = Word.address(job, JobWord.scalars);
  Partition.rows = Word.int(job, JobWord.wholeRows);
  Partition.columns = Word.int(job, JobWord.wholeColumns);
  Partition.row_quantum = Word.int(job, JobWord.rowQuantum);
  Partition.column_quantum = Word.int(job, JobWord.columnQuantum);
  Partition.row_parts = Word.int(job, JobWord.rowParts);
  Partition.column_parts = Word.int(job, JobWord.columnParts);
  return Word.address(job, JobWord.operation);
}
