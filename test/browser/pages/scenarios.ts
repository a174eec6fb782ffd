import type { BackendChoice, BackendReport, TrainerBackend, TrainerConfig } from '../../../src/browser.js';
import type { Library } from './report.js';

/** Numbers in [0, 1), the same everywhere. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const INPUTS = 6;
export const CLASSES = 3;

/** Noisy points, one centre per class. */
export function clusters(rows: number): { x: Float32Array; labels: Int32Array } {
  const random = randomNumbers(7);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(random() * CLASSES));
  const x = Float32Array.from({ length: rows * INPUTS }, (_, index) => {
    const label = labels[Math.floor(index / INPUTS)];
    return Number((index % INPUTS) % CLASSES === label) + random() - 0.5;
  });
  return { x, labels };
}

export interface SmallRun {
  readonly backend: TrainerBackend;
  /** Whether it ran in a tab that nobody sees. */
  readonly hidden: boolean;
  readonly losses: readonly number[];
  readonly weights: readonly number[];
  readonly outputs: readonly number[];
  readonly classes: readonly number[];
  readonly evaluation: { readonly loss: number; readonly accuracy?: number };
}

/** Trains 6-16-3 with adam, softmax and cross-entropy, the hidden activation built in or the page's own. */
export async function trainSmall(
  { adam, createTrainer, defineActivation, dense }: Library,
  { backend, custom }: { backend: BackendChoice; custom: boolean },
): Promise<SmallRun> {
  const swish = defineActivation('own swish', (z, e) => e.mul(z, e.sigmoid(z)));
  const { x, labels } = clusters(64);
  const trainer = await createTrainer({
    inputs: INPUTS,
    layers: [
      dense({ units: 16, activation: custom ? swish : 'tanh' }),
      dense({ units: CLASSES, activation: 'softmax' }),
    ],
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: 0.01 }),
    seed: 3,
    backend,
  });
  try {
    const { history } = await trainer.fit(x, labels, { epochs: 4, batchSize: 10 });
    return {
      backend: trainer.backend,
      hidden: typeof document !== 'undefined' && document.hidden,
      losses: history.loss,
      weights: trainer.getWeights().flatMap(({ weights, biases }) => [...weights.data, ...(biases ?? [])]),
      outputs: [...trainer.predict(x).data],
      classes: [...trainer.predictClasses(x)],
      evaluation: await trainer.evaluate(x, labels),
    };
  } finally {
    trainer.dispose();
  }
}

export interface Surroundings {
  readonly isolated: boolean;
  readonly backends: readonly BackendReport[];
  readonly automatic: SmallRun;
}

/** What the page may do, and what the library makes of it. */
export async function surroundings(library: Library): Promise<Surroundings> {
  return {
    isolated: crossOriginIsolated,
    backends: await library.availableBackends(),
    automatic: await trainSmall(library, { backend: 'auto', custom: false }),
  };
}

/** The same training on several backends. */
export async function trainOnEach(library: Library, backends: readonly BackendChoice[]): Promise<SmallRun[]> {
  const runs: SmallRun[] = [];
  for (const backend of backends) {
    for (const custom of [false, true]) runs.push(await trainSmall(library, { backend, custom }));
  }
  return runs;
}

interface Digits {
  readonly x: Uint8Array;
  readonly labels: Uint8Array;
}

/** As many bytes and labels as MNIST has. */
function mnistSized(rows = 60_000): Digits {
  const random = randomNumbers(5);
  const x = new Uint8Array(rows * 784);
  for (let index = 0; index < x.length; index++) x[index] = 256 * random();
  return { x, labels: Uint8Array.from({ length: rows }, () => 10 * random()) };
}

