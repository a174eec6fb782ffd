import {
  type Activation,
  type ActivationLike,
  checkActivation,
  resolveActivation,
} from './activation-choice.js';
import { requireBoolean, requireInteger, requireKnownKeys, requireName, requireNumber } from './errors.js';
import { further } from './further.js';
import { createSampler, type Initializer } from './initializers.js';
import type { Preset } from './presets.js';
import { checkWeightRules, type WeightRules, weightRuleKeys } from './regularisation.js';

/** What `dense` takes. */
export interface DenseOptions extends WeightRules {
  /** Number of outputs of the layer. */
  readonly units: number;
  /** A name, or what `defineActivation` returns; default `'linear'`. */
  readonly activation?: ActivationLike;
  /** Whether a bias is added to each net input; default true. */
  readonly bias?: boolean;
  /** How the weights begin; default `'heNormal'` for relu, `'glorotUniform'` otherwise. */
  readonly initializer?: Initializer;
  /** How the biases begin; default `'zeros'`. */
  readonly biasInitializer?: Initializer;
  /** False freezes the layer: its parameters stay, gradients pass through. Default true. */
  readonly trainable?: boolean;
}

/** A layer to be, as `dense` returns it; the number of inputs comes from the layer before. */
export interface DenseLayer extends Required<DenseOptions> {
  readonly type: 'dense';
}

/** What `dropout` takes. */
export interface DropoutOptions {
  /** Share of its inputs that the layer sets to 0 in a training step; in [0, 1). */
  readonly rate: number;
}

export interface DropoutLayer extends DropoutOptions {
  readonly type: 'dropout';
}

/** What `gaussianNoise` takes. */
export interface GaussianNoiseOptions {
  /** Standard deviation of what is added in a training step. */
  readonly stddev: number;
}

export interface GaussianNoiseLayer extends GaussianNoiseOptions {
  readonly type: 'gaussianNoise';
}

/** What `layerNorm` takes. */
export interface LayerNormOptions {
  /** Added to variances; default 1e-5. */
  readonly epsilon?: number;
  /** Whether each unit has a factor of its own, the `weights` of the layer, which begin as 1; default true. */
  readonly scale?: boolean;
  /** Whether each unit has a number added to it, the `biases` of the layer; default true. */
  readonly center?: boolean;
  /** Of what has been normalised; a name, or what `defineActivation` returns. Default `'linear'`. */
  readonly activation?: ActivationLike;
  /** As of `dense`. */
  readonly trainable?: boolean;
}

export interface LayerNormLayer extends Required<LayerNormOptions> {
  readonly type: 'layerNorm';
}

/** What `batchNorm` takes. */
export interface BatchNormOptions extends LayerNormOptions {
  /** Share of the statistics of a batch in the running ones: running += momentum (batch - running). Default 0.1. */
  readonly momentum?: number;
}

export interface BatchNormLayer extends Required<BatchNormOptions> {
  readonly type: 'batchNorm';
}

/** A layer to be: what `dense`, `dropout`, `gaussianNoise`, `batchNorm` and `layerNorm` return. */
export type LayerConfig = DenseLayer | DropoutLayer | GaussianNoiseLayer | BatchNormLayer | LayerNormLayer;

type Kind = LayerConfig['type'];

/** Options as they were given, without defaults, by what was returned for them. */
const given = new WeakMap<object, object>();

function create<K extends Kind>(type: K, options: object): Extract<LayerConfig, { type: K }> {
  const layer = checkLayer(`Cannot create ${type} layer`, options, type);
  given.set(layer, options);
  return layer as Extract<LayerConfig, { type: K }>;
}

/**
 * A fully connected layer: z = W x + b with W of shape units × inputs, output f(z).
 *
 * @throws TypeError or RangeError for an unknown option, units < 1 or an unknown activation
 * @example dense({ units: 128, activation: 'relu' })
 */
export const dense = (options: DenseOptions): DenseLayer => create('dense', options);

