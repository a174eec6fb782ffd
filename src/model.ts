import type { Activation } from './activation-choice.js';
import { numbersOf, type Precision } from './data.js';
import {
  fact,
  rangeError,
  requireInteger,
  requireKnownKeys,
  requireName,
  stateError,
  typeError,
} from './errors.js';
import { Turns } from './event-loop.js';
import { further } from './further.js';
import { createSampler } from './initializers.js';
import { checkLayer, isMask, type Layer, type LayerConfig, placeLayer, withPreset } from './layers.js';
import { type Loss, type LossLike, resolveLoss } from './loss-choice.js';
import type { ReductionCode } from './opcodes.js';
import { checkOptimizer, type Optimizer } from './optimizers.js';
import type { StoredLayer } from './parameters.js';
import { type Preset, presetNames } from './presets.js';
import type { Random } from './random.js';
import type { Averaging, Clipping, GradientClipping } from './regularisation.js';

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
  readonly layers: readonly LayerConfig[];
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
  /** Keeps an average of the parameters, for `averageWeights` and, if it says so, for validation; default none. */
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
  const { preset, gradientClipping: clipping, labelSmoothing: smoothing, averaging } = config;
  if (preset !== undefined) requireName(action, 'preset', preset, presetNames);
  const hidden = (config.layers[0] as { readonly activation?: unknown } | null | undefined)?.activation;
  let inputs = config.inputs;
  const layers = config.layers.map((options: unknown, index): Layer => {
    const caller = `Cannot add layer ${index + 1}`;
    const own = checkLayer(caller, options);
    const layer = preset
      ? checkLayer(caller, withPreset(options as object, own, preset, hidden, inputs))
      : own;
    const placed = placeLayer(caller, layer, inputs);
    inputs = placed.units;
    return placed;
  });
  const last = layers[layers.length - 1];
  if (isMask(last)) throw rangeError(action, 'the last layer must have outputs of its own', last.config.type);
  const loss = resolveLoss(action, config.loss);
  const { reduction = 'mean' } = config;
  requireName(action, 'reduction', reduction, ['sum', 'mean']);
  const { activation, units } = last;
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
    gradientClipping: clipping === undefined ? null : further().checkClipping(action, clipping),
    labelSmoothing: smoothing === undefined ? 0 : further().checkSmoothing(action, smoothing, loss),
    averaging: averaging === undefined ? null : further().checkAveraging(action, averaging),
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

/** Whether the loss is computed from the net inputs of the last layer, whose activation it includes. */
export const isFused = ({ loss, layers }: Model): boolean =>
  loss.fusesWith === layers[layers.length - 1].activation.name;

/** The perceptron loss takes its delta straight through the hard threshold of the last layer. */
const passesThrough = (model: Model, index: number): boolean =>
  index === model.layers.length - 1 && isFused(model);

/** Index of the lowest layer whose parameters are to be trained, or −1 where all are frozen. */
export const lowestTrainable = (model: Model): number =>
  model.layers.findIndex(({ trainable, parameterCount }) => trainable && parameterCount > 0);

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

/** Parameters of each layer at the beginning, drawn in float64 from the seed and rounded to that precision. */
export async function initialParameters(
  { layers }: Model,
  random: Random,
  precision: Precision,
  turns = new Turns(),
): Promise<StoredLayer[]> {
  const initial: StoredLayer[] = [];
  for (const layer of layers) {
    const { config, units, weightRows, bias } = layer;
    const drawn = async (name: 'initializer' | 'biasInitializer', count: number, otherwise: number) => {
      const numbers = numbersOf(precision, count);
      if (config.type !== 'dense') numbers.fill(otherwise);
      else await createSampler(action, name, config[name], layer)(random, numbers, units, turns);
      return numbers;
    };
    const weights = await drawn('initializer', units * weightRows, 1);
    initial.push({ weights, biases: bias ? await drawn('biasInitializer', units, 0) : null });
  }
  return initial;
}
