import { beforeAll, describe, expect, it } from 'vitest';
import { createTrainer, dense, sgd, type Trainer } from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

/** Hides a value's type, as plain JavaScript would. */
// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
const wrong = (value: unknown): any => value;

const detached = (): Float32Array => {
  const array = new Float32Array(2);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};

const shrunk = (): Float32Array => {
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  const buffer = new Resizable(16, { maxByteLength: 16 });
  const array = new Float32Array(buffer, 0, 4);
  (buffer as ArrayBuffer & { resize(bytes: number): void }).resize(4);
  return array;
};

const x = [0.5, -0.5];
const t = [1, 0, 0];

const badInputs: [string, unknown, string][] = [
  ['a string', 'rows', 'inputs must be a Float32Array'],
  ['nothing', undefined, 'inputs must be a Float32Array'],
  ['an array of bigint', new BigInt64Array(2), 'inputs must be a Float32Array'],
  ['no rows', [], 'inputs must not be empty'],
  ['a length that does not divide', [1, 2, 3], 'the length of inputs must divide by 2: received length 3'],
  ['a short row', [[1, 2], [3]], 'row 1 of inputs must have 2 numbers: received 1 numbers'],
  ['a row that is none', [[1, 2], null], 'row 1 of inputs must be an array of numbers: received null'],
  ['text in a row', [[1, 'two']], "row 0, column 1 of inputs must be a number: received 'two'"],
  ['a hole', [1, undefined], 'row 0, column 1 of inputs must be a number: received undefined'],
  ['NaN', [0, Number.NaN], 'inputs must be finite'],
  ['infinity', new Float32Array([0, Number.POSITIVE_INFINITY]), 'inputs must be finite'],
  ['a detached buffer', detached(), 'inputs must not be empty, detached'],
  ['a shrunk buffer', shrunk(), 'inputs must not be empty, detached or out of the bounds of a shrunk buffer'],
  [
    'a matrix of other width',
    { data: new Float32Array(6), rows: 2, columns: 3 },
    'inputs must have 2 columns',
  ],
  ['a matrix that lies', { data: new Float32Array(3), rows: 2, columns: 2 }, 'inputs.data must hold'],
];

const badTargets: [string, unknown, string][] = [
  ['nothing', undefined, 'targets must be a Float32Array'],
  ['a length that does not divide', [1, 0], 'the length of targets must divide by 3'],
  [
    'too many rows',
    [t, t],
    'targets must have 1 rows of 3, like the inputs, or 1 integer labels: received 2 rows',
  ],
  ['NaN', [Number.NaN, 0, 0], 'targets must be finite'],
  ['a label too large', Int32Array.of(3), 'labels must be integers from 0 to 2: received 3 in row 0'],
  ['a negative label', [-1], 'labels must be integers from 0 to 2: received -1 in row 0'],
  ['half a label', [0.5], 'labels must be integers from 0 to 2: received 0.5 in row 0'],
  ['too few labels', new Int32Array(2), 'targets must have one label for each of 1 rows'],
];

const badOptions: [string, object, string][] = [
  ['no object', [], 'options must be an object'],
  ['a misspelt option', { batchsize: 3 }, "unknown option 'batchsize'"],
  ['zero epochs', { epochs: 0 }, 'epochs must be an integer >= 1: received 0'],
  ['half a batch', { batchSize: 0.5 }, 'batchSize must be an integer >= 1: received 0.5'],
  ['a batch in words', { batchSize: '32' }, "batchSize must be a number: received '32'"],
  ['a split of one', { validationSplit: 1 }, 'validationSplit must be in [0, 1): received 1'],
  [
    'a split that leaves nothing',
    { validationSplit: 0.5 },
    'validationSplit must leave rows on both sides of 1',
  ],
  [
    'an unknown split',
    { validationSplitMode: 'first' },
    'validationSplitMode must be one of shuffled, stratified, last',
  ],
  ['validation data alone', { validationData: [x] }, 'validationData must be [inputs, targets]'],
  [
    'bad validation data',
    { validationData: [x, [9, 9]] },
    'Cannot fit: validationData: the length of targets',
  ],
  ['a callback that is none', { callbacks: { onEpochEnd: 1 } }, 'callbacks.onEpochEnd must be a function'],
  ['an unknown callback', { callbacks: { onEpoch() {} } }, "unknown option 'onEpoch'"],
  ['no signal', { signal: {} }, 'signal must be an AbortSignal'],
  ['a loud mouth', { verbose: 2 }, 'verbose must be 0 or 1: received 2'],
];

