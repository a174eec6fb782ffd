import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadFurther } from '../../src/further.js';
import { adam, dense, type Optimizer, sgd } from '../../src/index.js';
import { createModel } from '../../src/model.js';
import { createPlan } from '../../src/plan/plan.js';
import { usableIds } from '../support/backends.js';

const library = new URL('../../dist/index.js', import.meta.url).href;
const MIB = 2 ** 20;

/** Runs a module, which has `memory()`, in a process of its own; resolves with what it prints as JSON. */
async function runModule(source: string): Promise<number[]> {
  const prelude = `
    import { createTrainer, dense, sgd } from ${JSON.stringify(library)};
    const memory = () => {
      for (let round = 0; round < 3; round++) gc();
      const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
      return { heapUsed, external, arrayBuffers, rss };
    };
    // Memory while a fit rests after its first epoch, for which all rows have been copied, and after its end.
    const memoryOfFit = async (trainer, x, t) => {
      let running;
      await new Promise((resolve, reject) => {
        const callbacks = { onEpochEnd: resolve };
        running = trainer.fit(x, t, { epochs: 1000, batchSize: 512, callbacks });
        running.catch(reject);
      });
      await trainer.pause();
      const during = memory();
      trainer.stop();
      await running;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return [during, memory()];
    };
  `;
  const flags = process.execArgv.filter((flag) => flag.startsWith('--experimental-wasm'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...flags, '--expose-gc', '--input-type=module', '-e', prelude + source],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), timeout: 60_000 },
  );
  return JSON.parse(stdout) as number[];
}

await loadFurther();

describe('the bytes of a plan', () => {
  const optimizers: [string, Optimizer, number][] = [
    ['sgd', sgd({ learningRate: 0.1 }), 8],
    ['sgd with momentum', sgd({ learningRate: 0.1, momentum: 0.9 }), 12],
    ['adam', adam(), 16],
  ];
  // `kept`: units of the layers whose net inputs are kept; `extra`: labels.
  const models = [
    {
      inputs: 784,
      units: [128, 10],
      activations: ['relu', 'softmax'],
      loss: 'crossEntropy',
      kept: 10,
      extra: 1,
    },
    {
      inputs: 2,
      units: [2, 1],
      activations: ['tanh', 'sigmoid'],
      loss: 'halfSquaredError',
      kept: 0,
      extra: 0,
    },
    {
      inputs: 2,
      units: [2, 1],
      activations: ['tanh', 'sigmoid'],
      loss: 'binaryCrossEntropy',
      kept: 1,
      extra: 0,
    },
    {
      inputs: 30,
      units: [64, 5, 3],
      activations: ['tanh', 'softmax', 'linear'],
      loss: 'squaredError',
      kept: 5,
      extra: 0,
    },
  ] as const;

  it.each(optimizers)('are per parameter and per row as stated with %s', (_name, optimizer, each) => {
    for (const { inputs, units, activations, loss, kept, extra } of models) {
      const layers = units.map((count, index) => dense({ units: count, activation: activations[index] }));
      const model = createModel({ inputs, layers, loss, optimizer });
      const outputs = units[units.length - 1];
      const unitsOfAll = units.reduce<number>((sum, count) => sum + count, 0);
      for (const rows of [1, 32, 1000]) {
        const { buffers, arenaLength } = createPlan(model, rows);
        const bytesOf = (perRow: boolean): number =>
          buffers
            .filter((buffer) => buffer.perRow === perRow)
            .reduce((sum, buffer) => sum + 4 * buffer.rows * buffer.columns, 0);
        expect(bytesOf(false)).toBe(each * model.parameterCount);
        expect(bytesOf(true)).toBe(rows * 4 * (inputs + outputs + 1 + extra + 2 * unitsOfAll + kept));
        const padding = 4 * arenaLength - bytesOf(false) - bytesOf(true);
        expect(padding).toBeGreaterThanOrEqual(0);
        expect(padding).toBeLessThan(64 * (buffers.length + 1));
      }
    }
  });
});

