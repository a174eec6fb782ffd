import type { LayerConfig } from './layers.js';
import type { Optimizer } from './optimizers.js';
import type { Preset } from './presets.js';

type Overrides = Readonly<Partial<Record<Optimizer['type'], object>>>;

/**
 * Where the defaults of optimizers differ from this library's. Numbers are taken, not formulas: Keras adds epsilon to the
 * root before its correction in adam and adamw, and beneath the root in rmsprop and adagrad; scikit-learn does the former.
 */
const optimizers: Readonly<Record<Preset, Overrides>> = {
  // PyTorch 2; version 1 has no rate for it.
  torch: { sgd: { learningRate: 1e-3 } },
  // Keras 3: the arguments of the constructors in keras/src/optimizers, and 0.96^t in its nadam.
  keras: {
    adam: { epsilon: 1e-7 },
    adamw: { epsilon: 1e-7, weightDecay: 0.004 },
    nadam: { learningRate: 1e-3, epsilon: 1e-7, momentumDecay: 1 },
    adamax: { learningRate: 1e-3, epsilon: 1e-7 },
    rmsprop: { learningRate: 1e-3, decay: 0.9, epsilon: 1e-7 },
    adagrad: { learningRate: 1e-3, initialAccumulator: 0.1, epsilon: 1e-7 },
    adadelta: { learningRate: 1e-3, decay: 0.95, epsilon: 1e-7 },
    lion: { learningRate: 1e-3 },
  },
  // MLPClassifier and MLPRegressor of scikit-learn 1.
  sklearn: { sgd: { learningRate: 1e-3, momentum: 0.9, nesterov: true } },
};

/** What a preset takes for the options of an optimizer that are left out. */
export const presetOptimizer = (preset: Preset, type: string): object =>
  optimizers[preset][type as Optimizer['type']] ?? {};

/** What a preset takes for the options of a layer that are left out; `hidden` is the activation of the first layer. */
export function presetLayer(preset: Preset, layer: LayerConfig, hidden: unknown, inputs: number): object {
  const { type } = layer;
  if (type !== 'dense') {
    const norm = preset === 'keras' && (type === 'batchNorm' || type === 'layerNorm');
    return norm ? { epsilon: 1e-3, ...(type === 'batchNorm' ? { momentum: 0.01 } : {}) } : {};
  }
  switch (preset) {
    // torch.nn.Linear.reset_parameters
    case 'torch':
      return { initializer: 'fanInUniform', biasInitializer: 'fanInUniform' };
    // keras.layers.Dense
    case 'keras':
      return { initializer: 'glorotUniform', biasInitializer: 'zeros' };
    // MLPClassifier._init_coef and its alpha
    case 'sklearn': {
      const maximum = Math.sqrt((hidden === 'sigmoid' ? 2 : 6) / (inputs + layer.units));
      const uniform = { type: 'uniform', minimum: -maximum, maximum };
      return { initializer: uniform, biasInitializer: uniform, l2: 1e-4, penaltyPerRow: true };
    }
  }
}
