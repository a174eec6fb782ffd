/** One step of training as on paper: forward, loss, backward, update, queries. */
import {
  activations,
  argmax,
  type BackendId,
  binaryDecisions,
  foldedWeights,
  type Inspection,
  jacobian,
  type Matrix,
  type Trainer,
} from 'fastmlp';
import type { CaseLayer, CaseQuery, NetworkCase } from './cases.js';
import { allowedOn, compareParameters, printNetwork, printParameters, trainerOf } from './networks.js';
import type { Sheet } from './sheet.js';

/** The forward half: what each layer computes, and what is decided from it. */
export async function workForward(sheet: Sheet, golden: NetworkCase, backend: BackendId): Promise<void> {
  const trainer = await trainerOf(golden.network, backend);
  printGiven(sheet, trainer, golden);
  const allowed = allowedOn(backend, golden.tolerance);
  compareForward(sheet, trainer.inspect(golden.inputs), golden.expected.layers, allowed);
  compareDecisions(sheet, trainer, golden, allowed);
  trainer.dispose();
}

/** The forward and the backward half, and the update if the case has one. */
export async function workStep(sheet: Sheet, golden: NetworkCase, backend: BackendId): Promise<void> {
  const { inputs, targets, expected, network } = golden;
  const trainer = await trainerOf(network, backend);
  const allowed = allowedOn(backend, golden.tolerance);
  printGiven(sheet, trainer, golden);
  const seen = trainer.inspect(inputs, targets, { sampleGradients: true });
  compareForward(sheet, seen, expected.layers, allowed);
  compareLoss(sheet, seen, golden, allowed);
  compareDecisions(sheet, trainer, golden, allowed);
  await workQueries(sheet, trainer, golden, 'initial', allowed);
  compareBackward(sheet, seen, golden, allowed);
  compareSampleGradients(sheet, seen, expected.layers, allowed);
  if (expected.updated_weights && expected.updated_biases) {
    trainer.trainBatch(inputs, targets);
    sheet.heading(`Update: W := W - ${network.learning_rate} dE/dW, b := b - ${network.learning_rate} dE/db`);
    compareParameters(sheet, trainer, expected.updated_weights, expected.updated_biases, allowed);
    const { loss } = await trainer.evaluate(inputs, targets);
    sheet.compare('E afterwards', loss, expected.loss_after_update!, allowed);
    await workQueries(sheet, trainer, golden, 'updated', allowed);
  }
  trainer.dispose();
}

function printGiven(sheet: Sheet, trainer: Trainer, golden: NetworkCase): void {
  const { inputs, targets } = golden;
  printNetwork(sheet, trainer, golden.network);
  sheet.heading(`Given${inputs.length > 1 ? `: ${inputs.length} samples, one per row` : ''}`);
  sheet.given('x0 (inputs)', inputs);
  if (targets) sheet.given('t (targets)', targets);
  printParameters(sheet, golden.network);
}

function compareForward(sheet: Sheet, seen: Inspection, layers: readonly CaseLayer[], allowed: number): void {
  sheet.heading('Forward: z = W x + b, x = f(z)');
  layers.forEach(({ z, x }, index) => {
    sheet.compare(`z${index + 1}`, seen.layers[index]!.netInput, z, allowed);
    sheet.compare(`x${index + 1}`, seen.layers[index]!.output, x, allowed);
  });
}

function compareLoss(sheet: Sheet, seen: Inspection, { expected }: NetworkCase, allowed: number): void {
  const { per_sample_loss: perSample = [], loss } = expected;
  if (perSample.length > 1) sheet.compare('E per sample', seen.sampleLosses!, perSample, allowed);
  if (loss !== undefined) sheet.compare('E', seen.loss!, loss, allowed);
}

/** Layers from the last to the first, as the gradients come back. */
function compareBackward(sheet: Sheet, seen: Inspection, { expected }: NetworkCase, allowed: number): void {
  const { layers, dX, output_softmax_jacobian_dx_dz } = expected;
  sheet.heading(
    `Backward: delta = dE/dz${output_softmax_jacobian_dx_dz ? ', through the Jacobian of softmax' : ''}`,
  );
  for (const [index, layer] of [...layers.entries()].reverse()) {
    const { outputGradient, delta, weightGradient, biasGradient } = seen.layers[index]!;
    const name = index + 1;
    if (layer.dE_dx) sheet.compare(`dE/dx${name}`, outputGradient!, layer.dE_dx, allowed);
    if (layer.delta) sheet.compare(`delta${name}`, delta!, layer.delta, allowed);
    if (layer.dW) sheet.compare(`dE/dW${name}`, weightGradient!, layer.dW, allowed);
    if (layer.db) sheet.compare(`dE/db${name}`, biasGradient!, layer.db, allowed);
  }
  if (dX) sheet.compare('dE/dx0', seen.inputGradient!, dX, allowed);
}

