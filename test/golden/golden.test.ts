import { describe, expect, it } from 'vitest';
import type { BackendId, LayerWeights, Matrix, Trainer } from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { type GoldenCase, goldenCases, trainerOf, weightsOf } from '../support/golden.js';

type Nested = number | readonly Nested[];

const flat = (value: Nested): number[] => (typeof value === 'number' ? [value] : value.flatMap(flat));

/** Asserts |received − expected| <= tolerance element by element. */
function expectClose(what: string, received: ArrayLike<number>, expected: Nested, tolerance: number): void {
  const wanted = flat(expected);
  expect(received.length, `${what}: length`).toBe(wanted.length);
  for (const [index, value] of wanted.entries()) {
    const error = Math.abs(received[index] - value);
    if (!(error <= tolerance)) {
      throw new Error(
        `${what}[${index}]: received ${received[index]}, expected ${value}, off by ${error} > ${tolerance}`,
      );
    }
  }
}

const toleranceOf = (backend: BackendId, tolerance: GoldenCase['tolerance']): number =>
  backend === 'reference' ? tolerance.float64 : tolerance.float32;

function expectParameters(
  what: string,
  received: LayerWeights[],
  weights: number[][][],
  biases: (number[] | null)[],
  tolerance: number,
): void {
  received.forEach((layer, index) => {
    expectClose(`${what} W${index + 1}`, layer.weights.data, weights[index], tolerance);
    if (layer.biases) expectClose(`${what} b${index + 1}`, layer.biases, biases[index] ?? [], tolerance);
    else expect(biases[index]).toBeNull();
  });
}

function expectInspection(trainer: Trainer, golden: GoldenCase, tolerance: number): void {
  const { expected, inputs, targets, kind } = golden;
  const inspection = kind === 'forward' ? trainer.inspect(inputs) : trainer.inspect(inputs, targets);
  const close = (
    what: string,
    received: Matrix | ArrayLike<number> | null,
    wanted: Nested | null | undefined,
  ): void => {
    if (wanted === undefined || wanted === null) return;
    expectClose(what, received && 'data' in received ? received.data : (received ?? []), wanted, tolerance);
  };
  expected.layers.forEach((layer, index) => {
    const seen = inspection.layers[index];
    close(`z${index + 1}`, seen.netInput, layer.z);
    close(`x${index + 1}`, seen.output, layer.x);
    close(`dE/dx${index + 1}`, seen.outputGradient, layer.dE_dx);
    close(`delta${index + 1}`, seen.delta, layer.delta);
    close(`dW${index + 1}`, seen.weightGradient, layer.dW);
    close(`db${index + 1}`, seen.biasGradient, layer.db);
  });
  close('dX', inspection.inputGradient, expected.dX);
  close('per-sample loss', inspection.sampleLosses, expected.per_sample_loss);
  if (expected.loss !== undefined) close('loss', [inspection.loss as number], [expected.loss]);
  expectClose('output', trainer.predict(inputs).data, expected.output, tolerance);
}

function expectQueries(
  trainer: Trainer,
  golden: GoldenCase,
  params: 'updated' | 'initial',
  tolerance: number,
): void {
  for (const query of golden.queries ?? []) {
    if (query.params !== params) continue;
    expectClose('query output', trainer.predict(query.x).data, query.output, tolerance);
    if (query.label_argmax_0based === undefined) continue;
    expect(trainer.predictClasses(query.x)[0], 'query label').toBe(query.label_argmax_0based);
  }
}

describe.each(usableIds)('golden cases on %s', (backend) => {
  it.each(goldenCases('forward').map((golden) => [golden.id, golden] as const))(
    'forward: %s',
    async (_, golden) => {
      const trainer = await trainerOf(golden, backend);
      expect(trainer.parameterCount).toBe(golden.network.n_parameters);
      expectInspection(trainer, golden, toleranceOf(backend, golden.tolerance));
      trainer.dispose();
    },
  );

  const steps = goldenCases('train-step', 'gradient');
  it.each(steps.map((golden) => [golden.id, golden] as const))('step: %s', async (_, golden) => {
    const { expected, inputs, targets, class_labels } = golden;
    const trainer = await trainerOf(golden, backend);
    const tolerance = toleranceOf(backend, golden.tolerance);
    expectInspection(trainer, golden, tolerance);
    expectQueries(trainer, golden, 'initial', tolerance);
    if (!expected.updated_weights || !expected.updated_biases) return;
    expectClose('loss', [trainer.trainBatch(inputs, targets).loss], [expected.loss as number], tolerance);
    expectParameters(
      'updated',
      trainer.getWeights(),
      expected.updated_weights,
      expected.updated_biases,
      tolerance,
    );
    const after = await trainer.evaluate(inputs, targets);
    expectClose('loss after', [after.loss], [expected.loss_after_update as number], tolerance);
    expectQueries(trainer, golden, 'updated', tolerance);
    if (class_labels) {
      trainer.setWeights(weightsOf(golden.network.weights, golden.network.biases));
      trainer.trainBatch(inputs, class_labels);
      expectParameters(
        'by labels',
        trainer.getWeights(),
        expected.updated_weights,
        expected.updated_biases,
        tolerance,
      );
    }
    trainer.dispose();
  });

  it.each(goldenCases('trajectory').map((golden) => [golden.id, golden] as const))(
    'trajectory: %s',
    async (_, golden) => {
      const { expected, inputs, targets, mode, sample_order } = golden;
      expect(sample_order).toEqual(inputs.map((_row, index) => index));
      const trainer = await trainerOf(golden, backend);
      const batchSize = mode === 'batch' ? inputs.length : 1;
      let epoch = 0;
      for (const checkpoint of expected.checkpoints) {
        await trainer.fit(inputs, targets, { epochs: checkpoint.epoch - epoch, batchSize, shuffle: false });
        epoch = checkpoint.epoch;
        const tolerance = toleranceOf(backend, checkpoint.tolerance);
        const { weights, biases, outputs, decisions, loss } = checkpoint;
        expectParameters(`epoch ${epoch}`, trainer.getWeights(), weights, biases, tolerance);
        expectClose(`epoch ${epoch} outputs`, trainer.predict(inputs).data, outputs, tolerance);
        expectClose(
          `epoch ${epoch} loss`,
          [(await trainer.evaluate(inputs, targets)).loss],
          [loss],
          tolerance,
        );
        expect(Array.from(trainer.predictClasses(inputs))).toEqual(decisions.flat());
      }
      const reached = expected.first_epoch_with_loss_below['0.1'] !== null;
      expect((await trainer.evaluate(inputs, targets)).loss < 0.1, 'converged').toBe(reached);
      trainer.dispose();
    },
  );
});
