/** fastmlp itself in the bench of steps: one of its backends through the public API. */

import { performance } from 'node:perf_hooks';
import { adam, type BackendId, createTrainer, dense, sgd } from 'fastmlp';
import { loadFurther } from '../src/further.js';
import { dense as denseOfSources } from '../src/layers.js';
import { createModel } from '../src/model.js';
import { adam as adamOfSources, sgd as sgdOfSources } from '../src/optimizers.js';
import { createPlan, type Plan } from '../src/plan/plan.js';
import { time } from './harness.js';
import { type Check, checkSteps, type StepCase, type StepData } from './step-cases.js';

await loadFurther();

const outputActivations = {
  crossEntropy: 'softmax',
  meanSquaredError: 'linear',
  binaryCrossEntropy: 'sigmoid',
  halfSquaredError: 'sigmoid',
} as const;

/** Without the kind, which no factory takes. */
function settingsOf<T extends { kind: string }>({ kind: _, ...settings }: T): Omit<T, 'kind'> {
  return settings;
}

/** The configuration of a case, by the factories of the built package or of the sources. */
function configOf<Layer, Sgd, Adam>(
  { sizes, hidden, loss, optimizer }: StepCase,
  make: {
    dense(options: { units: number; activation: 'linear' | StepCase['hidden'] | 'softmax' }): Layer;
    sgd(settings: { learningRate: number }): Sgd;
    adam(settings: { learningRate: number; epsilon: number }): Adam;
  },
) {
  const units = sizes.slice(1);
  return {
    inputs: sizes[0],
    layers: units.map((count, index) =>
      make.dense({ units: count, activation: index === units.length - 1 ? outputActivations[loss] : hidden }),
    ),
    loss,
    optimizer: optimizer.kind === 'sgd' ? make.sgd(settingsOf(optimizer)) : make.adam(settingsOf(optimizer)),
  };
}

/** The plan that a trainer for batches of the case's size executes. */
export function planFor(stepCase: StepCase): Plan {
  return createPlan(
    createModel(configOf(stepCase, { dense: denseOfSources, sgd: sgdOfSources, adam: adamOfSources })),
    stepCase.batch,
  );
}

/** A trainer with the weights of the case; `check` tells how its first steps went. */
export async function prepareTrainer(
  backend: BackendId,
  stepCase: StepCase,
  data: StepData,
  threads: number | 'auto' = 1,
) {
  const { sizes, loss, batch, mode, shuffle, checkRows, checkEpochs } = stepCase;
  const trainer = await createTrainer({
    ...configOf(stepCase, { dense, sgd, adam }),
    seed: 1,
    backend,
    threads,
  });
  const { x } = data;
  const t = loss === 'crossEntropy' ? Int32Array.from(data.t) : data.t;
  const fit = (inputs: typeof x, targets: typeof t, epochs: number, shuffled: boolean) =>
    trainer.fit(inputs, targets, { epochs, batchSize: batch, shuffle: shuffled });

  trainer.setWeights(data.layers);
  const checkX = x.subarray(0, checkRows * sizes[0]);
  const checkT = t.subarray(0, (checkRows * t.length) / stepCase.rows);
  const before = (await trainer.evaluate(checkX, checkT)).loss;
  if (mode === 'fit') await fit(checkX, checkT, checkEpochs, false);
  else for (let step = 0; step < checkSteps(stepCase); step++) trainer.trainBatch(x, t);
  const after = (await trainer.evaluate(checkX, checkT)).loss;

  return {
    check: { before, after } satisfies Check,
    /** Weights after the check. */
    weights: trainer.getWeights(),
    threads: trainer.backend.threads,
    /** The seconds that so many epochs take: of one step each where there is one batch. */
    async run(epochs: number): Promise<number> {
      trainer.setWeights(data.layers);
      if (mode === 'step') {
        return time(() => {
          for (let step = 0; step < epochs; step++) trainer.trainBatch(x, t);
        });
      }
      const start = performance.now();
      await fit(x, t, epochs, shuffle);
      return (performance.now() - start) / 1000;
    },
    dispose: () => trainer.dispose(),
  };
}