const mnistTrainer = ({ adam, createTrainer, dense }: Library, options: Partial<TrainerConfig> = {}) =>
  createTrainer({
    inputs: 784,
    inputTransform: { scale: 1 / 255 },
    layers: [dense({ units: 128, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: 1e-3 }),
    seed: 1,
    ...options,
  });

export interface Responsiveness {
  readonly backend: TrainerBackend;
  readonly seconds: number;
  readonly epochs: number;
  /** Milliseconds from one turn of the event loop to the next, in order of length. */
  readonly gaps: readonly number[];
}

/**
 * Makes a trainer and trains it for one epoch, between two marks, while a message channel asks for turns of the event
 * loop.
 */
export async function trainMnistSized(library: Library, asFloats: boolean): Promise<Responsiveness> {
  const { x: bytes, labels } = mnistSized();
  const x = asFloats ? Float32Array.from(bytes) : bytes;
  const gaps: number[] = [];
  const { port1, port2 } = new MessageChannel();
  let last = performance.now();
  port1.onmessage = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    setTimeout(() => port2.postMessage(null), 1);
  };
  // The data's making is over: what it left behind must not be collected during the measurement.
  await wait(500);
  last = performance.now();
  const begin = last;
  port2.postMessage(null);
  performance.mark('training begins');
  const trainer = await mnistTrainer(library);
  const { epoch } = await trainer.fit(x, labels, { epochs: 1, batchSize: 64 });
  performance.mark('training ends');
  const seconds = (performance.now() - begin) / 1000;
  port1.close();
  const { backend } = trainer;
  trainer.dispose();
  return { backend, seconds, epochs: epoch.length, gaps: gaps.sort((a, b) => b - a) };
}

/** Trains until the page is closed, and says so in `document.title`. */
export async function trainForever(library: Library): Promise<never> {
  const { x, labels } = mnistSized(2000);
  const trainer = await mnistTrainer(library);
  const onEpochEnd = (epoch: number): void => {
    document.title = `epoch ${epoch + 1}`;
  };
  await trainer.fit(x, labels, { epochs: 1_000_000, batchSize: 64, callbacks: { onEpochEnd } });
  throw new Error('a million epochs have ended');
}

export interface HiddenRun {
  /** Epochs that ended while the page was hidden, and how long it was. */
  readonly epochs: number;
  readonly hiddenMilliseconds: number;
}

/** Trains until the page has been hidden for a second and a half. */
export async function trainHidden(library: Library): Promise<HiddenRun> {
  const { x, labels } = mnistSized(2000);
  const trainer = await mnistTrainer(library);
  const abort = new AbortController();
  let epochs = 0;
  let hiddenSince: number | null = null;
  let hiddenMilliseconds = 0;
  const onEpochEnd = (): void => {
    hiddenSince = document.hidden ? (hiddenSince ?? performance.now()) : null;
    if (hiddenSince === null) return;
    epochs++;
    hiddenMilliseconds = performance.now() - hiddenSince;
    if (hiddenMilliseconds > 1500) abort.abort();
  };
  await trainer.fit(x, labels, {
    epochs: 1_000_000,
    batchSize: 64,
    callbacks: { onEpochEnd },
    signal: abort.signal,
  });
  trainer.dispose();
  return { epochs, hiddenMilliseconds };
}

/** How long an answer took, and how many batches were done meanwhile. */
export interface Answer {
  readonly milliseconds: number;
  readonly batches: number;
}

export interface ControlledRun {
  readonly backend: TrainerBackend;
  /** What a batch takes. */
  readonly batchMilliseconds: number;
  /** From `pause()` to where no step is running, for some pauses, and from `resume()` to the end of a first batch. */
  readonly pauses: readonly Answer[];
  readonly resumes: readonly Answer[];
  /** From `abort()` to the end of `fit`. */
  readonly stop: Answer;
  readonly reason: string;
  readonly trainsOn: boolean;
}

