import {
  type ActivationLike,
  type ActivationName,
  adam,
  adamw,
  dense,
  type LossName,
  type Optimizer,
  sgd,
  type TrainerConfig,
} from 'fastmlp';
import type { DataSet } from '../data/data-set.js';
import { activationOf, parseExpression } from './expression.js';
import type { State } from './state.js';
import { inputTransform, outputUnits } from './task.js';

/** What the page offers for hidden layers, the usual ones first. */
export const hiddenActivations: readonly ActivationName[] = [
  ...(['tanh', 'relu', 'sigmoid', 'linear', 'leakyRelu', 'elu', 'selu', 'gelu', 'geluTanh', 'silu'] as const),
  ...([
    'mish',
    'softplus',
    'softsign',
    'hardSigmoid',
    'hardTanh',
    'exp',
    'gaussian',
    'sine',
    'softmax',
  ] as const),
];

/** What the page offers for the output layer. */
export const outputActivations: readonly ActivationName[] = [
  ...([
    'sigmoid',
    'softmax',
    'linear',
    'tanh',
    'relu',
    'logSoftmax',
    'softplus',
    'exp',
    'hardSigmoid',
  ] as const),
  'heaviside',
];

export const lossNames: readonly LossName[] = [
  ...([
    'binaryCrossEntropy',
    'crossEntropy',
    'meanSquaredError',
    'halfSquaredError',
    'squaredError',
  ] as const),
  ...(['binaryCrossEntropyWithLogits', 'crossEntropyWithLogits', 'hinge', 'categoricalHinge'] as const),
  ...(['meanAbsoluteError', 'huber', 'logCosh', 'kullbackLeibler', 'perceptron', 'poisson'] as const),
];

export const isExpression = (activation: string): boolean => activation.startsWith('=');

/** What `dense` takes for an activation of the state. */
export const activationLike = (activation: string): ActivationLike =>
  isExpression(activation)
    ? activationOf(parseExpression(activation.slice(1)))
    : (activation as ActivationName);

export function optimizerOf(state: State): Optimizer {
  const { learningRate, momentum, nesterov, weightDecay } = state;
  switch (state.optimizer) {
    case 'sgd':
      return sgd({ learningRate, momentum, nesterov: nesterov && momentum > 0, weightDecay });
    case 'adam':
      return adam({ learningRate, weightDecay });
    default:
      return adamw({ learningRate, weightDecay });
  }
}

/** The configuration that a state means for a data set. */
export function trainerConfig(state: State, dataSet: DataSet): TrainerConfig {
  const transform = inputTransform(state.scaling, dataSet);
  const outputs = outputUnits(state, dataSet.classes?.length ?? null);
  return {
    inputs: dataSet.columns.length,
    ...(transform ? { inputTransform: transform } : {}),
    layers: [
      ...state.layers.map(({ units, activation }) =>
        dense({ units, activation: activationLike(activation) }),
      ),
      dense({ units: outputs, activation: activationLike(state.outputActivation) }),
    ],
    loss: state.loss,
    optimizer: optimizerOf(state),
    reduction: state.reduction,
    seed: state.seed,
  };
}
