import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { createWasmProvider, type WasmOptions } from '../../src/backends/wasm/index.js';
import { LinearMemory } from '../../src/backends/wasm/memory.js';
import { createMemory } from '../../src/backends/wasm/module.js';
import { RunState, RunWord } from '../../src/backends/wasm/run-words.js';
import { SharedRun } from '../../src/backends/wasm/shared-run.js';
import type { WorkerClient } from '../../src/backends/wasm/worker/client.js';
import { createNodeWorker } from '../../src/backends/wasm/worker/node.js';
import type { CreateWorker, WorkerPort } from '../../src/backends/wasm/worker/port.js';
import { adam, dense, sgd } from '../../src/index.js';
import { Trainer, type TrainerConfig } from '../../src/trainer.js';
import { flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';

const ROWS = 1000;
const INPUTS = 200;
const x = Float32Array.from({ length: ROWS * INPUTS }, (_, index) => Math.sin(index * 1.3));
const t = Int32Array.from({ length: ROWS }, (_, row) => (row * 7) % 10);

/** Workers that were made, and how many have been terminated. */
function watchedWorkers(): {
  createWorker: CreateWorker;
  ports: WorkerPort[];
  /** Those that have said that they are set up. */
  ready: Set<WorkerPort>;
  terminated: () => number;
} {
  const ports: WorkerPort[] = [];
  const ready = new Set<WorkerPort>();
  let terminated = 0;
  const createWorker: CreateWorker = (script, listener) => {
    const port = createNodeWorker(script, {
      ...listener,
      message: (message) => {
        if (message.kind === 'ready') ready.add(port);
        listener.message(message);
      },
    });
    ports.push(port);
    return {
      ...port,
      terminate: () => {
        terminated++;
        return port.terminate();
      },
    };
  };
  return { createWorker, ports, ready, terminated: () => terminated };
}

const create = (options: Partial<WasmOptions> = {}, config: Partial<TrainerConfig> = {}): Promise<Trainer> =>
  Trainer.create(
    {
      inputs: INPUTS,
      layers: [
        dense({ units: 192, activation: 'relu' }),
        dense({ units: 130, activation: 'tanh' }),
        dense({ units: 10, activation: 'softmax' }),
      ],
      loss: 'crossEntropy',
      optimizer: adam(),
      seed: 1,
      backend: 'wasm-simd',
      threads: 1,
      ...config,
    },
    {
      providers: [
        createWasmProvider({
          createWorker: createNodeWorker,
          concurrency: () => 2,
          minimumCost: 0,
          ...options,
        }),
      ],
      createProgress: () => Promise.reject(new Error('no progress bar in tests')),
      files: {
        read: () => Promise.reject(new Error('no files in these tests')),
        write: () => Promise.reject(new Error('no files in these tests')),
      },
    },
  );

const unshared = { unshared: 'memory is not shared in this test' };

/** Every way in which runs take place, apart from the slices on the caller's thread. */
const ways: [string, Partial<WasmOptions>, Partial<TrainerConfig>][] = [
  ['a worker in shared memory', {}, {}],
  ['2 threads', {}, { threads: 2 }],
  ['3 threads', {}, { threads: 3 }],
  ['a worker with a memory of its own', unshared, {}],
];

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Resolves when a run that is under way has changed the weights. */
async function begun(trainer: Trainer): Promise<void> {
  const before = flatWeights(trainer.getWeights());
  while (flatWeights(trainer.getWeights()).every((weight, index) => weight === before[index])) await wait(5);
}

const options = { epochs: 3, batchSize: 96, validationSplit: 0.1 };

describe.each(ways)('runs in %s', (_, wasm, config) => {
  it.each([
    ['adam', adam()],
    ['sgd', sgd({ learningRate: 0.01 })],
    ['sgd with momentum', sgd({ learningRate: 0.01, momentum: 0.9 })],
  ])('give the same bits as slices on the caller’s thread, with %s', async (__, optimizer) => {
    const trainer = await create(wasm, { ...config, optimizer });
    const sliced = await create({}, { worker: false, optimizer });
    expect(trainer.backend.worker).toBe(true);
    expect(sliced.backend.worker).toBe(false);
    expect(withoutTimes(await trainer.fit(x, t, options))).toEqual(
      withoutTimes(await sliced.fit(x, t, options)),
    );
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(sliced.getWeights()));
    expect(await trainer.evaluate(x, t)).toEqual(await sliced.evaluate(x, t));
    expect((await trainer.predictAsync(x)).data).toEqual(sliced.predict(x).data);
    trainer.dispose();
    sliced.dispose();
  });

  it('let the caller look and change between two steps', async () => {
    const trainer = await create(wasm, config);
    const running = trainer.fit(x, t, { epochs: 60, batchSize: 32 });
    await begun(trainer);
    expect(trainer.predict(x.subarray(0, INPUTS)).rows).toBe(1);
    expect(trainer.predict(x).rows).toBe(ROWS);
    expect(trainer.inspect(x.subarray(0, 3 * INPUTS), t.subarray(0, 3)).layers.length).toBe(3);
    trainer.setLearningRate(1e-30);
    const constant = trainer.getWeights().map(({ weights, biases }) => ({
      weights: weights.data.map(() => 0.25),
      biases: (biases as Float32Array).map(() => 0.5),
    }));
    trainer.setWeights(constant);
    await running;
    expect(new Set(flatWeights(trainer.getWeights()))).toEqual(new Set([0.25, 0.5]));
    trainer.dispose();
  });

  it('stop soon, and say how far they came', async () => {
    const trainer = await create(wasm, config);
    const controller = new AbortController();
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 64, signal: controller.signal });
    await wait(100);
    const asked = performance.now();
    controller.abort();
    const { reason } = await running;
    expect(reason).toBe('aborted');
    expect(performance.now() - asked).toBeLessThan(1000);
    trainer.dispose();
  });

  it('pause, and go on as if nothing had been', async () => {
    const [paused, straight] = [await create(wasm, config), await create({}, { worker: false })];
    const running = paused.fit(x, t, options);
    for (let round = 0; round < 3; round++) {
      await paused.pause();
      const before = flatWeights(paused.getWeights());
      await wait(5);
      expect(flatWeights(paused.getWeights())).toEqual(before);
      paused.resume();
      await wait(3);
    }
    expect(withoutTimes(await running)).toEqual(withoutTimes(await straight.fit(x, t, options)));
    expect(flatWeights(paused.getWeights())).toEqual(flatWeights(straight.getWeights()));
    paused.dispose();
    straight.dispose();
  });

  it('reject with the cause when the worker ends, and have a new one the next time', async () => {
    const { createWorker, ports } = watchedWorkers();
    const trainer = await create({ ...wasm, createWorker }, config);
    const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 32 });
    await begun(trainer);
    // The last one made executes the runs.
    void (ports.at(-1) as WorkerPort).terminate();
    await expect(running).rejects.toThrow('the worker has ended');
    expect((await trainer.fit(x, t, { batchSize: 100 })).epoch.length).toBe(1);
    trainer.dispose();
  });

  it('leave no worker behind, whenever a trainer is disposed of', async () => {
    const { createWorker, ports, terminated } = watchedWorkers();
    for (const delay of [0, 0, 1, 10, 60]) {
      const trainer = await create({ ...wasm, createWorker }, config);
      const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 32 });
      if (delay > 0) await wait(delay);
      trainer.dispose();
      await expect(running).rejects.toThrow('disposed');
    }
    await wait(50);
    expect(ports.length).toBeGreaterThan(0);
    await vi.waitFor(() => expect(terminated()).toBe(ports.length), 10_000);
  });
});

