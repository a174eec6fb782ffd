import type { FitContext, Trainer } from '../../../src/browser.js';
import type { Library } from './report.js';
import { CLASSES, clusters, INPUTS, type Refusal, refusalOf, wait } from './scenarios.js';

const MODEL = 'indexeddb://a model';
/** In the middle of the second of four epochs. */
const STOPPED_AT = 10;

const data = clusters(64);
const options = { epochs: 4, batchSize: 10 };

const makeTrainer = ({ adam, createTrainer, dense, dropout }: Library): Promise<Trainer> =>
  createTrainer({
    inputs: INPUTS,
    layers: [
      dense({ units: 16, activation: 'tanh' }),
      dropout({ rate: 0.2 }),
      dense({ units: CLASSES, activation: 'softmax' }),
    ],
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: 0.01 }),
    seed: 3,
  });

const weightsOf = (trainer: Trainer): number[] =>
  trainer.getWeights().flatMap(({ weights, biases }) => [...weights.data, ...(biases ?? [])]);

export interface Kept {
  /** Of the model, which is one that was stopped in mid-epoch, and of that after all of its epochs. */
  readonly weights: readonly number[];
  readonly trained: readonly number[];
}

/** Keeps a checkpoint in IndexedDB, and, twice under one name, the trainer of which it is. */
export async function keepModels(library: Library): Promise<Kept> {
  const whole = await makeTrainer(library);
  await whole.fit(data.x, data.labels, options);
  const trainer = await makeTrainer(library);
  const checkpoint = library.modelCheckpoint('indexeddb://step {step}', { everySteps: STOPPED_AT });
  const onSteps = (_step: number, context: FitContext): void => context.stop();
  const callbacks = [checkpoint, { everySteps: STOPPED_AT, onSteps }];
  await trainer.fit(data.x, data.labels, { ...options, callbacks });
  await whole.save(MODEL);
  await trainer.save(MODEL, { metadata: { note: 'the second' } });
  return { weights: weightsOf(trainer), trained: weightsOf(whole) };
}

export interface Found extends Kept {
  readonly note: string;
  readonly missing: Refusal | null;
}

/** Finds what `keepModels` of another page keeps, or has kept, and goes on with the checkpoint. */
export async function findModels({ loadTrainer }: Library): Promise<Found> {
  const missing = await loadTrainer('indexeddb://another').then(() => null, refusalOf);
  const find = async (tries = 100): Promise<Trainer> => {
    const trainer = await loadTrainer(MODEL).catch(() => null);
    if (trainer?.metadata.note !== undefined) return trainer;
    if (tries === 0) throw new Error('no other page keeps the model');
    await wait(100);
    return find(tries - 1);
  };
  const { metadata, ...model } = await find().then((trainer) => {
    return { metadata: trainer.metadata, weights: weightsOf(trainer) };
  });
  const again = await loadTrainer(`indexeddb://step ${STOPPED_AT}`);
  // As many callbacks as before.
  await again.fit(data.x, data.labels, { ...options, callbacks: [{}, {}], resume: true });
  return { ...model, note: metadata.note, trained: weightsOf(again), missing };
}

/** Replaces a model by one for which there is no room; returns why not, and how many parameters the kept one has. */
export async function keepTooMuch(
  library: Library,
): Promise<{ refusal: Refusal | null; parameters: number }> {
  await (await makeTrainer(library)).save(MODEL);
  const large = await library.createTrainer({
    inputs: 2000,
    layers: [library.dense({ units: 1000 })],
    loss: 'meanSquaredError',
    optimizer: library.sgd({ learningRate: 0.1 }),
  });
  const refusal = await large.save(MODEL).then(() => null, refusalOf);
  return { refusal, parameters: (await library.loadTrainer(MODEL)).parameterCount };
}

/** Downloads a model under a name without an ending and one with an ending; returns its bytes, by way of a Blob. */
export async function downloadModel(library: Library): Promise<number[]> {
  const trainer = await makeTrainer(library);
  await trainer.save('downloads://my model');
  await trainer.save('downloads://weights.bin');
  const loaded = await library.loadTrainer(new Blob([trainer.toBytes()]));
  return [...loaded.toBytes()];
}
