import { describe, expect, it } from 'vitest';
import {
  adam,
  batchNorm,
  createTrainer,
  decodeSafetensors,
  dense,
  dropout,
  encodeSafetensors,
  fitLbfgs,
  gaussianNoise,
  type LayerConfig,
  type LayerWeights,
  layerNorm,
  loadTrainer,
  modelCheckpoint,
  sgd,
  type Trainer,
  type TrainerConfig,
  trainMany,
} from '../../src/index.js';
import { reports, usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';

const ROWS = 96;
const INPUTS = 6;
const x = Float32Array.from({ length: ROWS * INPUTS }, (_, index) => Math.sin(2.3 * index) + 0.3);
const labels = Int32Array.from({ length: ROWS }, (_, row) =>
  Math.floor(1.5 + 1.49 * Math.sin(4 * x[INPUTS * row])),
);

const layers: readonly LayerConfig[] = [
  gaussianNoise({ stddev: 0.05 }),
  dense({ units: 12 }),
  batchNorm({ activation: 'relu' }),
  dropout({ rate: 0.25 }),
  dense({ units: 8, activation: 'tanh' }),
  layerNorm(),
  dense({ units: 3, activation: 'softmax' }),
];

const create = (config: Partial<TrainerConfig> = {}): Promise<Trainer> =>
  createTrainer({
    inputs: INPUTS,
    layers,
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: 0.02 }),
    seed: 3,
    backend: 'reference',
    threads: 1,
    ...config,
  });

/** Everything that layers hold, running statistics too. */
const allNumbers = (list: readonly LayerWeights[]): number[] => [
  ...flatWeights(list),
  ...list.flatMap(({ runningMean = [], runningVariance = [] }) => [...runningMean, ...runningVariance]),
];

const programOf = (trainer: Trainer, name: string): string => {
  const [, rest] = trainer.describePlan().split(`program ${name}\n`);
  return rest.split('\n\n')[0];
};

