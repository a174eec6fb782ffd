import { readFileSync } from 'node:fs';
import {
  type ActivationName,
  type BackendId,
  createTrainer,
  dense,
  type LayerWeightsLike,
  type LossName,
  sgd,
  type Trainer,
} from '../../src/index.js';

type Rows = number[][];

export interface GoldenNetwork {
  readonly layer_sizes: number[];
  readonly activations: string[];
  readonly loss?: { readonly name: string; readonly reduction: 'sum' | 'mean' } | null;
  readonly learning_rate?: number;
  readonly weights: Rows[];
  readonly biases: (number[] | null)[];
  readonly trainable?: boolean[];
  readonly n_parameters: number;
}

export interface GoldenLayer {
  readonly z: Rows;
  readonly x: Rows;
  readonly dE_dx?: Rows;
  readonly delta?: Rows;
  readonly dW?: Rows;
  readonly db?: number[] | null;
}

export interface GoldenCase {
  readonly id: string;
  readonly kind: string;
  readonly network: GoldenNetwork;
  readonly inputs: Rows;
  readonly targets: Rows;
  readonly class_labels?: number[];
  readonly mode?: 'incremental' | 'batch';
  readonly sample_order?: number[];
  readonly initial_loss?: number;
  readonly expected: {
    readonly layers: GoldenLayer[];
    readonly output: Rows;
    readonly dX?: Rows;
    readonly per_sample_loss?: number[];
    readonly loss?: number;
    readonly updated_weights?: Rows[];
    readonly updated_biases?: (number[] | null)[];
    readonly loss_after_update?: number;
    readonly argmax_0based?: number[];
    readonly checkpoints: {
      readonly epoch: number;
      readonly weights: Rows[];
      readonly biases: number[][];
      readonly loss: number;
      readonly outputs: Rows;
      readonly decisions: Rows;
      readonly tolerance: { readonly float64: number; readonly float32: number };
    }[];
    readonly loss_after_epoch_1_to_20: number[];
    readonly first_epoch_with_loss_below: Record<string, { readonly epoch: number } | null>;
  };
  readonly queries?: {
    readonly params: 'updated' | 'initial';
    readonly x: number[];
    readonly output: number[];
    readonly label_argmax_0based?: number;
    readonly layers: { readonly z: number[]; readonly x: number[] }[];
  }[];
  readonly tolerance: { readonly float64: number; readonly float32: number };
}

const lossNames: Readonly<Record<string, LossName>> = {
  half_squared_error: 'halfSquaredError',
  squared_error: 'squaredError',
  cross_entropy: 'crossEntropy',
  categorical_cross_entropy_logits: 'crossEntropyWithLogits',
  binary_cross_entropy_logits: 'binaryCrossEntropyWithLogits',
};

const activationNames: Readonly<Record<string, ActivationName>> = {
  identity: 'linear',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  relu: 'relu',
  exp: 'exp',
  softmax: 'softmax',
  heaviside: 'heaviside',
  'custom:softsign': 'softsign',
  'custom:sine': 'sine',
  'custom:gaussian': 'gaussian',
};

const file = new URL('../golden/golden.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: GoldenCase[] };

/** The case of that name, of whatever form. */
// biome-ignore lint/suspicious/noExplicitAny: the forms of the kinds differ
export const goldenCase = (id: string): any => cases.find((one) => one.id === id);

/** Ids of all cases of a kind. */
export const goldenIds = (kind: string): string[] =>
  cases.flatMap((one) => (one.kind === kind ? [one.id] : []));

/** Cases of some kinds whose activations and loss the library has. */
export const goldenCases = (...kinds: string[]): GoldenCase[] =>
  cases.filter(({ kind, network }) => {
    if (!kinds.includes(kind)) return false;
    const hasLoss = !network.loss || network.loss.name in lossNames;
    return hasLoss && network.activations.every((name) => name in activationNames);
  });

/** Parameters of a case in the form `setWeights` takes. */
export const weightsOf = (weights: Rows[], biases: (number[] | null)[]): LayerWeightsLike[] =>
  weights.map((matrix, layer) => ({ weights: matrix, biases: biases[layer] }));

/** A trainer with the network, loss, learning rate and parameters of a case. */
export async function trainerOf({ network }: GoldenCase, backend: BackendId): Promise<Trainer> {
  const { layer_sizes, activations, loss, learning_rate, weights, biases, trainable } = network;
  const trainer = await createTrainer({
    inputs: layer_sizes[0],
    layers: activations.map((name, layer) =>
      dense({
        units: layer_sizes[layer + 1],
        activation: activationNames[name],
        bias: biases[layer] !== null,
        trainable: trainable?.[layer] ?? true,
      }),
    ),
    loss: loss ? lossNames[loss.name] : 'halfSquaredError',
    reduction: loss?.reduction ?? 'sum',
    optimizer: sgd({ learningRate: learning_rate ?? 0.1 }),
    backend,
    threads: 1,
  });
  trainer.setWeights(weightsOf(weights, biases));
  return trainer;
}
