import {
  adam,
  type BackendId,
  batchNorm,
  createTrainer,
  dense,
  dropout,
  earlyStopping,
  type FitCallbacks,
  type FitOptions,
  reduceLROnPlateau,
  type Trainer,
} from '../../src/index.js';

/** A run with everything that a checkpoint has to keep. */
const ROWS = 500;
export const inputs = Float32Array.from({ length: ROWS * 4 }, (_, index) => Math.sin(index * 1.7));
export const targets = Int32Array.from({ length: ROWS }, (_, row) =>
  Math.floor(1.5 + 1.49 * Math.sin(inputs[4 * row] * 3 + inputs[4 * row + 1])),
);

export const createRun = (backend: BackendId): Promise<Trainer> =>
  createTrainer({
    inputs: 4,
    layers: [
      // A bias would have no gradient but rounding, which adam makes large.
      dense({ units: 16, bias: false }),
      batchNorm({ activation: 'tanh' }),
      dropout({ rate: 0.1 }),
      dense({ units: 3, activation: 'softmax' }),
    ],
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: 0.02 }),
    seed: 11,
    backend,
    threads: 1,
  });

export const runOptions = (callbacks: readonly FitCallbacks[] = []): FitOptions => ({
  epochs: 60,
  batchSize: 8,
  stepsPerEpoch: 40,
  validationSplit: 0.2,
  validationSplitMode: 'stratified',
  gradientNorm: true,
  callbacks: [
    earlyStopping({ patience: 30 }),
    reduceLROnPlateau({ patience: 2, factor: 0.5, cooldown: 1 }),
    ...callbacks,
  ],
});