describe.each(usableIds.filter((id) => id !== 'reference'))('memory on %s', (backend) => {
  const create = `createTrainer({
    inputs: 2, layers: [dense({ units: 2, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError', optimizer: sgd({ learningRate: 0.05 }), seed: 1, backend: '${backend}',
  })`;

  it('does not grow with the steps of trainBatch and fit', async () => {
    const [now, fit] = await runModule(`
      const trainer = await ${create};
      const x = new Float32Array(2000), t = new Float32Array(1000);
      const [row, target] = [x.subarray(0, 2), t.subarray(0, 1)];
      const steps = () => { for (let step = 0; step < 150_000; step++) trainer.trainBatch(row, target); };
      const fit = () => trainer.fit(x, t, { epochs: 150, batchSize: 1 });
      const total = () => { const { heapUsed, external } = memory(); return heapUsed + external; };
      const grown = async (run) => {
        const totals = [];
        for (let round = 0; round < 8; round++) {
          await run();
          totals.push(total());
        }
        return Math.min(...totals.slice(5)) - Math.min(...totals.slice(2, 5));
      };
      console.log(JSON.stringify([await grown(steps), await grown(fit)]));
    `);
    // What the engine keeps for a moment, compiled code above all, is gone after one of three rounds; a byte a step is not.
    expect(now).toBeLessThan(MIB / 8);
    expect(fit).toBeLessThan(MIB / 8);
  });

  it.each([
    ['Float32Array', 4, 1],
    ['Uint8Array', 1, 1],
  ])('holds the rows of a fit once, as %s', async (type, bytes, copies) => {
    const [held, released] = await runModule(`
      const rows = ${(100 * MIB) / 1024 / bytes};
      const x = new ${type}(rows * 1024), t = new Float32Array(rows);
      const trainer = await createTrainer({
        inputs: 1024, layers: [dense({ units: 1 })], loss: 'meanSquaredError',
        optimizer: sgd({ learningRate: 0.001 }), seed: 1, backend: '${backend}',
      });
      const before = memory();
      const [during, after] = await memoryOfFit(trainer, x, t);
      console.log(JSON.stringify([during.rss - before.rss, after.rss - before.rss]));
    `);
    expect(held / MIB).toBeGreaterThan(90 * copies);
    expect(held / MIB).toBeLessThan(125 * copies);
    // Linear memory does not shrink; it takes the next dataset.
    if (backend.startsWith('native')) expect(released / MIB).toBeLessThan(25);
  });

  it.runIf(backend.startsWith('native'))('holds nothing beside a SharedArrayBuffer', async () => {
    const [held] = await runModule(`
      const rows = 25 * 1024;
      const x = new Float32Array(new SharedArrayBuffer(rows * 4096)).fill(0.5);
      const t = new Float32Array(new SharedArrayBuffer(rows * 4));
      const trainer = await createTrainer({
        inputs: 1024, layers: [dense({ units: 1 })], loss: 'meanSquaredError',
        optimizer: sgd({ learningRate: 0.001 }), seed: 1, backend: '${backend}',
      });
      const before = memory();
      const [during] = await memoryOfFit(trainer, x, t);
      console.log(JSON.stringify([during.rss - before.rss]));
    `);
    expect(held / MIB).toBeLessThan(25);
  });

  it.runIf(backend.startsWith('native'))('holds large weights twice while it only predicts', async () => {
    const [once, twice, released] = await runModule(`
      const x = new Float32Array(32 * 4096), t = new Float32Array(32);
      const trainer = await createTrainer({
        inputs: 4096, layers: [dense({ units: 2048, activation: 'gelu' }), dense({ units: 1 })],
        loss: 'meanSquaredError', optimizer: sgd({ learningRate: 0.001 }), seed: 1, backend: '${backend}',
      });
      trainer.trainBatch(x, t);
      trainer.predict(x);
      const before = memory();
      const resident = (predictions) => {
        for (let turn = 0; turn < predictions; turn++) trainer.predict(x);
        return memory().rss - before.rss;
      };
      const grown = [resident(10), resident(10)];
      trainer.trainBatch(x, t);
      console.log(JSON.stringify([...grown, resident(0)]));
    `);
    expect(once / MIB).toBeLessThan(8);
    expect(twice / MIB).toBeGreaterThan(28);
    expect(twice / MIB).toBeLessThan(44);
    expect(released / MIB).toBeLessThan(12);
  });
});