describe('layers of every kind', () => {
  it('have their shapes and parameters', async () => {
    const trainer = await create();
    expect(
      trainer.layers.map(({ type, inputs, units, parameterCount }) => [type, inputs, units, parameterCount]),
    ).toEqual([
      ['gaussianNoise', 6, 6, 0],
      ['dense', 6, 12, 84],
      ['batchNorm', 12, 12, 24],
      ['dropout', 12, 12, 0],
      ['dense', 12, 8, 104],
      ['layerNorm', 8, 8, 16],
      ['dense', 8, 3, 27],
    ]);
    expect(trainer.layers[3]).toMatchObject({ rate: 0.25, trainable: false, bias: false });
    expect(trainer.parameterCount).toBe(84 + 24 + 104 + 16 + 27);
    const [noise, , norm] = trainer.getWeights();
    expect([noise.weights.rows, noise.weights.columns, noise.biases]).toEqual([6, 0, null]);
    expect([norm.weights.rows, norm.weights.columns]).toEqual([12, 1]);
    expect([...norm.weights.data, ...(norm.biases ?? [])]).toEqual([
      ...Array(12).fill(1),
      ...Array(12).fill(0),
    ]);
    expect([...(norm.runningMean ?? []), ...(norm.runningVariance ?? [])]).toEqual([
      ...Array(12).fill(0),
      ...Array(12).fill(1),
    ]);
    trainer.dispose();
  });

  it.each([
    [() => dropout({ rate: 1 }), 'Cannot create dropout layer: rate must be in [0, 1): received 1'],
    [() => dropout({} as never), 'Cannot create dropout layer: rate must be a number: received undefined'],
    [
      () => dropout({ rate: 0.5, units: 3 } as never),
      "options may be type, rate: received unknown option 'units'",
    ],
    [
      () => gaussianNoise({ stddev: -1 }),
      'Cannot create gaussianNoise layer: stddev must be finite and >= 0',
    ],
    [
      () => batchNorm({ momentum: 2 }),
      'Cannot create batchNorm layer: momentum must be in [0, 1]: received 2',
    ],
    [() => batchNorm({ epsilon: 0 }), 'epsilon must be finite and > 0: received 0'],
    [
      () => layerNorm({ scale: 1 as never }),
      'Cannot create layerNorm layer: scale must be a boolean: received 1',
    ],
    [() => layerNorm({ momentum: 0.1 } as never), "received unknown option 'momentum'"],
  ])('say what is wrong with their options: %#', (make, message) => {
    expect(make).toThrow(message);
  });

  it('are refused where they make no sense', async () => {
    await expect(create({ layers: [dense({ units: 3 }), dropout({ rate: 0.5 })] })).rejects.toThrow(
      "Cannot create trainer: the last layer must have outputs of its own: received 'dropout'",
    );
    await expect(create({ layers: [{ type: 'conv' } as never] })).rejects.toThrow(
      'Cannot add layer 1: type must be one of dense, dropout, gaussianNoise, batchNorm, layerNorm',
    );
    const frozen = await create({
      layers: [dropout({ rate: 0.1 }), layerNorm({ scale: false, center: false })],
      loss: 'meanSquaredError',
    });
    expect(() => frozen.trainBatch(x, x)).toThrow('at least one layer must be trainable');
    frozen.dispose();
    const trainer = await create();
    expect(() => trainer.setTrainable(3, true)).toThrow(
      "Cannot set trainable: the layer must be one that learns: received 'dropout'",
    );
    const weights = trainer.getWeights();
    const withNegative = weights.map((layer, index) =>
      index === 2 ? { ...layer, runningVariance: Array(12).fill(-1) } : layer,
    );
    expect(() => trainer.setWeights(withNegative)).toThrow(
      'layer 3: runningVariance must be >= 0: received -1',
    );
    const withWeights = weights.map((layer, index) => (index === 3 ? { ...layer, weights: [1] } : layer));
    expect(() => trainer.setWeights(withWeights)).toThrow(
      'layer 4: weights must be empty, since the layer has none',
    );
    await expect(fitLbfgs(trainer, x, labels)).rejects.toThrow(
      'the loss of the same weights must be the same',
    );
    trainer.dispose();
  });

  it('take the defaults of Keras with its preset', async () => {
    const trainer = await create({
      preset: 'keras',
      layers: [batchNorm(), layerNorm({ epsilon: 1e-4 }), dense({ units: 3, activation: 'softmax' })],
    });
    expect(trainer.model.layers.map(({ config }) => config)).toMatchObject([
      { epsilon: 1e-3, momentum: 0.01 },
      { epsilon: 1e-4 },
      { initializer: 'glorotUniform' },
    ]);
    trainer.dispose();
  });

  it('of the kinds for training leave no trace in predictions', async () => {
    const plain = layers.filter(({ type }) => type !== 'dropout' && type !== 'gaussianNoise');
    for (const backend of usableIds) {
      const [trainer, without] = [await create({ backend }), await create({ backend, layers: plain })];
      for (const program of ['predict', 'evaluateLabels']) {
        const operations = (one: Trainer): string[] =>
          programOf(one, program)
            .split('\n')
            .map((line) => line.trim().split(' ')[0]);
        expect(operations(trainer)).toEqual(operations(without));
      }
      expect(trainer.predict(x)).toEqual(without.predict(x));
      expect(trainer.inspect(x, labels).loss).toBeCloseTo((await trainer.evaluate(x, labels)).loss, 6);
      trainer.dispose();
      without.dispose();
    }
  });

  it('show what they compute', async () => {
    const trainer = await create();
    trainer.inspect(x, labels);
    const graph = trainer.graph();
    expect(graph.nodes.map(({ id }) => id).join(' ')).toBe(
      'x0 x1 W2 b2 z2 x2 W3 b3 z3 x3 x4 W5 b5 z5 x5 W6 b6 z6 x6 W7 b7 z7 x7 t E',
    );
    expect(graph.node('x4')).toMatchObject({ label: 'x4 = dropout(x3)', parents: ['x3'] });
    expect(graph.node('z3')).toMatchObject({
      label: 'z3 = W3 batchNorm(x2) + b3',
      parents: ['x2', 'W3', 'b3'],
    });
    expect(graph.node('W3')).toMatchObject({ label: 'W3: gamma', shape: [12, 1] });
    expect(graph.node('x4').value).toEqual(graph.node('x3').value);
    expect(graph.toMermaid()).toContain('x3 --> x4');
    trainer.dispose();
  });
});