// What a worker has told of its batches may be one batch old.
describe.each([
  ...ways.map(([way, wasm, config]) => [way, wasm, config, 2] as const),
  ['slices on the caller’s thread', {}, { worker: false }, 1] as const,
])('runs in %s answer within a batch', (_, wasm, config, atMost) => {
  it('when they are paused and stopped', async () => {
    const inputs = new Float32Array(8 * x.length);
    const labels = new Int32Array(8 * ROWS);
    for (let copy = 0; copy < 8; copy++) {
      inputs.set(x, copy * x.length);
      labels.set(t, copy * ROWS);
    }
    const trainer = await create(wasm, config);
    const running = trainer.fit(inputs, labels, { epochs: 1e6, batchSize: 4 * ROWS });
    const trained = async (batches: number): Promise<void> => {
      const { steps } = trainer;
      while (trainer.steps < steps + batches) await wait(1);
    };
    const batchesUntil = async (ask: () => unknown): Promise<number> => {
      const { steps } = trainer;
      await ask();
      return trainer.steps - steps;
    };
    for (const batches of [1, 2, 3]) {
      await trained(batches);
      expect(await batchesUntil(() => trainer.pause())).toBeLessThanOrEqual(atMost);
      expect(await batchesUntil(() => wait(100))).toBe(0);
      trainer.resume();
    }
    await trained(2);
    const stopped = batchesUntil(() => {
      trainer.stop();
      return running;
    });
    expect(await stopped).toBeLessThanOrEqual(atMost);
    trainer.dispose();
  });
});

