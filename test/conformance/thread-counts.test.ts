import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reports } from '../support/backends.js';

const run = promisify(execFile);
const library = new URL('../../dist/index.js', import.meta.url).href;
const [best] = reports.filter(({ kind, usable }) => kind === 'native' && usable);

/** What every process below begins with: a trainer whose operations are worth dividing, and what the system counts. */
const prelude = `
  import { readFileSync } from 'node:fs';
  import { createTrainer, dense, sgd } from ${JSON.stringify(library)};
  const rows = 512;
  const x = Float32Array.from({ length: rows * 256 }, (_, index) => Math.sin(index));
  const t = Int32Array.from({ length: rows }, (_, row) => row % 10);
  const create = (threads) => createTrainer({
    inputs: 256,
    layers: [dense({ units: 256, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })],
    loss: 'crossEntropy', optimizer: sgd({ learningRate: 0.05 }), seed: 1, backend: '${best?.id}', threads,
  });
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const threadsNow = () => Number(/Threads:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  // Threads of Node itself come and go: those that appear later than the library's are told from them by waiting.
  const settled = async (expected) => {
    for (let attempt = 0; attempt < 100 && threadsNow() !== expected; attempt++) await sleep(10);
    return threadsNow();
  };
`;

/** What a module prints as JSON; rejects unless its process exits with 0. */
async function outcomeOf(source: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', `${prelude}${source}`], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}

/** Every shape of run once, so that Node has started what threads of its own it will. */
const warmUp = `
  const first = await create(1);
  await first.fit(x, t, { epochs: 2, batchSize: 128 });
  first.trainBatch(x, t);
  first.dispose();
  await sleep(50);
  const before = threadsNow();
`;

describe.runIf(best && existsSync('/proc/self/status'))('threads of a process', () => {
  it('start with the first operation worth dividing and end with the trainer', async () => {
    const seen = await outcomeOf(`${warmUp}
      const trainer = await create(4);
      const created = threadsNow() - before;
      trainer.predict(x.subarray(0, 256));
      const small = threadsNow() - before;
      trainer.trainBatch(x, t);
      const synchronous = threadsNow() - before;
      const ended = trainer.fit(x, t, { epochs: 1e6, batchSize: 128 }).catch(({ message }) => message);
      await sleep(30);
      const running = threadsNow() - before;
      trainer.dispose();
      const after = (await settled(before)) - before;
      console.log(JSON.stringify({ created, small, synchronous, running, after, ended: await ended }));
    `);
    const ended = 'Cannot go on: the trainer must not be disposed: received a disposed trainer';
    // The run itself takes a thread besides the three helpers.
    expect(seen).toEqual({ created: 0, small: 0, synchronous: 3, running: 4, after: 0, ended });
  });

  it('are as many as asked for when many train at once, and compute what one alone does', async () => {
    const seen = await outcomeOf(`${warmUp}
      const train = async (trainer) => {
        const { history } = await trainer.fit(x, t, { epochs: 4, batchSize: 128 });
        return history.loss.join();
      };
      const alone = await create(1);
      const expected = await train(alone);
      alone.dispose();
      const trainers = await Promise.all(Array.from({ length: 8 }, () => create(3)));
      const training = trainers.map(train);
      let most = 0;
      const watch = setInterval(() => { most = Math.max(most, threadsNow() - before); }, 1);
      const losses = await Promise.all(training);
      clearInterval(watch);
      for (const trainer of trainers) trainer.dispose();
      const after = (await settled(before)) - before;
      console.log(JSON.stringify({ equal: losses.every((loss) => loss === expected), bounded: most <= 8 * 3, after }));
    `);
    expect(seen).toEqual({ equal: true, bounded: true, after: 0 });
  });

  it('end with a worker that is terminated in mid-epoch or in a synchronous run', async () => {
    const seen = await outcomeOf(`${warmUp}
      import { Worker } from 'node:worker_threads';
      const source = (body) => \`${prelude.replaceAll('`', '\\`').replaceAll('\\', '\\\\').replaceAll('${', '\\${')}
        import { parentPort } from 'node:worker_threads';
        const trainer = await create(3);
        \${body}
      \`;
      const bodies = [
        "trainer.fit(x, t, { epochs: 1e6, batchSize: 128 }); setTimeout(() => parentPort.postMessage(0), 20);",
        "parentPort.postMessage(0); for (;;) trainer.trainBatch(x, t);",
      ];
      const exits = [];
      for (const body of [...bodies, ...bodies]) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(source(body))));
        await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
        await sleep(10);
        exits.push(await worker.terminate());
      }
      const after = (await settled(before)) - before;
      console.log(JSON.stringify({ exits, after }));
    `);
    expect(seen).toEqual({ exits: [1, 1, 1, 1], after: 0 });
  });

  it('sleep after a run', async () => {
    const { idle, slept } = (await outcomeOf(`${warmUp}
      const trainer = await create(4);
      await trainer.fit(x, t, { epochs: 10, batchSize: 128 });
      trainer.trainBatch(x, t);
      await sleep(20);
      const threads = threadsNow() - before;
      const began = process.cpuUsage();
      await sleep(300);
      const { user, system } = process.cpuUsage(began);
      console.log(JSON.stringify({ idle: (user + system) / 1000, slept: threads }));
    `)) as { idle: number; slept: number };
    expect(slept).toBe(3);
    // Milliseconds of 300; a single thread that spun would take all of them.
    expect(idle).toBeLessThan(60);
  });
});
