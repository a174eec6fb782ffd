import { afterEach, describe, expect, it, vi } from 'vitest';
import { embeddedModules } from '../../src/backends/wasm/embedded.js';
import { binaryOf, createMemory, instantiate } from '../../src/backends/wasm/module.js';
import { RunWord } from '../../src/backends/wasm/run-words.js';
import { Opcode, ScalarCode } from '../../src/opcodes.js';
import { Random } from '../../src/random.js';

/** Numbers of an update that is worth dividing. */
const COUNT = 16384;
/** Epochs of a run, at most, of those that come to the end of one. */
const MOST_EPOCHS = 2000;

/** Bytes of a team of two, as `assembly/team.ts` lays it out: how many helpers there are, and whether the first one rests. */
const HELPERS = 128;
const RESTS = 192 + 4 * 128 + 128 + 68;

/** Milliseconds that a step takes at a time of the clock. */
interface Machine {
  alone(time: number): number;
  divided(time: number): number;
}

interface Outcome {
  /** Milliseconds it took, and what one thread would have taken. */
  time: number;
  alone: number;
  /** Steps that were divided, of how many. */
  divided: number;
  steps: number;
  /** The most that a divided step lost. */
  excess: number;
}

/** The owner of a team whose helper has come but claims nothing, with a clock that says what the machine takes. */
async function simulated(
  machine: Machine,
  { rowsPerEpoch, batchSize } = { rowsPerEpoch: 2 ** 30, batchSize: 1 },
): Promise<(steps: number) => Outcome> {
  const memory = createMemory(false);
  const module = await WebAssembly.compile(binaryOf(await embeddedModules.simd.whole(), false));
  const { exports } = await instantiate(module, memory);
  const words = exports.firstFree();
  const [operation, scalars, team, numbers] = [256, 512, 1024, 4096].map((offset) => words + offset);
  const metrics = numbers + 8 * COUNT;
  memory.grow(Math.ceil((metrics + MOST_EPOCHS * ScalarCode.first_free * 8) / 65536));
  const i32 = new Int32Array(memory.buffer);
  const update = [Opcode.sgd_step, numbers, numbers + 4 * COUNT, 0, COUNT, scalars];
  i32.set(update, operation / 4);
  i32[(team + HELPERS) / 4] = 1;
  exports.leadTeam(team, 2);

  let time = 0;
  let begins = true;
  let outcome: Outcome;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    if (begins) {
      begins = false;
      return time;
    }
    const alone = machine.alone(time);
    const divides = i32[(team + RESTS) / 4] === 0;
    const took = divides ? machine.divided(time) : alone;
    outcome.time += took;
    outcome.alone += alone;
    if (divides) {
      outcome.divided++;
      outcome.excess = Math.max(outcome.excess, took - alone);
    }
    time += took;
    return time;
  });
  return (steps) => {
    begins = true;
    outcome = { time: 0, alone: 0, divided: 0, steps, excess: 0 };
    i32.fill(0, words / 4, words / 4 + RunWord.count);
    i32[words / 4 + RunWord.operationsBegin] = operation;
    i32[words / 4 + RunWord.operationsEnd] = operation + 48;
    i32[words / 4 + RunWord.scalars] = scalars;
    i32[words / 4 + RunWord.metrics] = metrics;
    i32[words / 4 + RunWord.rowsPerEpoch] = rowsPerEpoch;
    i32[words / 4 + RunWord.batchSize] = batchSize;
    i32[words / 4 + RunWord.steps] = steps;
    exports.runSteps(words);
    return outcome;
  };
}

const constant = (alone: number, divided: number): Machine => ({
  alone: () => alone,
  divided: () => divided,
});

/** What a run may lose: a hundredth of the time, five milliseconds or three steps, and what the last divided step lost. */
function expectBounded({ time, alone, steps, excess }: Outcome): void {
  expect(time).toBeLessThanOrEqual(1.01 * alone + Math.max(5, (3 * alone) / steps) + excess + 1e-6);
}

