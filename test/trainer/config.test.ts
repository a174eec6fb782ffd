import { describe, expect, it } from 'vitest';
import { adam, createTrainer, dense, type Initializer, sgd, type TrainerConfig } from '../../src/index.js';

// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
const wrong = (value: unknown): any => value;

const good: TrainerConfig = {
  inputs: 2,
  layers: [dense({ units: 1 })],
  loss: 'meanSquaredError',
  optimizer: sgd(),
  backend: 'reference',
};

describe('a configuration', () => {
  it.each<[string, object, string]>([
    [
      'without inputs',
      { inputs: undefined },
      'Cannot create trainer: inputs must be a number: received undefined',
    ],
    ['with zero inputs', { inputs: 0 }, 'Cannot create trainer: inputs must be an integer >= 1: received 0'],
    ['with unknown keys', { learningRate: 1 }, "unknown option 'learningRate'"],
    ['without layers', { layers: [] }, 'Cannot create trainer: layers must not be empty'],
    ['with layers that are none', { layers: 3 }, 'layers must be an array of dense(): received 3'],
    [
      'with a bad second layer',
      { layers: [dense({ units: 1 }), { units: 0 }] },
      'Cannot add layer 2: units must be an integer >= 1: received 0',
    ],
    ['with an unknown loss', { loss: 'mse' }, 'loss must be one of halfSquaredError, squaredError'],
    ['with an unknown reduction', { reduction: 'max' }, "reduction must be one of sum, mean: received 'max'"],
    ['with an optimizer in words', { optimizer: 'adam' }, 'optimizer must come from one of sgd(), adam()'],
    [
      'with logits after sigmoid',
      { layers: [dense({ units: 1, activation: 'sigmoid' })], loss: 'binaryCrossEntropyWithLogits' },
      'binaryCrossEntropyWithLogits needs a linear output layer',
    ],
    ['with a short scale', { inputTransform: { scale: [1] } }, 'inputTransform.scale must have 2 numbers'],
    [
      'with an infinite offset',
      { inputTransform: { offset: Number.POSITIVE_INFINITY } },
      'inputTransform.offset must be finite',
    ],
    ['with an unknown transform', { inputTransform: { mean: 1 } }, "unknown option 'mean'"],
    ['with a negative seed', { seed: -1 }, 'seed must be an integer >= 0'],
    ['with no threads', { threads: 0 }, "threads must be 'auto' or an integer from 1 to 256: received 0"],
    ['with an unknown backend', { backend: 'cuda' }, 'backend must be one of auto, native, wasm'],
    [
      'of absurd size',
      { inputs: 2 ** 20, layers: [dense({ units: 2 ** 20 })] },
      'a model may have at most 2^28 parameters',
    ],
  ])('%s is refused', async (_, changes, message) => {
    await expect(createTrainer(wrong({ ...good, ...changes }))).rejects.toThrow(message);
  });

  it.each<[string, () => unknown, string]>([
    ['dense without units', () => dense(wrong({})), 'Cannot create dense layer: units must be a number'],
    [
      'dense with activation swish',
      () => dense({ units: 1, activation: wrong('swish') }),
      'activation must be one of linear, sigmoid',
    ],
    [
      'dense with an unknown initializer',
      () => dense({ units: 1, initializer: wrong('ones') }),
      'initializer must be one of glorotUniform',
    ],
    [
      'dense with a bad uniform',
      () => dense({ units: 1, initializer: { type: 'uniform', minimum: 1, maximum: 0 } }),
      'initializer.maximum must be finite and >= minimum',
    ],
    [
      'dense with a negative deviation',
      () => dense({ units: 1, initializer: { type: 'normal', standardDeviation: -1 } }),
      'initializer.standardDeviation must be finite and >= 0',
    ],
    [
      'sgd with a negative rate',
      () => sgd({ learningRate: -1 }),
      'Cannot create sgd: learningRate must be finite and >= 0: received -1',
    ],
    [
      'sgd with nesterov alone',
      () => sgd({ nesterov: true }),
      'momentum must be > 0 with nesterov: received 0',
    ],
    ['sgd with unknown keys', () => sgd(wrong({ lr: 1 })), "unknown option 'lr'"],
    ['adam with beta 1', () => adam({ beta1: 1 }), 'Cannot create adam: beta1 must be in [0, 1): received 1'],
    ['adam with epsilon 0', () => adam({ epsilon: 0 }), 'epsilon must be > 0'],
  ])('%s is refused', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('shows its layers and counts its parameters', async () => {
    const trainer = await createTrainer({
      ...good,
      layers: [dense({ units: 3, bias: false }), dense({ units: 2 })],
    });
    expect(trainer.parameterCount).toBe(6 + 8);
    expect(trainer.layers[1]).toEqual({
      type: 'dense',
      inputs: 3,
      units: 2,
      activation: 'linear',
      bias: true,
      trainable: true,
      parameterCount: 8,
    });
    trainer.dispose();
  });
});

describe('initializers', () => {
  const sample = async (initializer: Initializer): Promise<number[]> => {
    const layers = [dense({ units: 200, initializer, biasInitializer: { type: 'constant', value: 2 } })];
    const trainer = await createTrainer({ ...good, inputs: 100, layers, seed: 1 });
    const [{ weights, biases }] = trainer.getWeights();
    expect(biases?.every((bias) => bias === 2)).toBe(true);
    trainer.dispose();
    return Array.from(weights.data);
  };
  const deviation = (values: number[]): number =>
    Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

  it.each<[string, Initializer, number, number]>([
    ['glorotUniform', 'glorotUniform', Math.sqrt(2 / 300), Math.sqrt(6 / 300)],
    ['glorotNormal', 'glorotNormal', Math.sqrt(2 / 300), Number.POSITIVE_INFINITY],
    ['heUniform', 'heUniform', Math.sqrt(2 / 100), Math.sqrt(6 / 100)],
    ['heNormal', { type: 'heNormal' }, Math.sqrt(2 / 100), Number.POSITIVE_INFINITY],
    ['uniform', { type: 'uniform', minimum: -3, maximum: 3 }, Math.sqrt(3), 3],
    ['normal', { type: 'normal', standardDeviation: 2 }, 2, Number.POSITIVE_INFINITY],
    ['constant', { type: 'constant', value: -1.5 }, 1.5, 1.5],
    ['zeros', 'zeros', 0, 0],
  ])('%s has its deviation and bounds', async (_, initializer, expected, bound) => {
    const values = await sample(initializer);
    expect(Math.abs(deviation(values) - expected)).toBeLessThanOrEqual(0.02 * expected);
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
  });

  it('are heNormal for relu and glorotUniform otherwise', () => {
    expect(dense({ units: 1, activation: 'relu' }).initializer).toBe('heNormal');
    expect(dense({ units: 1 }).initializer).toBe('glorotUniform');
  });
});
