/** fastmlp itself in the bench of steps: one of its backends, one thread, through the public API. */

import { performance } from 'node:perf_hooks';
import { adam, createTrainer, dense, sgd } from 'fastmlp';
import { time } from './harness.js';
import { type Check, checkSteps, type StepCase, type StepData } from './step-cases.js';

export type EntrantBackend = 'native' | 'wasm' | 'reference';

const outputActivations = {
  crossEntropy: 'softmax',
  meanSquaredError: 'linear',
  binaryCrossEntropy: 'sigmoid',
} as const;

function createTrainerFor({ sizes, hidden, loss, optimizer }: StepCase, backend: EntrantBackend) {
  const units = sizes.slice(1);
  const { kind, ...settings } = optimizer;
  return createTrainer({
    inputs: sizes[0],
    layers: units.map((count, index) =>
      dense({ units: count, activation: index === units.length - 1 ? outputActivations[loss] : hidden }),
    ),
    loss,
    optimizer: kind === 'sgd' ? sgd(settings) : adam(settings),
    seed: 1,
    backend,
    threads: 1,
  });
}

/** A trainer with the weights of the case; `check` tells how its first steps went. */
export async function prepareTrainer(backend: EntrantBackend, stepCase: StepCase, data: StepData) {
  const { loss, batch, rows, mode } = stepCase;
  const trainer = await createTrainerFor(stepCase, backend);
  const { x } = data;
  const t = loss === 'crossEntropy' ? Int32Array.from(data.t) : data.t;

  const train = async (steps: number): Promise<number> => {
    if (mode === 'step') {
      return time(() => {
        for (let step = 0; step < steps; step++) trainer.trainBatch(x, t);
      });
    }
    const start = performance.now();
    await trainer.fit(x, t, { epochs: (steps * batch) / rows, batchSize: batch, shuffle: false });
    return (performance.now() - start) / 1000;
  };

  trainer.setWeights(data.layers);
  const before = (await trainer.evaluate(x, t)).loss;
  await train(checkSteps(stepCase));
  const after = (await trainer.evaluate(x, t)).loss;
  return {
    check: { before, after } satisfies Check,
    run(steps: number): Promise<number> {
      trainer.setWeights(data.layers);
      return train(steps);
    },
    dispose: () => trainer.dispose(),
  };
}