describe.each(ways)('an evaluation of few rows, elsewhere in %s', (_, wasm, config) => {
  it('takes place on the caller’s thread, with the same numbers, and disturbs no run', async () => {
    const { createWorker, ports } = watchedWorkers();
    const trainer = await create({ ...wasm, createWorker, briefProducts: 2 ** 26 }, config);
    const elsewhere = await create(wasm, config);
    const some = x.subarray(0, 300 * INPUTS);
    const labels = t.subarray(0, 300);
    const measured = { metrics: ['accuracy', 'logLoss'] } as const;
    expect(await trainer.evaluate(some, labels)).toEqual(await elsewhere.evaluate(some, labels));
    expect(await trainer.evaluate(some, labels, measured)).toEqual(
      await elsewhere.evaluate(some, labels, measured),
    );
    expect(ports.length).toBe(0);
    const running = trainer.fit(x, t, { epochs: 30, batchSize: 64 });
    await begun(trainer);
    expect((await trainer.evaluate(some, labels)).loss).toBeGreaterThan(0);
    await running;
    await elsewhere.fit(x, t, { epochs: 30, batchSize: 64 });
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(elsewhere.getWeights()));
    trainer.dispose();
    elsewhere.dispose();
  });
});

describe('a run long enough for threads to be tried', () => {
  it('ends with the bits of slices on the caller’s thread, with 2 and 3 threads', async () => {
    const long = { epochs: 60, batchSize: 96 };
    const sliced = await create({}, { worker: false });
    await sliced.fit(x, t, long);
    const expected = flatWeights(sliced.getWeights());
    sliced.dispose();
    for (const threads of [2, 3]) {
      const trainer = await create({}, { threads });
      await trainer.fit(x, t, long);
      expect(flatWeights(trainer.getWeights())).toEqual(expected);
      trainer.dispose();
    }
  });
});

describe('what fails in mid-run', () => {
  it('is the run if a helper ends, and its memory serves the next one', async () => {
    const { createWorker, ports, ready, terminated } = watchedWorkers();
    const trainer = await create({ createWorker }, { threads: 2 });
    for (let round = 1; round <= 2; round++) {
      const running = trainer.fit(x, t, { epochs: 1e6, batchSize: 32 });
      await begun(trainer);
      // One that ends before has claimed nothing, and the run goes on without it.
      while (!ready.has(ports[2 * round - 2])) await wait(5);
      void ports[2 * round - 2].terminate();
      await expect(running).rejects.toThrow('the worker has ended');
    }
    expect((await trainer.fit(x, t, { batchSize: 100 })).epoch.length).toBe(1);
    expect(ports.length).toBe(6);
    expect(terminated()).toBe(4);
    trainer.dispose();
  });

  it('is a call between two steps, in bounded time, if the worker gives no sign', () => {
    const memory = new LinearMemory(createMemory(true), 0);
    const words = memory.allocate(RunWord.count * 4);
    memory.views.i32[words.address / 4 + RunWord.state] = RunState.running;
    const causes: unknown[] = [];
    const silent = { ask: () => new Promise<void>(() => {}) } as unknown as WorkerClient;
    const run = new SharedRun(memory, words, 10, silent, {
      patienceMs: 30,
      resume: () => {},
      end: () => {},
      release: () => {},
      failed: async (cause) => causes.push(cause),
    });
    expect(() => run.between(() => 1)).toThrow(
      'Cannot get between two steps: a step must end within 1 s: received no sign of the worker',
    );
    expect(causes.length).toBe(1);
  });
});