describe('dropout', () => {
  const onInputs = (config: Partial<TrainerConfig> = {}): Promise<Trainer> =>
    create({
      inputs: 100,
      layers: [dropout({ rate: 0.4 }), dense({ units: 1 })],
      loss: 'meanSquaredError',
      optimizer: sgd({ learningRate: 1e-3 }),
      ...config,
    });
  const ones = new Float32Array(100).fill(1);
  /** What has been dropped in the next step: the inputs whose weights have no gradient. */
  const maskOf = (trainer: Trainer): string =>
    Array.from(trainer.computeGradients(ones, [5]).layers[1].weights.data, (g) => (g === 0 ? '.' : '#')).join(
      '',
    );

  it('has the same masks on every backend, other ones in every step, and other ones for another seed', async () => {
    const masks = new Set<string>();
    const first = await onInputs();
    const expected = [1, 2, 3, 4].map(() => maskOf(first));
    for (const backend of usableIds) {
      const trainer = await onInputs({ backend });
      expect([1, 2, 3, 4].map(() => maskOf(trainer))).toEqual(expected);
      trainer.dispose();
    }
    const other = await onInputs({ seed: 4 });
    for (const mask of [...expected, maskOf(other)]) {
      masks.add(mask);
      const kept = mask.split('#').length - 1;
      expect(kept).toBeGreaterThan(40);
      expect(kept).toBeLessThan(80);
    }
    expect(masks.size).toBe(5);
    first.dispose();
    other.dispose();
  });

  it('drops all but never everything at the ends of its range', async () => {
    const never = await onInputs({ layers: [dropout({ rate: 0 }), dense({ units: 1 })] });
    expect(maskOf(never)).toBe('#'.repeat(100));
    const almost = await onInputs({ layers: [dropout({ rate: 1 - 2 ** -30 }), dense({ units: 1 })] });
    expect(almost.trainBatch(ones, [5]).loss).toBeLessThan(Number.POSITIVE_INFINITY);
    never.dispose();
    almost.dispose();
  });

  it('keeps the mean of what it passes on', async () => {
    const trainer = await onInputs({
      backend: usableIds[0],
      layers: [dropout({ rate: 0.4 }), dense({ units: 1, bias: false })],
    });
    trainer.setWeights([{ weights: [] }, { weights: new Float32Array(100).fill(0.01) }]);
    let sum = 0;
    // With targets of 0, the loss of a step is the square of its output; the mean output is 1.
    for (let step = 0; step < 2000; step++) sum += Math.sqrt(trainer.computeGradients(ones, [0]).loss);
    // Standard deviation of one output: sqrt(100 · 0.01² · 0.4 / 0.6) = 0.082.
    expect(Math.abs(sum / 2000 - 1)).toBeLessThan((4 * 0.082) / Math.sqrt(2000));
    trainer.dispose();
  });

  it('has a mask for each of several batches whose gradients are added up', async () => {
    const trainer = await onInputs();
    const rows = new Float32Array(800).fill(1);
    await trainer.fit(rows, new Float32Array(8), {
      epochs: 3,
      batchSize: 2,
      accumulateBatches: 2,
      shuffle: false,
    });
    expect(maskStepOf(trainer)).toBe(12);
    trainer.dispose();
  });
});