/** Pauses, resumes and aborts a run in the middle of an epoch of large batches, then trains on. */
export async function controlTraining(library: Library, worker: boolean): Promise<ControlledRun> {
  const batchSize = 2500;
  const { x, labels } = mnistSized(16 * batchSize);
  const trainer = await mnistTrainer(library, { worker });
  const before = performance.now();
  await trainer.fit(x, labels, { batchSize });
  const batchMilliseconds = (performance.now() - before) / 16;
  const answer = async (ask: () => unknown): Promise<Answer> => {
    const { steps } = trainer;
    const asked = performance.now();
    await ask();
    return { milliseconds: performance.now() - asked, batches: trainer.steps - steps };
  };
  const nextBatch = async (): Promise<void> => {
    const { steps } = trainer;
    trainer.resume();
    while (trainer.steps === steps) await wait(1);
  };
  const abort = new AbortController();
  const running = trainer.fit(x, labels, { epochs: 100, batchSize, signal: abort.signal });
  const pauses: Answer[] = [];
  const resumes: Answer[] = [];
  for (let round = 0; round < 4; round++) {
    const until = performance.now() + (1.3 + 0.25 * round) * batchMilliseconds;
    // Asked for how far it is, a worker tells at the end of its batch.
    while (performance.now() < until && trainer.steps >= 0) await wait(1);
    pauses.push(await answer(() => trainer.pause()));
    resumes.push(await answer(nextBatch));
  }
  await nextBatch();
  const stop = await answer(() => {
    abort.abort();
    return running;
  });
  const { reason } = await running;
  const { loss } = trainer.trainBatch(x.subarray(0, 784), labels.subarray(0, 1));
  const { backend } = trainer;
  trainer.dispose();
  return {
    ...{ backend, batchMilliseconds, pauses, resumes, stop, reason },
    trainsOn: loss >= 0,
  };
}

export interface Refusal {
  readonly name: string;
  readonly message: string;
}

export const refusalOf = (error: unknown): Refusal => {
  const { name, message } = error as Error;
  return { name, message };
};

/** How `createTrainer` fails, where it must. */
export async function createRefused(library: Library): Promise<Refusal> {
  try {
    await trainSmall(library, { backend: 'wasm', custom: false });
  } catch (error) {
    return refusalOf(error);
  }
  throw new Error('a trainer was created');
}

export interface LargeFit {
  readonly refusal: Refusal | null;
  /** A trainer must survive a run that it could not begin. */
  readonly trainsOn: boolean;
  readonly loss: number | null;
}

/** An epoch on a data set of 31 MB, of which JavaScript has no room for a copy if told so. */
export async function fitLarge(library: Library, withoutCopies: boolean): Promise<LargeFit> {
  const { x, labels } = mnistSized(40_000);
  const trainer = await mnistTrainer(library);
  if (withoutCopies) {
    Object.defineProperty(x, 'constructor', {
      value: class {
        constructor() {
          throw new RangeError('Array buffer allocation failed');
        }
      },
    });
  }
  let refusal: Refusal | null = null;
  let loss: number | null = null;
  try {
    const { history } = await trainer.fit(x, labels, { batchSize: 1000 });
    loss = history.loss[0];
  } catch (error) {
    refusal = refusalOf(error);
  }
  const after = trainer.trainBatch(x.subarray(0, 784), labels.subarray(0, 1)).loss;
  trainer.dispose();
  return { refusal, trainsOn: Number.isFinite(after), loss };
}

export interface ThreadedRun {
  /** What each of the two trainers ran on. */
  readonly backends: readonly TrainerBackend[];
  /** How many of the parameters differ in any bit. */
  readonly differing: number;
  readonly parameters: number;
}

/** Trains 784-128-10 with one thread and with two. */
export async function trainOnThreads(library: Library): Promise<ThreadedRun> {
  const { x, labels } = mnistSized(1000);
  const backends: TrainerBackend[] = [];
  const weights: number[][] = [];
  for (const threads of [1, 2]) {
    const trainer = await mnistTrainer(library, { threads });
    await trainer.fit(x, labels, { epochs: 2, batchSize: 64 });
    backends.push(trainer.backend);
    weights.push(trainer.getWeights().flatMap(({ weights, biases }) => [...weights.data, ...(biases ?? [])]));
    trainer.dispose();
  }
  const [one, two] = weights;
  const differing = one.filter((weight, index) => !Object.is(weight, two[index])).length;
  return { backends, differing, parameters: one.length };
}
