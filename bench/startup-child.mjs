// node startup-child.mjs BACKEND: the milliseconds of a start in a fresh process, as JSON; see startup.ts.
import { performance } from 'node:perf_hooks';

const backend = /** @type {import('fastmlp').BackendId} */ (process.argv[2]);
/** @type {Record<string, number>} */
const milliseconds = {};

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 */
async function timed(name, work) {
  const start = performance.now();
  const result = await work();
  milliseconds[name] = performance.now() - start;
  return result;
}

const { adam, availableBackends, createTrainer, dense } = await timed('import', () => import('fastmlp'));
await timed('load', () => availableBackends());
const create = () =>
  createTrainer({
    inputs: 784,
    layers: [dense({ units: 128, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer: adam(),
    seed: 1,
    backend,
  });
const first = await timed('first', create);
const second = await timed('second', create);
if (first.backend.id !== backend || second.parameterCount !== 101770)
  throw new Error('not what was asked for');
console.log(JSON.stringify(milliseconds));
