import type { ActivationName, LossName } from 'fastmlp';
import { type DrawnPoint, type GeneratorName, generators, isGeneratorName } from '../data/data-set.js';

/** Where the rows come from. */
export type DataName = GeneratorName | 'drawn' | 'digits' | 'csv';
export type TaskKind = 'plane' | 'curve' | 'digits' | 'table';
export type OptimizerName = 'sgd' | 'adam' | 'adamw';
export type Scaling = 'none' | 'standard' | 'range';

/** A hidden layer; an activation that begins with `=` is an expression of z. */
export interface LayerState {
  readonly units: number;
  readonly activation: string;
}

/** Everything that decides a run; what is shared in the address of the page. */
export interface State {
  readonly data: DataName;
  readonly count: number;
  readonly noise: number;
  readonly dataSeed: number;
  readonly testShare: number;
  readonly drawn: readonly DrawnPoint[];
  readonly layers: readonly LayerState[];
  readonly outputActivation: string;
  readonly loss: LossName;
  readonly reduction: 'mean' | 'sum';
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly scaling: Scaling;
  readonly seed: number;
}

/** Largest values that the page offers. */
export const limits = {
  count: 2000,
  noise: 0.5,
  testShare: 0.5,
  layers: 6,
  units: 512,
  batchSize: 1024,
  drawn: 500,
  seed: 2 ** 32 - 1,
} as const;

export const defaultState: State = {
  data: 'circles',
  count: 300,
  noise: 0.05,
  dataSeed: 1,
  testShare: 0.2,
  drawn: [],
  layers: [
    { units: 6, activation: 'tanh' },
    { units: 4, activation: 'tanh' },
  ],
  outputActivation: 'sigmoid',
  loss: 'binaryCrossEntropy',
  reduction: 'mean',
  optimizer: 'adam',
  learningRate: 0.01,
  momentum: 0.9,
  nesterov: false,
  weightDecay: 0,
  batchSize: 16,
  scaling: 'none',
  seed: 1,
};

/** What to do when the data change to another kind of task. */
export function taskKind(data: DataName): TaskKind {
  if (data === 'digits') return 'digits';
  if (data === 'csv') return 'table';
  return isGeneratorName(data) && generators[data].classes === null ? 'curve' : 'plane';
}

type Preset = Partial<State>;

const presets: Record<TaskKind, Preset> = {
  plane: {
    layers: defaultState.layers,
    noise: 0.05,
    learningRate: 0.01,
    batchSize: 16,
    scaling: 'none',
    testShare: 0.2,
  },
  curve: {
    layers: defaultState.layers,
    noise: 0.1,
    learningRate: 0.01,
    batchSize: 16,
    scaling: 'none',
    testShare: 0.2,
  },
  digits: {
    layers: [{ units: 64, activation: 'relu' }],
    learningRate: 0.001,
    batchSize: 64,
    scaling: 'range',
  },
  table: {
    layers: [{ units: 16, activation: 'relu' }],
    learningRate: 0.01,
    batchSize: 16,
    scaling: 'standard',
    testShare: 0.2,
  },
};

/** What suits some data sets better than the rest of their kind. */
const ownPresets: Partial<Record<DataName, Preset>> = {
  spiral: {
    layers: [
      { units: 16, activation: 'tanh' },
      { units: 16, activation: 'tanh' },
    ],
  },
  xor: { layers: [{ units: 6, activation: 'tanh' }], noise: 0 },
};

/** Outputs and loss that fit a number of classes; null for a number to be predicted. */
export function outputsFor(classes: number | null): Pick<State, 'outputActivation' | 'loss'> {
  if (classes === null) return { outputActivation: 'linear', loss: 'meanSquaredError' };
  if (classes === 2) return { outputActivation: 'sigmoid', loss: 'binaryCrossEntropy' };
  return { outputActivation: 'softmax', loss: 'crossEntropy' };
}

/** `state` with other data, and the network and rates that suit them. */
export function withData(state: State, data: DataName, classes: number | null): State {
  const kind = taskKind(data);
  const same = kind === taskKind(state.data);
  return {
    ...state,
    ...(same ? {} : presets[kind]),
    ...(ownPresets[state.data] ? presets[kind] : {}),
    ...ownPresets[data],
    ...outputsFor(classes),
    data,
  };
}

/** The output activation that a loss is usually used with. */
export function activationForLoss(loss: LossName, classes: number | null): ActivationName {
  switch (loss) {
    case 'binaryCrossEntropy':
      return 'sigmoid';
    case 'crossEntropy':
    case 'kullbackLeibler':
      return 'softmax';
    case 'perceptron':
      return 'heaviside';
    case 'poisson':
      return 'exp';
    case 'halfSquaredError':
    case 'squaredError':
    case 'meanSquaredError':
    case 'meanAbsoluteError':
    case 'huber':
    case 'logCosh':
      return classes === null ? 'linear' : 'sigmoid';
    default:
      return 'linear';
  }
}