/**
 * In training steps sets each input to 0 with probability `rate` and divides the others by 1 - rate; elsewhere passes
 * them on as they are, at no cost (Srivastava et al., 2014, in the form that scales in training). The masks follow from
 * the seed, the step, the layer, and the place in the batch, alike on every backend.
 *
 * @example [dense({ units: 128, activation: 'relu' }), dropout({ rate: 0.5 }), dense({ units: 10 })]
 */
export const dropout = (options: DropoutOptions): DropoutLayer => create('dropout', options);

/**
 * In training steps adds normally distributed numbers of mean 0; elsewhere passes its inputs on as they are. Random as
 * in `dropout`.
 *
 * @example [gaussianNoise({ stddev: 0.1 }), dense({ units: 10 })]
 */
export const gaussianNoise = (options: GaussianNoiseOptions): GaussianNoiseLayer =>
  create('gaussianNoise', options);

/**
 * Normalises each unit over the rows of a batch (Ioffe and Szegedy, 2015): x̂ = (x - mean) / sqrt(variance + epsilon),
 * z = gamma x̂ + beta, output f(z), with gamma as `weights` and beta as `biases`. Training steps take mean and variance
 * of the batch, undivided by Bessel's correction, and move the running ones, whose variance is corrected, towards them.
 * Everything else takes the running ones, and so does a frozen layer, which leaves them as they are.
 *
 * @example [dense({ units: 128 }), batchNorm({ activation: 'relu' }), dense({ units: 10 })]
 */
export const batchNorm = (options: BatchNormOptions = {}): BatchNormLayer => create('batchNorm', options);

/**
 * Normalises each row over its units (Ba, Kiros and Hinton, 2016), in training and elsewhere alike:
 * x̂ = (x - mean) / sqrt(variance + epsilon), z = gamma x̂ + beta, output f(z).
 *
 * @example [dense({ units: 128 }), layerNorm({ activation: 'relu' }), dense({ units: 10 })]
 */
export const layerNorm = (options: LayerNormOptions = {}): LayerNormLayer => create('layerNorm', options);

const normKeys = ['epsilon', 'scale', 'center', 'activation', 'trainable'];

const optionKeys: Readonly<Record<Kind, readonly string[]>> = {
  dense: ['units', 'activation', 'bias', 'initializer', 'biasInitializer', 'trainable', ...weightRuleKeys],
  dropout: ['rate'],
  gaussianNoise: ['stddev'],
  batchNorm: ['momentum', ...normKeys],
  layerNorm: normKeys,
};

/** Checks the options of a layer, of the kind that they name, and fills in what they leave out. */
export function checkLayer(action: string, options: unknown, expected: Kind = 'dense'): LayerConfig {
  const type = (options as Partial<LayerConfig> | null)?.type ?? expected;
  requireName(action, 'type', type, Object.keys(optionKeys) as Kind[]);
  requireKnownKeys(action, options, ['type', ...optionKeys[type]]);
  switch (type) {
    case 'dense':
      return checkDense(action, options as DenseOptions);
    case 'dropout': {
      const { rate } = options as DropoutOptions;
      requireNumber(action, 'rate', rate, 'in [0, 1)', (value) => value >= 0 && value < 1);
      return { type, rate };
    }
    case 'gaussianNoise': {
      const { stddev } = options as GaussianNoiseOptions;
      requireNumber(action, 'stddev', stddev, 'finite and >= 0', (value) => value >= 0);
      return { type, stddev };
    }
    case 'layerNorm':
      return { type, ...checkNorm(action, options as LayerNormOptions) };
    case 'batchNorm': {
      const { momentum = 0.1 } = options as BatchNormOptions;
      requireNumber(action, 'momentum', momentum, 'in [0, 1]', (value) => value >= 0 && value <= 1);
      return { type, momentum, ...checkNorm(action, options as LayerNormOptions) };
    }
  }
}

function requireBooleans(action: string, flags: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(flags)) requireBoolean(action, name, value);
}