/** The step of the masks, as the model file has it. */
function maskStepOf(trainer: Trainer): number | undefined {
  const { tensors, metadata } = decodeSafetensors(trainer.toBytes());
  const { scalars } = JSON.parse(metadata['fastmlp.training']) as { scalars: string[] };
  const numbers = tensors.get('optimizer.scalars')?.data as Float64Array;
  return numbers[scalars.indexOf('maskStep')];
}

describe('batchNorm', () => {
  const columnsOf = (rows: number): number[][] =>
    Array.from({ length: INPUTS }, (_, column) =>
      Array.from({ length: rows }, (_, row) => x[row * INPUTS + column]),
    );
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('moves its running statistics in training steps alone, unless it is frozen', async () => {
    const trainer = await create({
      layers: [batchNorm({ momentum: 0.2 }), dense({ units: 3, activation: 'softmax' })],
    });
    const running = (): number[] => allNumbers(trainer.getWeights()).slice(-2 * INPUTS);
    const initial = running();
    await trainer.evaluate(x, labels);
    trainer.predict(x);
    trainer.inspect(x, labels);
    expect(running()).toEqual(initial);
    trainer.trainBatch(x, labels);
    const columns = columnsOf(ROWS);
    const expected = [
      ...columns.map((values) => 0.2 * mean(values)),
      ...columns.map((values) => {
        const middle = mean(values);
        return 0.8 + 0.2 * (values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (ROWS - 1));
      }),
    ];
    expectAgree('running', running(), expected, 1e-12);
    trainer.setTrainable(0, false);
    const before = allNumbers(trainer.getWeights().slice(0, 1));
    trainer.trainBatch(x, labels);
    expect(allNumbers(trainer.getWeights().slice(0, 1))).toEqual(before);
    trainer.dispose();
  });

  it('makes do with batches of one row', async () => {
    for (const backend of usableIds) {
      const trainer = await create({ backend });
      await trainer.fit(x.subarray(0, INPUTS * 5), labels.subarray(0, 5), { batchSize: 4, epochs: 3 });
      expect(allNumbers(trainer.getWeights()).every(Number.isFinite)).toBe(true);
      trainer.dispose();
    }
  });

  it('predicts by the statistics that setWeights is given', async () => {
    const trainer = await create({ layers: [batchNorm(), dense({ units: 3 })], loss: 'meanSquaredError' });
    const [norm, last] = trainer.getWeights();
    const eye = Array.from({ length: 3 }, (_, unit) =>
      Array.from({ length: INPUTS }, (_, input) => Number(unit === input)),
    );
    trainer.setWeights([
      { ...norm, runningMean: Array(INPUTS).fill(0.3), runningVariance: Array(INPUTS).fill(4 - 1e-5) },
      { ...last, weights: eye },
    ]);
    const outputs = trainer.predict(x);
    for (let unit = 0; unit < 3; unit++)
      expect(outputs.row(7)[unit]).toBeCloseTo((x[7 * INPUTS + unit] - 0.3) / 2, 6);
    // Statistics that are left out stay as they are.
    trainer.setWeights([
      { weights: norm.weights, biases: norm.biases },
      { ...last, weights: eye },
    ]);
    expect(trainer.predict(x)).toEqual(outputs);
    trainer.dispose();
  });
});