const lengths = [0.2, 1, 5, 150];

afterEach(() => vi.restoreAllMocks());

describe('whether steps are divided among threads', () => {
  it.each(lengths)('they are where that is faster: %d ms a step', async (alone) => {
    const run = await simulated(constant(alone, alone / 1.8));
    const steps = Math.ceil(2000 / alone);
    let last = run(steps);
    expectBounded(last);
    for (let ran = last.alone; ran < 8000; ran += last.alone) last = run(steps);
    expect(last.divided / steps).toBeGreaterThan(0.9);
    expect(last.alone / last.time).toBeGreaterThan(1.65);
  });

  it('they are where a batch would have room for more rows than there are', async () => {
    const run = await simulated(constant(1, 0.5), { rowsPerEpoch: 10, batchSize: 32 });
    expect(run(MOST_EPOCHS).divided).toBeGreaterThan(0.9 * MOST_EPOCHS);
  });

  describe.each([1.02, 1.3, 2, 10])('divided steps that take %d times as long', (factor) => {
    it.each(lengths)('lose no more than is allowed: %d ms a step', async (alone) => {
      const run = await simulated(constant(alone, factor * alone));
      for (const milliseconds of [20, 250, 250, 250, 250, 1000, 4000]) {
        expectBounded(run(Math.ceil(milliseconds / alone)));
      }
    });

    it.each(lengths)('are given up: %d ms a step', async (alone) => {
      const machine = { alone: () => alone, divided: (time: number) => alone * (time < 4000 ? 0.6 : factor) };
      const run = await simulated(machine);
      const steps = Math.ceil(1000 / alone);
      let ran = 0;
      while (ran < 4000) ran += run(steps).time;
      let late = { time: 0, alone: 0 };
      while (ran < 14_000) {
        const outcome = run(steps);
        expectBounded(outcome);
        late = { time: late.time + outcome.time, alone: late.alone + outcome.alone };
        ran += outcome.time;
      }
      expect(late.time / late.alone).toBeLessThan(1.015);
    });
  });

  it('they are where threads come to run apart only after a while', async () => {
    const alone = 0.5;
    let beganToWork = 0;
    let lastWork = Number.NEGATIVE_INFINITY;
    const run = await simulated({
      alone: () => alone,
      divided: (time) => {
        if (time - lastWork > 5) beganToWork = time;
        lastWork = time;
        return time - beganToWork < 15 ? 1.25 * alone : alone / 1.8;
      },
    });
    for (let count = 0; count < 4; count++) expectBounded(run(2000));
    const { time, divided } = run(2000);
    expect(divided).toBeGreaterThan(0.9 * 2000);
    expect(time).toBeLessThan(0.65 * alone * 2000);
  });

  it('they are tried again soon where the first trial came too early', async () => {
    const alone = 0.65;
    const run = await simulated({
      alone: () => alone,
      divided: (time) => (time < 200 ? alone : alone / 1.8),
    });
    const outcome = run(2000);
    expectBounded(outcome);
    expect(outcome.divided).toBeGreaterThan(0.5 * outcome.steps);
  });

  it('little is lost on a machine that changes all the time', async () => {
    const random = new Random(7);
    const alone = 0.5;
    let until = 0;
    let speed = 1;
    const run = await simulated({
      // Now and then a step is interrupted.
      alone: () => alone * (random.uniform() < 0.01 ? 4 : 1),
      divided: (time) => {
        if (time > until) {
          until = time + 400 * random.uniform();
          speed = random.uniform() < 0.5 ? 0.6 : 1.5;
        }
        return alone * speed * (random.uniform() < 0.01 ? 4 : 1);
      },
    });
    let time = 0;
    let ofOneThread = 0;
    for (let count = 0; count < 20; count++) {
      const outcome = run(2000);
      time += outcome.time;
      ofOneThread += outcome.alone;
    }
    expect(time).toBeLessThan(1.01 * ofOneThread);
  });
});
