/** What runs in the page of the bench of browsers: a network, trained by the library or by TensorFlow.js. */

type Library = typeof import('../src/browser.js');

/** Inputs, then the units of each layer; rows in an epoch. */
export interface PageCase {
  readonly sizes: readonly number[];
  readonly batch: number;
  readonly rows: number;
  readonly threads: number;
}

/** What a contender is checked by: its loss before and after an epoch, and the bits of its weights added up. */
export interface PageCheck {
  readonly before: number;
  readonly after: number;
  readonly bits: number;
  /** What it runs on. */
  readonly backend: string;
}

interface Prepared {
  readonly check: PageCheck;
  /** The seconds that so many epochs take. */
  run(epochs: number): Promise<number>;
}

/** What of TensorFlow.js is used. It comes as a script, without its types. */
// biome-ignore lint/suspicious/noExplicitAny: the library's own types are those of a package that may not be there
declare const tf: any;

const LEARNING_RATE = 1e-3;

function dataOf({ sizes, rows }: PageCase): { x: Float32Array; labels: Int32Array } {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const x = Float32Array.from({ length: rows * sizes[0] }, () => random() - 0.5);
  const outputs = sizes[sizes.length - 1];
  return { x, labels: Int32Array.from({ length: rows }, () => Math.floor(outputs * random())) };
}

async function createTrainer({ createTrainer, dense, adam }: Library, { sizes, threads }: PageCase) {
  const units = sizes.slice(1);
  return createTrainer({
    inputs: sizes[0],
    layers: units.map((count, index) =>
      dense({ units: count, activation: index === units.length - 1 ? 'softmax' : 'relu' }),
    ),
    loss: 'crossEntropy',
    optimizer: adam({ learningRate: LEARNING_RATE }),
    seed: 1,
    threads,
  });
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await body();
  return (performance.now() - begin) / 1000;
}

async function prepareFastmlp(library: Library, pageCase: PageCase): Promise<Prepared> {
  const { x, labels } = dataOf(pageCase);
  const trainer = await createTrainer(library, pageCase);
  const initial = trainer.getWeights();
  const fit = (epochs: number) =>
    trainer.fit(x, labels, { epochs, batchSize: pageCase.batch, shuffle: false });
  const before = (await trainer.evaluate(x, labels)).loss;
  await fit(1);
  const after = (await trainer.evaluate(x, labels)).loss;
  let bits = 0;
  for (const { weights } of trainer.getWeights()) {
    for (const word of new Uint32Array((weights.data as Float32Array).buffer)) bits += word;
  }
  const { id, threads } = trainer.backend;
  return {
    check: { before, after, bits, backend: `fastmlp ${id}, threads ${threads}` },
    run: async (epochs) => {
      trainer.setWeights(initial);
      return timed(() => fit(epochs));
    },
  };
}

/** From the same weights, by core operations and `optimizer.minimize`, on one-hot targets made once. */
async function prepareTensorflow(library: Library, pageCase: PageCase): Promise<Prepared> {
  const { sizes, batch, rows, threads } = pageCase;
  const { x, labels } = dataOf(pageCase);
  tf.wasm.setWasmPaths('/peers/');
  tf.wasm.setThreadsCount(threads);
  await tf.setBackend('wasm');
  const trainer = await createTrainer(library, pageCase);
  const layers = trainer.getWeights().map(({ weights: { data, rows, columns }, biases }) => ({
    weights: tf.variable(tf.transpose(tf.tensor2d(data, [rows, columns]))),
    biases: tf.variable(tf.tensor1d(biases)),
  }));
  trainer.dispose();
  const inputs = tf.tensor2d(x, [rows, sizes[0]]);
  const targets = tf.oneHot(tf.tensor1d(labels, 'int32'), sizes[sizes.length - 1]).toFloat();
  const batches = Array.from({ length: rows / batch }, (_, index) => ({
    x: inputs.slice([index * batch, 0], [batch, -1]),
    t: targets.slice([index * batch, 0], [batch, -1]),
  }));
  const outputs = (from: unknown) =>
    layers.reduce((a, { weights: b, biases: bias }, index) => {
      return tf.fused.matMul({ a, b, bias, activation: index === layers.length - 1 ? 'linear' : 'relu' });
    }, from);
  const loss = (): number =>
    tf.tidy(() => tf.losses.softmaxCrossEntropy(targets, outputs(inputs)).dataSync()[0]);
  const optimizer = tf.train.adam(LEARNING_RATE);
  const epoch = () => {
    for (const { x, t } of batches) optimizer.minimize(() => tf.losses.softmaxCrossEntropy(t, outputs(x)));
  };
  const before = loss();
  epoch();
  return {
    check: {
      before,
      after: loss(),
      bits: 0,
      backend: `TensorFlow.js wasm, threads ${tf.wasm.getThreadsCount()}`,
    },
    run: (epochs) =>
      timed(async () => {
        for (let done = 0; done < epochs; done++) epoch();
        layers[0].biases.dataSync();
      }),
  };
}

const contenders: Prepared[] = [];

/** Prepares a contender; the check comes with the index to run it by. */
async function prepare(kind: 'fastmlp' | 'tfjs', pageCase: PageCase) {
  const entry: string = '/dist/browser.js';
  const library: Library = await import(entry);
  const make = kind === 'fastmlp' ? prepareFastmlp : prepareTensorflow;
  const index = contenders.push(await make(library, pageCase)) - 1;
  return { index, ...contenders[index].check };
}

export const page = { prepare, run: (index: number, epochs: number) => contenders[index].run(epochs) };

Object.assign(globalThis, { bench: page });
