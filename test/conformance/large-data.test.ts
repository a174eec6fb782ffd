import { describe, expect, it } from 'vitest';
import { createWasmProvider } from '../../src/backends/wasm/index.js';
import { createNodeWorker } from '../../src/backends/wasm/worker/node.js';
import { dense, sgd } from '../../src/index.js';
import { readSafetensorsFile, writeFileWhole } from '../../src/io/files.js';
import { Random } from '../../src/random.js';
import { Trainer } from '../../src/trainer.js';
import { flatWeights } from '../support/compare.js';

const INPUTS = 500;
const ROWS = 20_000;

const random = new Random(3);
/** 10 MB: more than what is copied before `fit` returns. */
const rows = Uint8Array.from({ length: ROWS * INPUTS }, () => random.integer(256));
const labels = Int32Array.from({ length: ROWS }, () => random.integer(3));

function create(unshared: string | null, worker: boolean): Promise<Trainer> {
  const provider = createWasmProvider({ createWorker: createNodeWorker, unshared, concurrency: () => 2 });
  return Trainer.create(
    {
      inputs: INPUTS,
      inputTransform: { scale: 1 / 255 },
      layers: [dense({ units: 16, activation: 'relu' }), dense({ units: 3, activation: 'softmax' })],
      loss: 'crossEntropy',
      optimizer: sgd({ learningRate: 0.05 }),
      seed: 1,
      worker,
    },
    {
      providers: [provider],
      createProgress: async () => ({ update() {}, endEpoch() {}, stop() {} }),
      files: { read: readSafetensorsFile, write: writeFileWhole },
    },
  );
}

describe.each([
  ['in a worker that shares memory', null, true],
  ['in a worker that shares no memory', 'as in this test', true],
  ['on the thread of the caller', 'as in this test', false],
])('a large data set %s', (_, unshared, worker) => {
  it('is trained on, evaluated and used again as in one piece', async () => {
    const [turns, piece] = [await create(unshared, worker), await create(unshared, worker)];
    const options = { batchSize: 100, epochs: 2, validationSplit: 0.1 };
    const { history } = await turns.fit(rows, labels, options);
    // Rows in shared memory are not copied by the trainer, or all at once.
    const shared = new Uint8Array(new SharedArrayBuffer(rows.length));
    shared.set(rows);
    expect((await piece.fit(shared, labels, options)).history).toEqual(history);
    expect(flatWeights(turns.getWeights())).toEqual(flatWeights(piece.getWeights()));
    expect(await turns.evaluate(rows, labels)).toEqual(await piece.evaluate(rows, labels));
    expect(rows.length).toBe(ROWS * INPUTS);
    turns.dispose();
    piece.dispose();
  });

  it('may not be taken away while it is copied; the next one is trained on', async () => {
    const trainer = await create(unshared, worker);
    const own = rows.slice();
    const running = trainer.fit(own, labels, { batchSize: 100 });
    structuredClone(own.buffer, { transfer: [own.buffer] });
    await expect(running).rejects.toThrow(
      'Cannot copy rows: large data must stay as they are until they have been copied: received a detached or shrunk array',
    );
    const { epoch } = await trainer.fit(rows, labels, { batchSize: 100 });
    expect(epoch).toEqual([0]);
    trainer.dispose();
  });

  it('is refused for a number that is not finite, before the first step', async () => {
    const trainer = await create(unshared, worker);
    const before = flatWeights(trainer.getWeights());
    const floats = Float32Array.from(rows);
    floats[floats.length - 2] = Number.NaN;
    await expect(trainer.fit(floats, labels, { batchSize: 100 })).rejects.toThrow(
      `Cannot fit: inputs must be finite in float32: received NaN in row ${ROWS - 1}, column ${INPUTS - 2}`,
    );
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    expect(trainer.steps).toBe(0);
    floats[floats.length - 2] = 0;
    expect((await trainer.fit(floats, labels, { batchSize: 100 })).epoch).toEqual([0]);
    trainer.dispose();
  });

  it('may be given up while it is copied', async () => {
    const trainer = await create(unshared, worker);
    const abort = new AbortController();
    const running = trainer.fit(rows, labels, { batchSize: 100, epochs: 1000, signal: abort.signal });
    abort.abort();
    expect((await running).reason).toBe('aborted');
    const again = trainer.fit(rows, labels, { batchSize: 100, epochs: 1000 });
    trainer.dispose();
    await expect(again).rejects.toThrow('the trainer must not be disposed');
  });
});
