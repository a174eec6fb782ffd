/** Decisions from outputs, the better of two models, and what an architecture has to store. */
import { argmax, type BackendId, binaryDecisions, compareTrainers, multiLabel, oneHot } from 'fastmlp';
import {
  type CaseNetwork,
  caseNamed,
  type NetworkCase,
  type Rows,
  type Tolerance,
  type WorkedCase,
} from './cases.js';
import { allowedOn, printNetwork, trainerOf } from './networks.js';
import type { Sheet } from './sheet.js';

interface Labelled {
  readonly z: Rows;
  readonly label_0based: number[];
}

export interface DecisionCase extends WorkedCase {
  readonly expected: {
    readonly binary_from_logit: { readonly z: number[]; readonly y_hat: number[] };
    readonly binary_from_probability: { readonly u: number[]; readonly y_hat: number[] };
    readonly argmax: Labelled & { readonly label_1based: number[] };
    readonly argmax_tie: Labelled;
    readonly multi_label: { readonly y: Rows; readonly labels: Rows };
  };
}

export interface ComparisonCase extends WorkedCase {
  readonly cases: [string, string];
  readonly inputs: Rows;
  readonly targets: Rows;
  readonly tolerance: Tolerance;
  readonly expected: {
    readonly loss: number[];
    readonly output: Rows;
    readonly label_1based: number[];
    readonly accuracy: number[];
    readonly lower_loss: string;
    readonly better_accuracy: string;
  };
}

export interface ArchitectureCase extends WorkedCase {
  readonly network: CaseNetwork;
  readonly expected: { readonly n_parameters: number; readonly weight_shapes: Rows };
}

export interface CountsCase extends WorkedCase {
  readonly expected: { readonly layer_sizes: number[]; readonly n_parameters: number }[];
}

export async function workDecisions(sheet: Sheet, { expected }: DecisionCase): Promise<void> {
  const { binary_from_logit, binary_from_probability, argmax: largest, argmax_tie, multi_label } = expected;
  sheet.heading(
    "binaryDecisions: 1 if z >= 0 ({ from: 'netInput' }), 1 if u >= 0.5 ({ from: 'probability' })",
  );
  sheet.given('z', binary_from_logit.z);
  const fromNetInput = binaryDecisions(binary_from_logit.z, { from: 'netInput' });
  sheet.compare('decisions', fromNetInput, binary_from_logit.y_hat, 0);
  sheet.given('u', binary_from_probability.u);
  const fromProbability = binaryDecisions(binary_from_probability.u, { from: 'probability' });
  sheet.compare('decisions', fromProbability, binary_from_probability.y_hat, 0);

  sheet.heading('argmax: the first largest, counted from 0 or ({ base: 1 }) from 1');
  sheet.given('z', largest.z);
  sheet.compare('from 0', argmax(largest.z), largest.label_0based, 0);
  sheet.compare('from 1', argmax(largest.z, { base: 1 }), largest.label_1based, 0);
  const rows = largest.label_0based.map((label) => [0, 1, 2].map((column) => Number(column === label)));
  sheet.compare('oneHot', oneHot(largest.label_0based, 3), rows, 0);
  sheet.given('z with ties', argmax_tie.z);
  sheet.compare('from 0', argmax(argmax_tie.z), argmax_tie.label_0based, 0);

  sheet.heading('multiLabel: every output by itself, 1 if y >= 0.5');
  sheet.given('y', multi_label.y);
  sheet.compare('labels', multiLabel(multi_label.y), multi_label.labels, 0);
}

/** Two models after one step each, on a row that neither has seen. */
export async function workComparison(
  sheet: Sheet,
  golden: ComparisonCase,
  backend: BackendId,
): Promise<void> {
  const { cases, inputs, targets, expected } = golden;
  const allowed = allowedOn(backend, golden.tolerance);
  const [a, b] = await Promise.all(
    cases.map(async (id) => {
      const origin = caseNamed<NetworkCase>(id);
      const trainer = await trainerOf(origin.network, backend);
      trainer.trainBatch(origin.inputs, origin.targets);
      return trainer;
    }),
  );
  cases.forEach((id, index) => {
    sheet.line(`Model ${'ab'[index]}: the network of ${id} after its step`);
  });
  sheet.heading('Given');
  sheet.given('x0', inputs);
  sheet.given('t', targets);
  const { trainers, lowerLoss, betterAccuracy } = await compareTrainers({ a: a!, b: b! }, inputs, targets);
  sheet.heading('compareTrainers({ a, b }, x, t)');
  [trainers.a, trainers.b].forEach((model, index) => {
    const name = 'ab'[index];
    sheet.compare(`output of ${name}`, model.outputs, expected.output[index]!, allowed);
    sheet.compare(`loss of ${name}`, model.loss, expected.loss[index]!, allowed);
    sheet.compare(`class of ${name}`, argmax(model.outputs, { base: 1 }), expected.label_1based[index]!, 0);
    sheet.compare(`accuracy of ${name}`, model.accuracy!, expected.accuracy[index]!, 0);
  });
  sheet.compareText('lower loss', lowerLoss ?? 'a tie', expected.lower_loss);
  sheet.compareText('more accurate', betterAccuracy ?? 'a tie', expected.better_accuracy);
  a!.dispose();
  b!.dispose();
}

export async function workArchitecture(
  sheet: Sheet,
  golden: ArchitectureCase,
  backend: BackendId,
): Promise<void> {
  const trainer = await trainerOf(golden.network, backend);
  printNetwork(sheet, trainer, golden.network);
  sheet.heading('Parameters');
  const shapes = trainer.getWeights().map(({ weights: { rows, columns } }) => [rows, columns]);
  shapes.forEach((shape, layer) => {
    sheet.compare(`shape of W${layer + 1}`, shape, golden.expected.weight_shapes[layer]!, 0);
  });
  sheet.compare('parameterCount', trainer.parameterCount, golden.expected.n_parameters, 0);
  trainer.dispose();
}

export async function workParameterCounts(
  sheet: Sheet,
  { expected }: CountsCase,
  backend: BackendId,
): Promise<void> {
  sheet.heading('trainer.parameterCount: (inputs + 1) * units, summed over the layers');
  for (const { layer_sizes, n_parameters } of Object.values(expected)) {
    const activations = layer_sizes.slice(1).map(() => 'sigmoid');
    const trainer = await trainerOf({ layer_sizes, activations }, backend);
    sheet.compare(layer_sizes.join('-'), trainer.parameterCount, n_parameters, 0);
    trainer.dispose();
  }
}
