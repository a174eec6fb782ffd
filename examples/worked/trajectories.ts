/** Training over thousands of epochs: the steps of the first, then loss and weights at the checkpoints. */
import { type BackendId, foldedWeights, type Trainer } from 'fastmlp';
import type { Tolerance, TrajectoryCase } from './cases.js';
import { allowedOn, compareParameters, printNetwork, printParameters, trainerOf } from './networks.js';
import type { Sheet } from './sheet.js';

/** Epochs until the loss is below a limit, relative: float32 gets there a little sooner or later. */
const epochTolerance: Tolerance = { float64: 0, float32: 0.01 };

export async function workTrajectory(
  sheet: Sheet,
  golden: TrajectoryCase,
  backend: BackendId,
): Promise<void> {
  const { inputs, targets, mode, initial_loss, expected } = golden;
  const trainer = await trainerOf(golden.network, backend);
  const allowedAt = (epoch: number): number => {
    const checkpoint = expected.checkpoints.find((one) => one.epoch >= epoch)!;
    return allowedOn(backend, checkpoint.tolerance);
  };
  printNetwork(sheet, trainer, golden.network);
  sheet.heading(mode === 'batch' ? 'Given: one step per epoch, on all rows' : 'Given: one step per row');
  sheet.given('x0 (inputs)', inputs);
  sheet.given('t (targets)', targets);
  printParameters(sheet, golden.network);
  sheet.compare('E before', (await trainer.evaluate(inputs, targets)).loss, initial_loss, allowedAt(1));

  workFirstEpoch(sheet, trainer, golden, allowedAt(1));
  // Validation on the training rows gives the loss after each epoch, with the weights that it ends with.
  const losses = [(await trainer.evaluate(inputs, targets)).loss];
  const batchSize = mode === 'batch' ? inputs.length : 1;
  for (const { epoch, weights, biases, loss, outputs, decisions } of expected.checkpoints) {
    const epochs = epoch - losses.length;
    if (epochs > 0) {
      const options = { epochs, batchSize, shuffle: false, validationData: [inputs, targets] } as const;
      const { history } = await trainer.fit(inputs, targets, options);
      losses.push(...history.val_loss!);
    }
    sheet.heading(`After epoch ${epoch}`);
    compareParameters(sheet, trainer, weights, biases, allowedAt(epoch));
    sheet.compare('outputs', trainer.predict(inputs).data, outputs.flat(), allowedAt(epoch));
    sheet.compare('decisions', trainer.predictClasses(inputs), decisions.flat(), 0);
    sheet.compare('E', losses[epoch - 1]!, loss, allowedAt(epoch));
  }
  sheet.heading('E after epochs');
  compareInRows(sheet, losses.slice(0, 20), expected.loss_after_epoch_1_to_20, allowedAt(20));
  sheet.heading('First epoch after which');
  compareFirstEpochs(sheet, losses, golden, backend);
  trainer.dispose();
}

/** Each row of the first epoch: outputs, deltas, and with a step per row the weights after it, biases in column 0. */
function workFirstEpoch(
  sheet: Sheet,
  trainer: Trainer,
  { inputs, targets, mode, expected }: TrajectoryCase,
  allowed: number,
): void {
  for (const { sample, y, delta_dE_dz, weights_after } of expected.first_epoch_steps) {
    const [x, t] = [inputs[sample]!, targets[sample]!];
    sheet.heading(`Epoch 1, row ${sample + 1}: x0 = (${x.join(', ')}), t = ${t.join(', ')}`);
    const seen = trainer.inspect([x], [t]).layers;
    y.forEach((values, layer) => {
      sheet.compare(`x${layer + 1}`, seen[layer]!.output, values, allowed);
    });
    for (const [layer, values] of [...delta_dE_dz.entries()].reverse()) {
      sheet.compare(`delta${layer + 1}`, seen[layer]!.delta!, values, allowed);
    }
    if (mode === 'incremental') trainer.trainBatch([x], [t]);
    weights_after?.forEach((matrix, layer) => {
      const folded = foldedWeights(trainer.getWeights()[layer]!);
      sheet.compare(`new [b W]${layer + 1}`, folded, matrix, allowed);
    });
  }
  if (mode === 'batch') trainer.trainBatch(inputs, targets);
}

/** Losses after each epoch from the first, some to a line. */
function compareInRows(sheet: Sheet, computed: number[], expected: number[], allowed: number): void {
  const perRow = 4;
  const starts = expected.map((_, index) => index).filter((index) => index % perRow === 0);
  const labels = starts.map((start) => `${start + 1} to ${start + perRow}`);
  const rowsOf = (values: number[]): number[][] => starts.map((start) => values.slice(start, start + perRow));
  sheet.compare(labels, rowsOf(computed), rowsOf(expected), allowed);
}

function compareFirstEpochs(
  sheet: Sheet,
  losses: readonly number[],
  { expected }: TrajectoryCase,
  backend: BackendId,
): void {
  for (const [limit, first] of Object.entries(expected.first_epoch_with_loss_below)) {
    const epoch = losses.findIndex((loss) => loss < Number(limit)) + 1;
    if (first === null) {
      sheet.compareText(`E < ${limit}`, epoch === 0 ? 'never' : `epoch ${epoch}`, 'never');
    } else {
      const allowed = Math.floor(allowedOn(backend, epochTolerance) * first.epoch);
      sheet.compare(`E < ${limit}`, epoch, first.epoch, allowed);
    }
  }
}
