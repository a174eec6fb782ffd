// node startup-child.mjs BACKEND [atOnce]: the milliseconds of a start in a fresh process, as JSON; see startup.ts.
// With BACKEND `nothing`, those of importing a file that is empty.
import { performance } from 'node:perf_hooks';

const [, , wanted, how] = process.argv;
const backend = /** @type {import('fastmlp').BackendId} */ (wanted);
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

async function startAll() {
  const { adam, availableBackends, createTrainer, dense } = await timed('import', () => import('fastmlp'));
  const create = () =>
    createTrainer({
      inputs: 784,
      layers: [dense({ units: 128, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })],
      loss: 'crossEntropy',
      optimizer: adam(),
      seed: 1,
      backend,
    });
  if (how !== 'atOnce') await timed('load', () => availableBackends());
  const first = await timed(how === 'atOnce' ? 'atOnce' : 'first', create);
  const second = await timed('second', create);
  if (first.backend.id !== backend || second.parameterCount !== 101770)
    throw new Error('not what was asked for');
}

if (wanted === 'nothing') await timed('nothing', () => import('./startup-nothing.mjs'));
else await startAll();
console.log(JSON.stringify(milliseconds));