describe.each(usableIds)('bad input on %s', (backend) => {
  let trainer: Trainer;
  let before: number[];

  beforeAll(async () => {
    trainer = await createTrainer({
      inputs: 2,
      layers: [dense({ units: 3, activation: 'softmax' })],
      loss: 'crossEntropy',
      optimizer: sgd(),
      seed: 1,
      backend,
    });
    before = flatWeights(trainer.getWeights());
    return () => trainer.dispose();
  });

  const unchanged = (): void => {
    expect(flatWeights(trainer.getWeights())).toEqual(before);
    expect(trainer.predict(x).columns).toBe(3);
  };

  it.each(badInputs)('inputs: %s', async (_, rows, message) => {
    for (const call of [
      () => trainer.trainBatch(wrong(rows), t),
      () => trainer.predict(wrong(rows)),
      () => trainer.predictClasses(wrong(rows)),
      () => trainer.inspect(wrong(rows), t),
    ]) {
      expect(call).toThrow(message);
    }
    await expect(trainer.fit(wrong(rows), t)).rejects.toThrow(`Cannot fit: ${message}`);
    await expect(trainer.evaluate(wrong(rows), t)).rejects.toThrow(`Cannot evaluate: ${message}`);
    unchanged();
  });

  it.each(badTargets)('targets: %s', async (_, targets, message) => {
    expect(() => trainer.trainBatch(x, wrong(targets))).toThrow(`Cannot train batch: ${message}`);
    await expect(trainer.fit(x, wrong(targets))).rejects.toThrow(message);
    await expect(trainer.evaluate(x, wrong(targets))).rejects.toThrow(message);
    unchanged();
  });

  it.each(badOptions)('fit options: %s', async (_, options, message) => {
    await expect(trainer.fit(x, t, wrong(options))).rejects.toThrow(message);
    unchanged();
  });

  it('an output array of the wrong type or size', () => {
    const Right = backend === 'reference' ? Float64Array : Float32Array;
    const Other = backend === 'reference' ? Float32Array : Float64Array;
    expect(() => trainer.predictInto(x, new Other(3))).toThrow(`Cannot predict: out must be a ${Right.name}`);
    expect(() => trainer.predictInto(x, new Right(2))).toThrow(
      'Cannot predict: out must hold 1 rows x 3 outputs',
    );
    expect(() => trainer.predictInto(x, wrong([0, 0, 0]))).toThrow('Cannot predict: out must be');
  });

  const good = {
    weights: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    biases: [7, 8, 9],
  };
  it.each([
    ['no list', {}, 'weights must be an array with one entry per layer'],
    ['a layer missing', [], 'weights must have 1 entries, one per layer'],
    [
      'transposed',
      [
        {
          ...good,
          weights: [
            [1, 3, 5],
            [2, 4, 6],
          ],
        },
      ],
      'row 0 of weights must have 2 numbers',
    ],
    [
      'too short',
      [{ ...good, weights: [1, 2, 3, 4] }],
      'weights must have 3 x 2 numbers: received 4 numbers',
    ],
    ['NaN', [{ ...good, weights: [1, 2, 3, Number.NaN, 5, 6] }], 'weights must be finite'],
    ['no biases', [{ weights: good.weights }], 'biases must have 3 numbers: received none'],
    ['infinite biases', [{ ...good, biases: [0, 0, Number.NEGATIVE_INFINITY] }], 'biases must be finite'],
    ['unknown keys', [{ ...good, kernel: 1 }], "unknown option 'kernel'"],
  ])('weights: %s', (_, list, message) => {
    expect(() => trainer.setWeights(wrong(list))).toThrow(message);
    unchanged();
  });

  it('learning rates and layers out of range', () => {
    expect(() => trainer.setLearningRate(-1)).toThrow(
      'Cannot set learning rate: learningRate must be finite and >= 0',
    );
    expect(() => trainer.setLearningRate(Number.NaN)).toThrow(RangeError);
    expect(() => trainer.setLearningRate(wrong('fast'))).toThrow(TypeError);
    expect(() => trainer.setTrainable(1, false)).toThrow(
      'layer must be an integer >= 0 and <= 0: received 1',
    );
    expect(() => trainer.setTrainable(0, wrong('no'))).toThrow('trainable must be a boolean');
    unchanged();
  });

  it('a network whose layers are all frozen', async () => {
    trainer.setTrainable(0, false);
    expect(() => trainer.trainBatch(x, t)).toThrow(
      'Cannot train batch: at least one layer must be trainable',
    );
    await expect(trainer.fit(x, t)).rejects.toThrow('at least one layer must be trainable');
    trainer.setTrainable(0, true);
    unchanged();
  });

  it('training through heaviside, which can still predict', async () => {
    const hard = await createTrainer({
      inputs: 2,
      layers: [dense({ units: 2, activation: 'heaviside' }), dense({ units: 1, activation: 'sigmoid' })],
      loss: 'halfSquaredError',
      optimizer: sgd(),
      backend,
    });
    const message =
      'gradients cannot pass through heaviside, which can only be used forward: received heaviside in layer 1';
    expect(() => hard.trainBatch(x, [1])).toThrow(message);
    await expect(hard.fit(x, [1])).rejects.toThrow(message);
    expect(() => hard.inspect(x, [1])).toThrow(message);
    expect(hard.inspect(x).layers[0].output.data.every((value) => value === 0 || value === 1)).toBe(true);
    expect(hard.predict(x).rows).toBe(1);
    hard.setTrainable(0, false);
    expect(hard.trainBatch(x, [1]).loss).toBeGreaterThan(0);
    hard.dispose();
  });

  it('every call after dispose', async () => {
    const gone = await createTrainer({
      inputs: 2,
      layers: [dense({ units: 3, activation: 'softmax' })],
      loss: 'crossEntropy',
      optimizer: sgd(),
      backend,
    });
    gone.dispose();
    gone.dispose();
    const message = 'the trainer must not be disposed: received a disposed trainer';
    for (const call of [
      () => gone.trainBatch(x, t),
      () => gone.predict(x),
      () => gone.predictInto(x, new Float32Array(3)),
      () => gone.predictClasses(x),
      () => gone.inspect(x),
      () => gone.getWeights(),
      () => gone.setWeights([good]),
      () => gone.setTrainable(0, true),
      () => gone.setLearningRate(1),
      () => gone.describePlan(),
    ]) {
      expect(call).toThrow(message);
    }
    await expect(gone.fit(x, t)).rejects.toThrow(message);
    await expect(gone.evaluate(x, t)).rejects.toThrow(message);
  });
});