describe('what training changes', () => {
  it.each(usableIds)(
    'is in snapshots, clones and files: training goes on bit for bit on %s',
    async (backend) => {
      const trainer = await create({ backend, averaging: { decay: 0.9 }, gradientClipping: { norm: 1 } });
      const options = { epochs: 2, batchSize: 16 };
      await trainer.fit(x, labels, options);
      const snapshot = trainer.snapshot();
      const bytes = trainer.toBytes();
      const clone = await trainer.clone();
      const step = (one: Trainer): number[] => {
        for (let turn = 0; turn < 3; turn++) one.trainBatch(x, labels);
        return allNumbers([...one.getWeights(), ...one.averageWeights()]);
      };
      const after = step(trainer);
      expect(step(clone)).toEqual(after);
      trainer.restore(snapshot);
      expect(step(trainer)).toEqual(after);
      const loaded = await loadTrainer(bytes, { backend, threads: 1 });
      expect(step(loaded)).toEqual(after);
      expect(loaded.layers).toEqual(trainer.layers);
      for (const one of [trainer, clone, loaded]) one.dispose();
    },
  );

  it('has the names of PyTorch in files', async () => {
    const trainer = await create();
    trainer.trainBatch(x, labels);
    const { tensors } = decodeSafetensors(trainer.toBytes());
    const names = [...tensors.keys()].filter((name) => !name.startsWith('optimizer.'));
    // GaussianNoise, Linear, BatchNorm1d, ReLU, Dropout, Linear, Tanh, LayerNorm, Linear, Softmax.
    expect(names.sort()).toEqual([
      ...['1.bias', '1.weight', '2.bias', '2.running_mean', '2.running_var', '2.weight'],
      ...['5.bias', '5.weight', '7.bias', '7.weight', '8.bias', '8.weight'],
    ]);
    expect(tensors.get('2.weight')?.shape).toEqual([12]);
    expect(tensors.get('2.running_var')?.shape).toEqual([12]);
    expect(tensors.get('optimizer.moment1.7.weight')?.shape).toEqual([8]);
    expect(tensors.get('5.weight')?.shape).toEqual([8, 12]);
    trainer.dispose();
  });

  it('is read from files whose layers have no type', async () => {
    const trainer = await create({ layers: layers.filter(({ type }) => type === 'dense') });
    const { tensors, metadata } = decodeSafetensors(trainer.toBytes());
    const { 'fastmlp.checksum': _, ...kept } = metadata;
    const model = kept['fastmlp.model'].replaceAll('"type":"dense",', '');
    expect(model).not.toBe(kept['fastmlp.model']);
    const bytes = encodeSafetensors(tensors, { ...kept, 'fastmlp.model': model });
    const loaded = await loadTrainer(bytes, { backend: 'reference' });
    expect(loaded.predict(x)).toEqual(trainer.predict(x));
    trainer.dispose();
    loaded.dispose();
  });

  it('does not depend on the number of threads', async () => {
    for (const { id } of reports.filter(({ usable, kind }) => usable && kind !== 'reference')) {
      const rows = 128;
      const wide = Float32Array.from({ length: rows * 256 }, (_, index) => Math.sin(index));
      const classes = Int32Array.from({ length: rows }, (_, row) => row % 10);
      const ended: number[][] = [];
      for (const threads of [1, 2, 3]) {
        const trainer = await create({
          ...{ backend: id, threads, inputs: 256 },
          layers: [
            gaussianNoise({ stddev: 0.1 }),
            dense({ units: 256 }),
            batchNorm({ activation: 'relu' }),
            dropout({ rate: 0.5 }),
            dense({ units: 255 }),
            layerNorm({ activation: 'gelu' }),
            dropout({ rate: 0.1 }),
            dense({ units: 10, activation: 'softmax' }),
          ],
        });
        await trainer.fit(wide, classes, { epochs: 3, batchSize: 128 });
        ended.push(allNumbers(trainer.getWeights()));
        trainer.dispose();
      }
      expect(ended[1], id).toEqual(ended[0]);
      expect(ended[2], id).toEqual(ended[0]);
    }
  });

  it('is the same for gradients added up over batches as for those of one batch', async () => {
    const normed = [
      dense({ units: 5 }),
      layerNorm({ activation: 'tanh' }),
      dense({ units: 3, activation: 'softmax' }),
    ];
    const [whole, parts] = [await create({ layers: normed }), await create({ layers: normed })];
    await whole.fit(x, labels, { epochs: 2, batchSize: 32, shuffle: false });
    await parts.fit(x, labels, { epochs: 2, batchSize: 8, accumulateBatches: 4, shuffle: false });
    expectAgree('weights', allNumbers(parts.getWeights()), allNumbers(whole.getWeights()), 1e-12);
    whole.dispose();
    parts.dispose();
  });

  it('comes back as it was before a divergence, of a running variance alone too', async () => {
    for (const backend of usableIds) {
      const trainer = await create({ backend, optimizer: sgd({ learningRate: 0.05 }) });
      const before = allNumbers(trainer.getWeights());
      const large = x.map((value, index) => (index < INPUTS * 8 ? value * 1e25 : value));
      const rows = backend === 'reference' ? Float64Array.from(large, (value) => value * 1e150) : large;
      const history = await trainer.fit(rows, labels, { batchSize: 96, divergence: 'stop' });
      expect(history.reason, backend).toBe('diverged');
      expect(allNumbers(trainer.getWeights())).toEqual(before);
      trainer.dispose();
    }
  });

  it('goes on from a checkpoint of a run, of many trainers too', async () => {
    const files: Uint8Array[] = [];
    const trainer = await create({ backend: usableIds[0] });
    const saver = modelCheckpoint((bytes: Uint8Array) => void files.push(bytes), { everySteps: 5 });
    const history = await trainer.fit(x, labels, { epochs: 4, batchSize: 16, callbacks: [saver] });
    const ended = allNumbers(trainer.getWeights());
    const loaded = await loadTrainer(files[1], { backend: usableIds[0], threads: 1 });
    const rest = await loaded.fit(x, labels, { epochs: 4, batchSize: 16, callbacks: [{}], resume: true });
    expect(allNumbers(loaded.getWeights())).toEqual(ended);
    expect(rest.history.loss).toEqual(history.history.loss);
    trainer.dispose();
    loaded.dispose();
    const config = { inputs: INPUTS, layers, loss: 'crossEntropy', optimizer: adam(), seed: 1 } as const;
    const many = await trainMany([config, { ...config, seed: 2 }, config], [x, labels], { epochs: 2 });
    const [own, other, same] = many.rows.map((result) => result.history?.history.loss);
    expect(own).toEqual(same);
    expect(own).not.toEqual(other);
  });
});

