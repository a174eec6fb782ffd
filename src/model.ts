import { type Activation, type ActivationLike, resolveActivation } from './activation-choice.js';
import {
  fact,
  rangeError,
  requireInteger,
  requireKnownKeys,
  requireName,
  stateError,
  typeError,
} from './errors.js';
import { createSampler, type Initializer } from './initializers.js';
import { type Loss, type LossLike, resolveLoss } from './loss-choice.js';
import type { ReductionCode } from './opcodes.js';
import { checkOptimizer, type Optimizer } from './optimizers.js';
import { type Preset, presetLayer, presetNames } from './presets.js';
import type { Random } from './random.js';
import {
  type Averaging,
  type Clipping,
  checkAveraging,
  checkClipping,
  checkSmoothing,
  checkWeightRules,
  type GradientClipping,
  type WeightRules,
  weightRuleKeys,
} from './regularisation.js';

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

const denseKeys = [
  ...['type', 'units', 'activation', 'bias', 'initializer', 'biasInitializer', 'trainable'],
  ...weightRuleKeys,
];

/**
 * A fully connected layer: z = W x + b with W of shape units × inputs, output f(z).
 *
 * @throws TypeError or RangeError for an unknown option, units < 1 or an unknown activation
 * @example dense({ units: 128, activation: 'relu' })
 */
export function dense(options: DenseOptions): DenseLayer {
  const layer = checkLayer('Cannot create dense layer', options);
  given.set(layer, options);
  return layer;
}

/** Options as they were given, without defaults, by what `dense` returned for them. */
const given = new WeakMap<object, DenseOptions>();

/** The options of a layer with the defaults of a preset. */
function withPreset(options: DenseOptions, preset: Preset, hidden: unknown, inputs: number): DenseOptions {
  const own = Object.entries(given.get(options) ?? options).filter(([, value]) => value !== undefined);
  return {
    ...presetLayer(preset, hidden, inputs, options.units),
    ...Object.fromEntries(own),
  } as DenseOptions;
}

function checkLayer(action: string, options: unknown): DenseLayer {
  requireKnownKeys(action, options, denseKeys);
  const { units, activation = 'linear', bias = true, trainable = true } = options as DenseOptions;
  requireInteger(action, 'units', units, 1);
  resolveActivation(action, activation, units);
  if (typeof bias !== 'boolean') throw typeError(action, 'bias must be a boolean', bias);
  if (typeof trainable !== 'boolean') throw typeError(action, 'trainable must be a boolean', trainable);
  const given = options as DenseOptions;
  const initializer = given.initializer ?? (activation === 'relu' ? 'heNormal' : 'glorotUniform');
  const biasInitializer = given.biasInitializer ?? 'zeros';
  const fan = { inputs: 1, units };
  createSampler(action, 'initializer', initializer, fan);
  createSampler(action, 'biasInitializer', biasInitializer, fan);
  const rules = checkWeightRules(action, given);
  return { type: 'dense', units, activation, bias, initializer, biasInitializer, trainable, ...rules };
}

/** A layer of a model, with its place and shape known. `trainable` may change during the model's life. */
export interface Layer extends Omit<DenseLayer, 'type' | 'activation'> {
  readonly activation: Activation;
  readonly inputs: number;
  readonly parameterCount: number;
  trainable: boolean;
}

/** x·scale + offset, applied while rows are gathered: one number for all columns or one per column. */
export interface InputTransform {
  readonly scale: number | readonly number[] | Float32Array | Float64Array;
  readonly offset: number | readonly number[] | Float32Array | Float64Array;
}

export interface ModelConfig {
  /** Number of columns of a row. */
  readonly inputs: number;
  /** Applied to each row before the first layer; default none. */
  readonly inputTransform?: Partial<InputTransform>;
  readonly layers: readonly DenseLayer[];
  /** A name, or what `defineLoss` returns. */
  readonly loss: LossLike;
  readonly optimizer: Optimizer;
  /** How the losses of the rows of a batch become one; default `'mean'`. */
  readonly reduction?: keyof typeof ReductionCode;
  /**
   * Takes the defaults of that library for what layers and optimizer leave out: initialisation, penalties, rates,
   * epsilon, decay. Default: those of this library, which for optimizers are PyTorch's.
   */
  readonly preset?: Preset;
  /** Default none. */
  readonly gradientClipping?: GradientClipping;
  /**
   * Takes this share of every target of a cross-entropy and spreads it evenly over the classes (Szegedy et al., 2016),
   * in training and evaluation alike; default 0.
   */
  readonly labelSmoothing?: number;
  /** Keeps an average of the parameters, for `averageWeights`; default none. */
  readonly averaging?: Averaging;
}

/** How decisions are read off outputs: `null` where the loss and the output activation suggest no classes. */
export type Decision = 'argmax' | 'threshold' | 'sign' | null;

/** A validated network with its loss and optimizer; holds no numbers of its own. */
export interface Model {
  readonly inputs: number;
  readonly outputs: number;
  readonly inputTransform: InputTransform | null;
  readonly layers: readonly Layer[];
  readonly loss: Loss;
  readonly reduction: keyof typeof ReductionCode;
  readonly optimizer: Optimizer;
  readonly gradientClipping: Clipping | null;
  readonly labelSmoothing: number;
  readonly averaging: Averaging | null;
  readonly decision: Decision;
  readonly parameterCount: number;
}

const action = 'Cannot create trainer';

