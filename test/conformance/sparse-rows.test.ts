import { describe, expect, it } from 'vitest';
import { adam, type BackendId, createTrainer, dense, type Trainer } from '../../src/index.js';
import { Random } from '../../src/random.js';
import { reports } from '../support/backends.js';

const backends = reports.filter(({ usable }) => usable).map(({ id }) => id);

/** Rows of numbers of which `filled` of all are not zero. */
function rowsOf(count: number, columns: number, filled: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count * columns }, () => {
    const value = random.uniform() * 2 - 1;
    return random.uniform() < filled ? value : 0;
  });
}

const config = (backend: BackendId, inputs: number, units: number): Parameters<typeof createTrainer>[0] => ({
  inputs,
  layers: [dense({ units, activation: 'tanh' }), dense({ units: 3, activation: 'softmax' })],
  loss: 'crossEntropy',
  optimizer: adam(),
  seed: 7,
  backend,
  threads: 1,
});

/** The same weights in front of columns more, whose weights are zero. */
function copyPadded(from: Trainer, to: Trainer): void {
  const [first, second] = from.getWeights();
  const { rows, columns } = first.weights;
  const wide = to.getWeights()[0].weights;
  wide.data.fill(0);
  for (let row = 0; row < rows; row++) {
    wide.data.set(first.weights.data.subarray(row * columns, (row + 1) * columns), row * wide.columns);
  }
  to.setWeights([{ weights: wide, biases: first.biases }, second]);
}

/** Rows beside rows of ones. */
function padded(rows: Float32Array, columns: number, more: number): Float32Array {
  const wide = new Float32Array((rows.length / columns) * (columns + more)).fill(1);
  for (let row = 0; row * columns < rows.length; row++) {
    wide.set(rows.subarray(row * columns, (row + 1) * columns), row * (columns + more));
  }
  return wide;
}

describe.each(backends)('%s, with rows of mostly zeros', (backend) => {
  it.each([
    [64, 301, 64],
    [100, 784, 37],
    [1, 1031, 130],
  ])(
    'outputs of %i rows of %i columns in %i units are those among other rows',
    async (count, columns, units) => {
      const trainer = await createTrainer(config(backend, columns, units));
      const sparse = rowsOf(count, columns, 0.15, 1);
      const mixed = Float32Array.from([...sparse, ...rowsOf(count, columns, 1, 2)]);
      const alone = trainer.predict(sparse);
      expect(trainer.predict(mixed).data.slice(0, alone.data.length)).toEqual(alone.data);
      trainer.dispose();
    },
  );

  it.each([
    [64, 301, 64],
    [401, 120, 37],
    [2, 1031, 130],
  ])(
    'gradients of %i rows of %i columns in %i units are those among other columns',
    async (count, columns, units) => {
      const more = columns * 2;
      const trainer = await createTrainer(config(backend, columns, units));
      const wide = await createTrainer(config(backend, columns + more, units));
      copyPadded(trainer, wide);
      const rows = rowsOf(count, columns, 0.15, 3);
      const labels = Int32Array.from({ length: count }, (_, row) => row % 3);
      const gradient = trainer.inspect(rows, labels).layers[0].weightGradient;
      const other = wide.inspect(padded(rows, columns, more), labels).layers[0].weightGradient;
      for (let unit = 0; unit < units; unit++) {
        expect(other?.row(unit).slice(0, columns)).toEqual(gradient?.row(unit));
      }
      for (const one of [trainer, wide]) one.dispose();
    },
  );
});
