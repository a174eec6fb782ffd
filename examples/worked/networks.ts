/** Networks of the cases as trainers. */
import {
  type ActivationLike,
  type BackendId,
  createTrainer,
  defineActivation,
  dense,
  type LayerWeightsLike,
  type LossLike,
  type LossName,
  sgd,
  type Trainer,
} from 'fastmlp';
import type { CaseNetwork, Rows, Tolerance } from './cases.js';
import type { Sheet } from './sheet.js';

const lossNames: Readonly<Record<string, LossName>> = {
  half_squared_error: 'halfSquaredError',
  squared_error: 'squaredError',
  cross_entropy: 'crossEntropy',
  categorical_cross_entropy_logits: 'crossEntropyWithLogits',
  binary_cross_entropy_logits: 'binaryCrossEntropyWithLogits',
};

const layerActivations: Readonly<Record<string, ActivationLike>> = {
  identity: 'linear',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  relu: 'relu',
  softmax: 'softmax',
  heaviside: 'heaviside',
  // Inventions of the notes: only the formula is given, the derivative follows.
  'custom:softsign': defineActivation('softsign', (z, e) => e.div(z, e.add(1, e.abs(z)))),
  'custom:sine': defineActivation('sine', (z, e) => e.sin(z)),
  'custom:gaussian': defineActivation('gaussian', (z, e) => e.exp(e.neg(e.mul(z, z)))),
};

/** float64 on the reference backend, float32 on the others. */
export const allowedOn = (backend: BackendId, { float64, float32 }: Tolerance): number =>
  backend === 'reference' ? float64 : float32;

/** Identity matrix. */
export const identity = (size: number): Rows =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_column, j) => Number(i === j)));

/** A trainer with the network, loss, learning rate and, if any are given, the parameters of a case. */
export async function trainerOf(network: CaseNetwork, backend: BackendId): Promise<Trainer> {
  const { layer_sizes, activations, loss, learning_rate, weights, biases, trainable } = network;
  const [inputs = 0, ...units] = layer_sizes;
  const trainer = await createTrainer({
    inputs,
    layers: units.map((count, layer) =>
      dense({
        units: count,
        activation: layerActivations[activations[layer]!],
        bias: biases?.[layer] !== null,
        trainable: trainable?.[layer] ?? true,
      }),
    ),
    loss: lossFor(network),
    reduction: loss?.reduction ?? 'sum',
    optimizer: sgd({ learningRate: learning_rate ?? 0.1 }),
    backend,
    threads: 1,
  });
  if (weights && biases) trainer.setWeights(parametersOf(weights, biases));
  return trainer;
}

/** The architectures say the loss on net inputs with a softmax layer: the library has that pair as cross-entropy. */
function lossFor({ loss, activations }: CaseNetwork): LossName {
  const name = loss ? lossNames[loss.name]! : 'halfSquaredError';
  return name === 'crossEntropyWithLogits' && activations.at(-1) === 'softmax' ? 'crossEntropy' : name;
}

const parametersOf = (weights: Rows[], biases: (number[] | null)[]): LayerWeightsLike[] =>
  weights.map((matrix, layer) => ({ weights: matrix, biases: biases[layer] }));

/** A layer whose net inputs are its inputs, so that a formula of z, and a loss of it, can be computed by themselves. */
export async function formulaLayer(
  units: number,
  activation: ActivationLike,
  loss: LossLike,
  backend: BackendId,
): Promise<Trainer> {
  const trainer = await createTrainer({
    inputs: units,
    layers: [dense({ units, activation, bias: false })],
    loss,
    reduction: 'sum',
    optimizer: sgd(),
    backend,
    threads: 1,
  });
  trainer.setWeights([{ weights: identity(units) }]);
  return trainer;
}

/** Prints the network, its loss and the learning rate. */
export function printNetwork(sheet: Sheet, trainer: Trainer, network: CaseNetwork): void {
  const { loss, learning_rate, custom_activations } = network;
  const [inputs] = network.layer_sizes;
  const layers = trainer.layers.map(({ units, activation, trainable }) => {
    return `${units} ${activation}${trainable ? '' : ' (frozen)'}`;
  });
  sheet.line(`Network: ${inputs} ${inputs === 1 ? 'input' : 'inputs'} -> ${layers.join(' -> ')}`);
  for (const formula of Object.values(custom_activations ?? {})) sheet.line(`         ${formula}`);
  if (loss) sheet.line(`Loss:    ${trainer.loss}, E = ${loss.formula}`);
  if (learning_rate !== undefined) sheet.line(`Learning rate ${learning_rate}`);
}

/** Prints the weights and biases that a case starts with. */
export function printParameters(sheet: Sheet, { weights = [], biases = [] }: CaseNetwork): void {
  weights.forEach((matrix, layer) => {
    sheet.given(`W${layer + 1}`, matrix);
    const own = biases[layer];
    if (own) sheet.given(`b${layer + 1}`, own);
  });
}

/** Compares the weights and biases a trainer has with the expected ones. */
export function compareParameters(
  sheet: Sheet,
  trainer: Trainer,
  weights: Rows[],
  biases: (number[] | null)[],
  allowed: number,
): void {
  trainer.getWeights().forEach((layer, index) => {
    sheet.compare(`W${index + 1}`, layer.weights, weights[index]!, allowed);
    const expected = biases[index];
    if (layer.biases && expected) sheet.compare(`b${index + 1}`, layer.biases, expected, allowed);
  });
}