/** Checks a configuration whole and fills in what it leaves out. */
export function createModel(config: ModelConfig): Model {
  requireInteger(action, 'inputs', config.inputs, 1);
  if (!Array.isArray(config.layers))
    throw typeError(action, 'layers must be an array of dense()', config.layers);
  if (config.layers.length === 0) throw rangeError(action, 'layers must not be empty', config.layers);
  const { preset } = config;
  if (preset !== undefined) requireName(action, 'preset', preset, presetNames);
  let inputs = config.inputs;
  const layers = config.layers.map((options: unknown, index): Layer => {
    const caller = `Cannot add layer ${index + 1}`;
    const checked = checkLayer(caller, options);
    const hidden = (config.layers[0] as DenseLayer).activation;
    const { type: _, ...layer } = preset
      ? checkLayer(caller, withPreset(options as DenseOptions, preset, hidden, inputs))
      : checked;
    const activation = resolveActivation(caller, layer.activation, layer.units);
    const placed = {
      ...layer,
      activation,
      inputs,
      parameterCount: layer.units * (inputs + (layer.bias ? 1 : 0)),
    };
    inputs = layer.units;
    return placed;
  });
  const loss = resolveLoss(action, config.loss);
  const { reduction = 'mean' } = config;
  requireName(action, 'reduction', reduction, ['sum', 'mean']);
  const { activation, units } = layers[layers.length - 1];
  if (loss.needs && activation.name !== loss.needs) {
    const because = loss.includes ? `, since it includes ${loss.includes}` : '';
    throw rangeError(action, `${loss.name} needs a ${loss.needs} output layer${because}`, activation.name);
  }
  const parameterCount = layers.reduce((sum, layer) => sum + layer.parameterCount, 0);
  if (parameterCount > 2 ** 28) {
    throw rangeError(
      action,
      'a model may have at most 2^28 parameters',
      fact(`${parameterCount} parameters`),
    );
  }
  return {
    inputs: config.inputs,
    outputs: units,
    inputTransform: checkTransform(config.inputTransform, config.inputs),
    layers,
    loss,
    reduction,
    optimizer: checkOptimizer(action, config.optimizer, preset),
    gradientClipping: checkClipping(action, config.gradientClipping),
    labelSmoothing: checkSmoothing(action, config.labelSmoothing, loss),
    averaging: checkAveraging(action, config.averaging),
    decision: decisionOf(loss, activation),
    parameterCount,
  };
}

function decisionOf(loss: Loss, { name }: Activation): Decision {
  if (loss.decides) return loss.decides;
  if (name === 'softmax' || name === 'logSoftmax') return 'argmax';
  return name === 'sigmoid' || name === 'heaviside' ? 'threshold' : null;
}

function checkTransform(transform: unknown, inputs: number): InputTransform | null {
  if (transform === undefined) return null;
  requireKnownKeys(`${action}: inputTransform`, transform, ['scale', 'offset']);
  const { scale = 1, offset = 0 } = transform as Partial<InputTransform>;
  for (const [name, value] of Object.entries({ scale, offset })) {
    const numbers = typeof value === 'number' ? [value] : value;
    if (!Array.isArray(numbers) && !ArrayBuffer.isView(numbers)) {
      throw typeError(action, `inputTransform.${name} must be a number or one number per column`, value);
    }
    if (typeof value !== 'number' && numbers.length !== inputs) {
      throw typeError(action, `inputTransform.${name} must have ${inputs} numbers, one per column`, value);
    }
    const wrong = Array.from(numbers).find((number) => !Number.isFinite(number));
    if (wrong !== undefined) throw rangeError(action, `inputTransform.${name} must be finite`, wrong);
  }
  return { scale, offset };
}

/** Index of the first layer from `lowest` on that no gradient passes, or −1. */
export const blockingLayer = (model: Model, lowest: number): number =>
  model.layers.findIndex(
    ({ activation }, index) => index >= lowest && !activation.differentiable && !passesThrough(model, index),
  );

/** The perceptron loss takes its delta straight through the hard threshold of the last layer. */
const passesThrough = (model: Model, index: number): boolean =>
  index === model.layers.length - 1 && model.loss.fusesWith === model.layers[index].activation.name;

/** Index of the lowest layer to be trained, or −1 where all are frozen. */
export const lowestTrainable = (model: Model): number => model.layers.findIndex((layer) => layer.trainable);

/** Throws if gradients cannot pass from the loss down to layer `lowest`. */
export function requireDifferentiable(caller: string, model: Model, lowest: number): void {
  const blocking = blockingLayer(model, lowest);
  if (blocking < 0) return;
  const { name } = model.layers[blocking].activation;
  const rule = `gradients cannot pass through ${name}, which can only be used forward`;
  throw rangeError(caller, rule, fact(`${name} in layer ${blocking + 1}`));
}

/** Throws if there is nothing to train, or if gradients cannot reach every trainable layer. */
export function requireTrainable(caller: string, model: Model): void {
  const lowest = lowestTrainable(model);
  if (lowest < 0) {
    throw stateError(
      caller,
      'at least one layer must be trainable',
      fact('a network whose layers are all frozen'),
    );
  }
  requireDifferentiable(caller, model, lowest);
}

/** Initial weights (inputs × units) and biases of each layer, from the seed. */
export function initialParameters(
  model: Model,
  random: Random,
): { weights: Float64Array; biases: Float64Array | null }[] {
  return model.layers.map((layer) => {
    const sampleWeight = createSampler(action, 'initializer', layer.initializer, layer);
    const sampleBias = createSampler(action, 'biasInitializer', layer.biasInitializer, layer);
    const weights = new Float64Array(layer.units * layer.inputs);
    sampleWeight(random, weights, layer.units);
    const biases = layer.bias ? new Float64Array(layer.units) : null;
    if (biases) sampleBias(random, biases, layer.units);
    return { weights, biases };
  });
}
