/**
 * How the thread of a run and the thread that started it talk to each other, through the words of the run. The loop
 * over the steps reads `requests` once a step; everything else happens between two steps.
 */
import { RunNumber, RunRequest, RunState, RunWord } from '../src/backends/wasm/run-words';
import { ScalarCode } from '../src/opcodes';
import { runSteps } from './executor';
import { Word } from './word';

/** The numbers of a run become those of now. Readers try again while the version is odd or has changed. */
function report(words: usize): void {
  const version = Word.at(words, RunWord.version);
  const numbers = Word.at(words, RunWord.numbers);
  const scalars = Word.address(words, RunWord.scalars);
  atomic.add<i32>(version, 1);
  store<f64>(numbers + (RunNumber.steps << 3), Word.int(words, RunWord.steps));
  store<f64>(numbers + (RunNumber.loss << 3), load<f64>(scalars + (ScalarCode.loss << 3)));
  store<f64>(numbers + (RunNumber.correct << 3), load<f64>(scalars + (ScalarCode.correct << 3)));
  store<f64>(numbers + (RunNumber.rows << 3), load<f64>(scalars + (ScalarCode.rows << 3)));
  atomic.add<i32>(version, 1);
}

/** Executes a run to its end or until it is stopped, and rests while it is halted. For a thread that may wait. */
export function runToEnd(words: usize): void {
  const requests = Word.at(words, RunWord.requests);
  const state = Word.at(words, RunWord.state);
  for (;;) {
    // A caller that sees the thread resting after its request knows that the loop will see the request.
    atomic.store<i32>(state, RunState.running);
    runSteps(words);
    report(words);
    atomic.store<i32>(state, RunState.resting);
    atomic.notify(state, -1);
    atomic.and<i32>(requests, ~RunRequest.report);
    let asked = atomic.load<i32>(requests);
    for (; (asked & RunRequest.halt) !== 0; asked = atomic.load<i32>(requests)) {
      atomic.wait<i32>(requests, asked, -1);
    }
    if ((asked & RunRequest.stop) !== 0 || Word.int(words, RunWord.steps) === 0) return;
  }
}
