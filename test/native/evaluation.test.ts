import { describe, expect, it } from 'vitest';
import { type BackendId, createTrainer, dense, sgd, type Trainer } from '../../src/index.js';
import { Random } from '../../src/random.js';
import { nativeIds } from '../support/backends.js';

const INPUTS = 200;
const random = new Random(5);
/** 4 MB: several pieces of a copy. */
const MOST = 5000;
const inputs = Float32Array.from({ length: MOST * INPUTS }, () => random.normal());
const labels = Int32Array.from({ length: MOST }, () => random.integer(3));

const create = (backend: BackendId): Promise<Trainer> =>
  createTrainer({
    inputs: INPUTS,
    layers: [dense({ units: 128, activation: 'relu' }), dense({ units: 3, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer: sgd({ learningRate: 0.05 }),
    seed: 1,
    backend,
    threads: 1,
  });

/** Memory that cannot be detached is read where it lies. */
function inPlace(rows: number) {
  const x = new Float32Array(new SharedArrayBuffer(rows * INPUTS * 4));
  x.set(inputs.subarray(0, rows * INPUTS));
  const t = new Int32Array(new SharedArrayBuffer(rows * 4));
  t.set(labels.subarray(0, rows));
  return [x, t] as const;
}

describe.each(nativeIds)('rows that are copied while they are evaluated on %s', (backend) => {
  it('are those of the call, whatever memory they are copied to', async () => {
    const trainer = await create(backend);
    for (const rows of [MOST, 300, MOST - 1, 2600, 1, MOST]) {
      const expected = await trainer.evaluate(...inPlace(rows));
      const x = inputs.slice(0, rows * INPUTS);
      const t = labels.slice(0, rows);
      const evaluated = trainer.evaluate(x, t);
      x.fill(Number.NaN);
      t.fill(99);
      expect(await evaluated).toEqual(expected);
      const doubles = Float64Array.from(inputs.subarray(0, rows * INPUTS));
      expect(await trainer.evaluate(doubles, labels.subarray(0, rows))).toEqual(expected);
    }
    trainer.dispose();
  });

  it('are those of the call where it waits for others', async () => {
    const trainer = await create(backend);
    const counts = [MOST, 1200, MOST, 40];
    const expected: unknown[] = [];
    for (const rows of counts) expected.push(await trainer.evaluate(...inPlace(rows)));
    const evaluated = counts.map((rows) => {
      const x = inputs.slice(0, rows * INPUTS);
      const result = trainer.evaluate(x, labels.subarray(0, rows));
      x.fill(Number.NaN);
      return result;
    });
    expect(await Promise.all(evaluated)).toEqual(expected);
    const x = inputs.slice();
    const predicted = trainer.predictAsync(x);
    x.fill(Number.NaN);
    expect((await predicted).data).toEqual(trainer.predict(inputs).data);
    trainer.dispose();
  });

  it('may belong to a trainer that is disposed of meanwhile', async () => {
    const trainer = await create(backend);
    const evaluated = trainer.evaluate(inputs, labels);
    const brief = trainer.evaluate(inputs.subarray(0, INPUTS), labels.subarray(0, 1));
    trainer.dispose();
    await expect(evaluated).rejects.toThrow('the trainer must not be disposed');
    await expect(brief).rejects.toThrow('the trainer must not be disposed');
  });
});

describe.each(nativeIds)('evaluations of few rows on %s', (backend) => {
  it('leave turns of the event loop to others, however many follow one another', async () => {
    const trainer = await create(backend);
    const [x, t] = [inputs.subarray(0, 100 * INPUTS), labels.subarray(0, 100)];
    let turns = 0;
    const others = setInterval(() => turns++, 1);
    const end = performance.now() + 100;
    while (performance.now() < end) await trainer.evaluate(x, t);
    clearInterval(others);
    expect(turns).toBeGreaterThan(2);
    trainer.dispose();
  });

  it('have the metrics of those that other threads make', async () => {
    const trainer = await create(backend);
    const [x, t] = [inputs.subarray(0, 100 * INPUTS), labels.subarray(0, 100)];
    const options = { metrics: ['accuracy', 'logLoss'] } as const;
    const [alone, measured] = [await trainer.evaluate(x, t), await trainer.evaluate(x, t, options)];
    const waiting = trainer.evaluate(inputs, labels);
    expect(await trainer.evaluate(x, t)).toEqual(alone);
    await waiting;
    const before = trainer.evaluate(inputs, labels);
    expect(await trainer.evaluate(x, t, options)).toEqual(measured);
    await before;
    trainer.dispose();
  });
});
