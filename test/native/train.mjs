// node train.mjs ENTRY BACKEND: trains small networks on the backend, by the built package, next to the reference.
// Plain JavaScript, for a Node without the tools of this repository: see tools/test-arm64.mjs.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const entry = process.argv[2];
const backend = /** @type {import('fastmlp').BackendId} */ (process.argv[3]);
/** @type {typeof import('fastmlp')} */
const { adam, createTrainer, dense, sgd } = await import(pathToFileURL(resolve(entry)).href);

const INPUTS = 19;
const ROWS = 70;
const CLASSES = 5;
const x = Float32Array.from({ length: ROWS * INPUTS }, (_, index) => Math.sin(1 + index * 0.37));
const labels = Int32Array.from({ length: ROWS }, (_, row) => (row * 7) % CLASSES);

/**
 * @param {Omit<import('fastmlp').TrainerConfig, 'inputs'>} config
 * @param {import('fastmlp').BackendId} id
 */
async function train(config, id) {
  const trainer = await createTrainer({ ...config, inputs: INPUTS, seed: 3, backend: id });
  assert.equal(trainer.backend.id, id);
  const { history } = await trainer.fit(x, labels, { epochs: 4, batchSize: 16 });
  const outputs = trainer.predict(x).data;
  trainer.dispose();
  return {
    losses: history.loss,
    first: history.loss[0],
    last: history.loss[history.loss.length - 1],
    outputs,
  };
}

/**
 * Float32 against float64 over some twenty steps.
 * @param {ArrayLike<number>} actual
 * @param {ArrayLike<number>} expected
 * @param {string} what
 */
function assertClose(actual, expected, what) {
  assert.equal(actual.length, expected.length, what);
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index] - expected[index]);
    assert.ok(difference <= 1e-4, `${what} ${index}: ${actual[index]} instead of ${expected[index]}`);
  }
}

const classifier = (/** @type {'relu' | 'tanh'} */ activation) => [
  dense({ units: 37, activation }),
  dense({ units: CLASSES, activation: 'softmax' }),
];
/** @type {Record<string, Omit<import('fastmlp').TrainerConfig, 'inputs'>>} */
const cases = {
  'relu, adam': { layers: classifier('relu'), loss: 'crossEntropy', optimizer: adam({ learningRate: 0.01 }) },
  'tanh, sgd': { layers: classifier('tanh'), loss: 'crossEntropy', optimizer: sgd({ learningRate: 0.1 }) },
};
for (const [name, config] of Object.entries(cases)) {
  const computed = await train(config, backend);
  const expected = await train(config, 'reference');
  assertClose(computed.losses, expected.losses, `${name}: loss of epoch`);
  assertClose(computed.outputs, expected.outputs, `${name}: output`);
  assert.ok(computed.last < computed.first, `${name}: the loss falls`);
  console.log(`${backend}, ${name}: loss ${computed.first.toFixed(4)} to ${computed.last.toFixed(4)}`);
}