describe('a classifier with dropout, batchNorm and clipping', () => {
  it.each(usableIds)('learns on %s', async (backend) => {
    const isReference = backend === 'reference';
    const [rows, units] = isReference ? [64, 24] : [512, 512];
    // Ten classes: a pattern each, under noise.
    const digit = (row: number): number => (row * 7) % 10;
    const pixels = Float32Array.from({ length: rows * 784 }, (_, index) => {
      const [row, column] = [Math.floor(index / 784), index % 784];
      return Math.sin(column * (digit(row) + 1) * 0.37) + 1.5 * Math.sin(index * 12.9898);
    });
    const digits = Int32Array.from({ length: rows }, (_, row) => digit(row));
    const hidden = (): LayerConfig[] => [
      dense({ units, initializer: 'heNormal' }),
      batchNorm({ activation: 'relu' }),
      dropout({ rate: 0.5 }),
    ];
    const trainer = await create({
      ...{ backend, inputs: 784, threads: 'auto' },
      layers: [...hidden(), ...hidden(), dense({ units: 10, activation: 'softmax' })],
      optimizer: adam({ learningRate: 2e-3 }),
      gradientClipping: { globalNorm: 1 },
    });
    const first = await trainer.evaluate(pixels, digits);
    const { history } = await trainer.fit(pixels, digits, {
      epochs: isReference ? 30 : 12,
      batchSize: rows / 4,
    });
    const last = await trainer.evaluate(pixels, digits);
    expect(first.accuracy).toBeLessThan(0.35);
    expect(last.accuracy).toBeGreaterThan(0.95);
    expect(last.loss).toBeLessThan(history.loss[0] / 3);
    trainer.dispose();
  });
});