function checkDense(action: string, options: DenseOptions): DenseLayer {
  const { units, activation = 'linear', bias = true, trainable = true } = options;
  requireInteger(action, 'units', units, 1);
  checkActivation(action, activation, units);
  requireBooleans(action, { bias, trainable });
  const initializer = options.initializer ?? (activation === 'relu' ? 'heNormal' : 'glorotUniform');
  const biasInitializer = options.biasInitializer ?? 'zeros';
  const fan = { inputs: 1, units };
  createSampler(action, 'initializer', initializer, fan);
  createSampler(action, 'biasInitializer', biasInitializer, fan);
  const rules = checkWeightRules(action, options);
  return { type: 'dense', units, activation, bias, initializer, biasInitializer, trainable, ...rules };
}

function checkNorm(action: string, options: LayerNormOptions): Required<LayerNormOptions> {
  const { epsilon = 1e-5, scale = true, center = true, activation = 'linear', trainable = true } = options;
  requireNumber(action, 'epsilon', epsilon, 'finite and > 0', (value) => value > 0);
  requireBooleans(action, { scale, center, trainable });
  checkActivation(action, activation, null);
  return { epsilon, scale, center, activation, trainable };
}

/** The options of a checked layer as they were given, with the defaults of a preset for the others. */
export function withPreset(
  options: object,
  config: LayerConfig,
  preset: Preset,
  hidden: unknown,
  inputs: number,
): object {
  const own = Object.entries(given.get(options) ?? options).filter(([, value]) => value !== undefined);
  return {
    ...further().presetLayer(preset, config, hidden, inputs),
    ...Object.fromEntries(own),
    type: config.type,
  };
}

/** A layer of a model, with its place and shape known. `trainable` may change during the model's life. */
export interface Layer extends Required<WeightRules> {
  /** What it was made of. */
  readonly config: LayerConfig;
  readonly inputs: number;
  readonly units: number;
  /** Rows of its weights as a plan has them, of one number per unit: `inputs`, 1 for gamma, 0 without weights. */
  readonly weightRows: number;
  /** Whether it has biases, or beta. */
  readonly bias: boolean;
  readonly activation: Activation;
  readonly parameterCount: number;
  trainable: boolean;
}

const noRules: Required<WeightRules> = { l1: 0, l2: 0, maxNorm: null, penaltyPerRow: false };

/** A checked layer in its place, above one of `inputs` units. */
export function placeLayer(action: string, config: LayerConfig, inputs: number): Layer {
  const placed = (
    { units, weightRows, bias, trainable }: Pick<Layer, 'units' | 'weightRows' | 'bias' | 'trainable'>,
    activation: ActivationLike,
    { l1, l2, maxNorm, penaltyPerRow }: Required<WeightRules> = noRules,
  ): Layer => {
    checkActivation(action, activation, units);
    return {
      ...{ config, inputs, units, weightRows, bias, trainable, l1, l2, maxNorm, penaltyPerRow },
      activation: resolveActivation(activation),
      parameterCount: units * (weightRows + Number(bias)),
    };
  };
  switch (config.type) {
    case 'dense':
      return placed({ ...config, weightRows: inputs }, config.activation, config);
    case 'dropout':
    case 'gaussianNoise':
      return placed({ units: inputs, weightRows: 0, bias: false, trainable: false }, 'linear');
    default: {
      const { scale, center, trainable, activation } = config;
      return placed({ units: inputs, weightRows: Number(scale), bias: center, trainable }, activation);
    }
  }
}

/** Whether a layer is there in training steps only: elsewhere its outputs are its inputs. */
export const isMask = ({ config: { type } }: Layer): boolean =>
  type === 'dropout' || type === 'gaussianNoise';

/** A layer as the trainer shows it. */
export type TrainerLayer = Pick<Layer, 'inputs' | 'units' | 'bias' | 'trainable' | 'parameterCount'> & {
  readonly type: LayerConfig['type'];
  /** Name of the activation. */
  readonly activation: string;
  /** Of a dropout layer. */
  readonly rate?: number;
};

export const shownLayer = (layer: Layer): TrainerLayer => {
  const { config, inputs, units, activation, bias, trainable, parameterCount } = layer;
  return {
    ...{ type: config.type, inputs, units, activation: activation.name, bias, trainable, parameterCount },
    ...('rate' in config ? { rate: config.rate } : {}),
  };
};