function compareSampleGradients(
  sheet: Sheet,
  seen: Inspection,
  layers: readonly CaseLayer[],
  allowed: number,
): void {
  const samples = seen.sampleGradients!;
  if (samples.length < 2) return;
  sheet.heading('The gradients above are sums over the samples, whose own gradients are');
  samples.forEach((gradients, sample) => {
    layers.forEach(({ per_sample_dW: weights, per_sample_db: biases }, index) => {
      const own = gradients[index]!;
      const name = `${index + 1}, row ${sample + 1}`;
      if (weights) sheet.compare(`dE/dW${name}`, own.weights, weights[sample]!, allowed);
      if (biases && own.biases) sheet.compare(`dE/db${name}`, own.biases, biases[sample]!, allowed);
    });
  });
}

/** Classes, probabilities, the Jacobian of the softmax and the folded form of the weights, where the case asks for them. */
function compareDecisions(
  sheet: Sheet,
  trainer: Trainer,
  { inputs, expected }: NetworkCase,
  allowed: number,
): void {
  const { netInput, output } = trainer.inspect(inputs).layers.at(-1)!;
  const classes = expected.label_argmax_0based ?? expected.argmax_0based;
  const isTie = expected.argmax_is_tie?.includes(true);
  if (classes && !isTie && output.columns > 1) sheet.compare('argmax', argmax(output), classes, 0);
  const decisions = expected.hard_decision ?? expected.hard_decision_from_logit;
  if (decisions) sheet.compare('1 if z >= 0', binaryDecisions(netInput, { from: 'netInput' }), decisions, 0);
  const answers = expected.y_hat ?? expected.y;
  if (answers) sheet.compare('y', output.data, answers, 0);
  const { class_probabilities, class_probability, folded_weights } = expected;
  if (class_probabilities) {
    sheet.compare(
      'softmax(z)',
      netInput.toArrays().map(activations.softmax.value),
      class_probabilities,
      allowed,
    );
  }
  if (class_probability) {
    sheet.compare('sigmoid(z)', mapped(netInput, activations.sigmoid.value), class_probability, allowed);
  }
  expected.output_softmax_jacobian_dx_dz?.forEach((matrix, row) => {
    const layer = trainer.layers.length - 1;
    const { netInput: ofNetInput } = jacobian(trainer, inputs[row]!, { layer })[0]!;
    const name = inputs.length > 1 ? `dx/dz, row ${row + 1}` : 'dx/dz';
    sheet.compare(name, ofNetInput, matrix, allowed);
  });
  folded_weights?.forEach((matrix, layer) => {
    sheet.compare(`[b W]${layer + 1}`, foldedWeights(trainer.getWeights()[layer]!), matrix, allowed);
  });
}

const mapped = (matrix: Matrix, f: (value: number) => number): number[][] =>
  matrix.toArrays().map((row) => row.map(f));

async function workQueries(
  sheet: Sheet,
  trainer: Trainer,
  { queries = [] }: NetworkCase,
  params: CaseQuery['params'],
  allowed: number,
): Promise<void> {
  for (const { id, x, t, layers, label_argmax_0based: label, loss } of queries.filter(
    (query) => query.params === params,
  )) {
    sheet.heading(`Query ${id} with the ${params} parameters`);
    sheet.given('x0', x);
    if (t) sheet.given('t', t);
    const seen = trainer.inspect(x);
    layers.forEach((layer, index) => {
      sheet.compare(`z${index + 1}`, seen.layers[index]!.netInput, layer.z, allowed);
      sheet.compare(`x${index + 1}`, seen.layers[index]!.output, layer.x, allowed);
    });
    if (label !== undefined) sheet.compare('class (from 0)', trainer.predictClasses(x), label, 0);
    if (t && loss !== undefined) sheet.compare('E', (await trainer.evaluate([x], [t])).loss, loss, allowed);
  }
}
