import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { batchNorm, createTrainer, dense, dropout, rmsprop } from '../../src/index.js';
import { removeFolder, temporaryFolder } from '../package/consumer.js';
import { usableIds } from '../support/backends.js';

const run = promisify(execFile);
const library = new URL('../../dist/index.js', import.meta.url).href;

/** Source of a module that makes a trainer on `backend` with data to fit. */
const prelude = (backend: string): string => `
  import { createTrainer, dense, sgd } from ${JSON.stringify(library)};
  const x = Float32Array.from({ length: 2000 }, (_, index) => Math.sin(index));
  const t = Float32Array.from({ length: 1000 }, (_, row) => x[2 * row] * x[2 * row + 1]);
  const create = () => createTrainer({
    inputs: 2,
    layers: [dense({ units: 16, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError', optimizer: sgd({ learningRate: 0.05 }), seed: 1, backend: '${backend}',
  });
`;

/** What makes relaxed SIMD available before Node 22, if this process has it. */
const flagsOfEngine = process.execArgv.filter((flag) => flag.startsWith('--experimental-wasm'));

/** Runs a module in a Node process of its own; rejects unless it exits with 0. */
const runModule = (source: string, ...flags: string[]): Promise<{ stdout: string; stderr: string }> =>
  run(process.execPath, [...flagsOfEngine, ...flags, '--input-type=module', '-e', source], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    timeout: 60_000,
  });

const workerOf = (source: string): Worker =>
  new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));

const messageOf = (worker: Worker): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });

describe.each(usableIds)('processes and threads on %s', (backend) => {
  it('exits by itself after training, with trainers left undisposed', async () => {
    const { stdout } = await runModule(`${prelude(backend)}
      const trainer = await create();
      await trainer.fit(x, t, { epochs: 3 });
      console.log('done');
    `);
    expect(stdout.trim()).toBe('done');
  });

  it('loads a model with parts that no other has loaded before', async () => {
    const trainer = await createTrainer({
      inputs: 3,
      layers: [
        dense({ units: 4, activation: 'gelu', l2: 0.1 }),
        batchNorm(),
        dropout({ rate: 0.5 }),
        dense({ units: 2 }),
      ],
      loss: 'huber',
      optimizer: rmsprop(),
      averaging: { decay: 0.9 },
      gradientClipping: { norm: 1 },
      backend,
      seed: 1,
    });
    trainer.trainBatch([[1, 2, 3]], [[0, 1]]);
    const path = join(temporaryFolder(), 'model.safetensors');
    await trainer.save(path);
    const { stdout } = await runModule(`
      import { loadTrainer } from ${JSON.stringify(library)};
      const trainer = await loadTrainer(${JSON.stringify(path)}, { backend: '${backend}' });
      console.log(JSON.stringify([...trainer.predict([1, 2, 3]).data]));
    `);
    expect(JSON.parse(stdout)).toEqual([...trainer.predict([1, 2, 3]).data]);
    removeFolder(dirname(path));
  });

  it('stays alive until a fit nobody waits for has ended', async () => {
    const { stdout } = await runModule(`${prelude(backend)}
      const trainer = await create();
      trainer.fit(x, t, { epochs: 20 }).then(({ reason }) => console.log(reason));
    `);
    expect(stdout.trim()).toBe('completed');
  });

  it('exits at once when told to in mid-epoch', async () => {
    const { stdout } = await runModule(`${prelude(backend)}
      const trainer = await create();
      trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
      setTimeout(() => { console.log('leaving'); process.exit(0); }, 50);
    `);
    expect(stdout.trim()).toBe('leaving');
  });

  it('trains the same in two workers at once as alone', async () => {
    const source = `${prelude(backend)}
      import { parentPort } from 'node:worker_threads';
      const trainer = await create();
      const { history } = await trainer.fit(x, t, { epochs: 5 });
      parentPort.postMessage(history.loss);
    `;
    const workers = [workerOf(source), workerOf(source)];
    const [one, other] = await Promise.all(workers.map(messageOf));
    expect(one).toEqual(other);
    expect((one as number[]).length).toBe(5);
  });

  it('survives the end of a worker in mid-epoch', async () => {
    for (const delay of [0, 3, 20]) {
      const worker = workerOf(`${prelude(backend)}
        import { parentPort } from 'node:worker_threads';
        const trainer = await create();
        trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
        setTimeout(() => parentPort.postMessage('running'), ${delay});
      `);
      await messageOf(worker);
      expect(await worker.terminate()).toBe(1);
    }
  });

  it.runIf(backend.startsWith('native'))('survives the end of a worker while it copies', async () => {
    for (const delay of [0, 1, 5, 20, 40]) {
      const worker = workerOf(`
        import { parentPort } from 'node:worker_threads';
        import { createTrainer, dense, sgd } from ${JSON.stringify(library)};
        const trainer = await createTrainer({
          inputs: 784, layers: [dense({ units: 8 })], loss: 'meanSquaredError',
          optimizer: sgd({ learningRate: 0.001 }), backend: '${backend}', threads: 2,
        });
        const x = new Float32Array(20_000 * 784).fill(0.5);
        const t = new Float32Array(20_000 * 8);
        parentPort.postMessage('copying');
        trainer.fit(x, t, { epochs: 1e6, batchSize: 1 });
      `);
      await messageOf(worker);
      await new Promise((resolve) => setTimeout(resolve, delay));
      expect(await worker.terminate()).toBe(1);
    }
  });

  it('gives back the memory of trainers and datasets that were let go', async () => {
    const { stdout } = await runModule(
      `${prelude(backend)}
      const big = new Float32Array(2e6);
      const bigT = new Float32Array(1e6);
      const measured = [];
      for (let round = 0; round < 24; round++) {
        const trainer = await create();
        await trainer.evaluate(big.subarray(0, 4e5), bigT.subarray(0, 2e5));
        trainer.predict(big.subarray(0, 2e4));
        if (round % 2) trainer.dispose();
        await new Promise((resolve) => setTimeout(resolve, 1));
        gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
        measured.push(process.memoryUsage().rss / 2 ** 20);
      }
      console.log(JSON.stringify([Math.max(...measured.slice(6, 12)), Math.max(...measured.slice(18))]));
    `,
      '--expose-gc',
    );
    const [before, after] = JSON.parse(stdout) as [number, number];
    expect(after - before, `resident MiB ${before} -> ${after}`).toBeLessThan(24);
  });

  it.skipIf(backend === 'reference')('keeps resident memory flat over a million small steps', async () => {
    const { stdout } = await runModule(
      `${prelude(backend)}
      const trainer = await create();
      const [row, target] = [new Float32Array(2), new Float32Array(1)];
      const resident = () => { gc(); return process.memoryUsage().rss / 2 ** 20; };
      const fit = () => trainer.fit(x, t, { epochs: 100, batchSize: 1 });
      const steps = () => { for (let step = 0; step < 1e5; step++) trainer.trainBatch(row, target); };
      await fit();
      steps();
      const before = resident();
      for (let round = 0; round < 8; round++) await fit();
      steps();
      steps();
      console.log(JSON.stringify([before, resident()]));
    `,
      '--expose-gc',
    );
    const [before, after] = JSON.parse(stdout) as [number, number];
    expect(after - before, `resident MiB ${before} -> ${after}`).toBeLessThan(16);
  });
});