describe('data too large for the module', () => {
  it('are trained on in slices, and the backend says so', async () => {
    const trainer = await create({ datasetBudgetBytes: 1000 }, { threads: 2 });
    expect(trainer.backend.notes).toEqual([]);
    await trainer.fit(x, t, options);
    expect(trainer.backend.notes).toEqual([
      "runs on a dataset of 1 MiB take place in slices: it does not fit into the module's memory",
    ]);
    trainer.dispose();
  });
});

describe('where no worker can be made', () => {
  const refused: [string, CreateWorker][] = [
    [
      'at once',
      () => {
        throw new Error('refused by policy');
      },
    ],
    [
      'after a while',
      (_, listener) => {
        setTimeout(() => listener.failed(new Error('refused by policy')), 5);
        return { post: () => {}, terminate: async () => {}, keepAlive: () => {} };
      },
    ],
  ];
  it.each(
    refused.flatMap(([when, createWorker]) => [
      [`${when}, with shared memory`, { createWorker }] as const,
      [`${when}, without`, { createWorker, ...unshared }] as const,
    ]),
  )('%s, slices do the work and the backend says why', async (_, wasm) => {
    const [trainer, sliced] = [await create(wasm), await create({}, { worker: false })];
    expect(withoutTimes(await trainer.fit(x, t, options))).toEqual(
      withoutTimes(await sliced.fit(x, t, options)),
    );
    expect(flatWeights(trainer.getWeights())).toEqual(flatWeights(sliced.getWeights()));
    expect(trainer.backend.worker).toBe(false);
    expect(trainer.backend.threads).toBe(1);
    expect(trainer.backend.notes[0]).toBe('no worker can be made: refused by policy');
    trainer.dispose();
    sliced.dispose();
  });
});

describe('what a trainer says of its threads', () => {
  it('is what it was asked for where memory is shared, and one with the reason where it is not', async () => {
    const auto = await create({}, { threads: 'auto' });
    expect(auto.backend).toMatchObject({ worker: true, threads: 2, notes: [] });
    const alone = await create(unshared, { threads: 2 });
    expect(alone.backend).toMatchObject({ worker: true, threads: 1 });
    expect(alone.backend.notes).toEqual(['one thread: memory is not shared in this test']);
    const sliced = await create({}, { threads: 2, worker: false });
    expect(sliced.backend).toMatchObject({ worker: false, threads: 1 });
    for (const trainer of [auto, alone, sliced]) trainer.dispose();
  });

  it('is checked', async () => {
    await expect(create({}, { worker: 1 as never })).rejects.toThrow(
      'Cannot create trainer: worker must be a boolean: received 1',
    );
  });
});

describe('workers come and go', () => {
  it('two hundred times', async () => {
    const { createWorker, ports, terminated } = watchedWorkers();
    for (let round = 0; round < 200; round++) {
      const trainer = await create({ createWorker, minimumCost: round % 10 === 0 ? 0 : 2 ** 24 });
      await trainer.fit(x.subarray(0, 10 * INPUTS), t.subarray(0, 10));
      trainer.dispose();
    }
    await wait(50);
    expect(ports.length).toBe(20);
    await vi.waitFor(() => expect(terminated()).toBe(20), 10_000);
  });

  it('and a process that forgets them ends', async () => {
    const library = new URL('../../dist/index.js', import.meta.url).href;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createTrainer, dense, sgd } from ${JSON.stringify(library)};
        const x = Float32Array.from({ length: 2e5 }, (_, index) => Math.sin(index));
        const t = new Float32Array(1000);
        const trainer = await createTrainer({
          inputs: 200, layers: [dense({ units: 200, activation: 'tanh' }), dense({ units: 1 })],
          loss: 'meanSquaredError', optimizer: sgd(), seed: 1, backend: 'wasm-simd', threads: 2,
        });
        await trainer.fit(x, t, { epochs: 3 });
        console.log(trainer.backend.worker);`,
      ],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), timeout: 20_000 },
    );
    expect(stdout.trim()).toBe('true');
  });
});
