/**
 * The update of every optimizer over all parameters, as a trainer's plan has it, next to a copy that moves as many bytes.
 *
 * An update reads parameters and gradients and writes parameters, 12 bytes a parameter, and reads and writes each block
 * of state, 8 more. The copy reads half of these bytes and writes the other half. PyTorch's optimizers, on request, have
 * all parameters in one tensor, which suits them best.
 *
 * The peer answers `{ cmd: 'optimizer', optimizer, options, count, steps, shown }` with `{ values }`: the first `shown`
 * parameters after so many steps from the numbers of `numbersOf`.
 */

import type { Backend } from '../src/backends/backend.js';
import { referenceProvider } from '../src/backends/reference/index.js';
import { loadFurther } from '../src/further.js';
import { dense } from '../src/layers.js';
import { createModel } from '../src/model.js';
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  lion,
  nadam,
  type Optimizer,
  radam,
  rmsprop,
  rprop,
  sgd,
} from '../src/optimizers.js';
import { Emitter } from '../src/plan/emitter.js';
import { Layout, placePersistent } from '../src/plan/layout.js';
import { emitOptimizer, optimizerState, spansOf } from '../src/plan/optimizer-lowering.js';
import {
  type Contender,
  copyOf,
  measure,
  missingLines,
  openBackends,
  type Refusal,
  ratioOf,
  startPeers,
  type Timing,
  timingOf,
} from './harness.js';
import { planOf, prepareOperation } from './operation-plan.js';
import type { BenchOptions } from './options.js';
import type { Peer } from './peer.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable, relativeError } from './tables.js';

await loadFurther();

interface OptimizerCase {
  name: string;
  optimizer: Optimizer;
  /** Its class in torch.optim and its options, where they are not the defaults; null where there is none. */
  torch: [name: string, options?: object] | null;
}

const cases: OptimizerCase[] = [
  { name: 'sgd', optimizer: sgd(), torch: ['SGD'] },
  { name: 'sgd, momentum', optimizer: sgd({ momentum: 0.9 }), torch: ['SGD', { momentum: 0.9 }] },
  {
    name: 'sgd, nesterov',
    optimizer: sgd({ momentum: 0.9, nesterov: true }),
    torch: ['SGD', { momentum: 0.9, nesterov: true }],
  },
  { name: 'adam', optimizer: adam(), torch: ['Adam'] },
  { name: 'adam, amsgrad', optimizer: adam({ amsgrad: true }), torch: ['Adam', { amsgrad: true }] },
  { name: 'adamw', optimizer: adamw(), torch: ['AdamW'] },
  { name: 'nadam', optimizer: nadam(), torch: ['NAdam'] },
  { name: 'radam', optimizer: radam(), torch: ['RAdam'] },
  { name: 'adamax', optimizer: adamax(), torch: ['Adamax'] },
  { name: 'rmsprop', optimizer: rmsprop(), torch: ['RMSprop'] },
  { name: 'rmsprop, momentum', optimizer: rmsprop({ momentum: 0.9 }), torch: ['RMSprop', { momentum: 0.9 }] },
  {
    name: 'rmsprop, centered',
    optimizer: rmsprop({ centered: true }),
    torch: ['RMSprop', { centered: true }],
  },
  { name: 'adagrad', optimizer: adagrad(), torch: ['Adagrad'] },
  { name: 'adadelta', optimizer: adadelta(), torch: ['Adadelta'] },
  { name: 'lion', optimizer: lion(), torch: null },
  { name: 'rprop', optimizer: rprop(), torch: ['Rprop'] },
];

/** Inputs and units of the layer that is updated. With every optimizer the first fits a second-level cache of 1 MB. */
const sizes = [
  { name: 'inside L2', inputs: 100, units: 250 },
  { name: 'beyond L2', inputs: 500, units: 500 },
  { name: 'beyond L3', inputs: 4000, units: 4000 },
];

/** Parameters that are compared with the reference's, after so many steps. */
const SHOWN = 512;
const STEPS = 3;
/** Of the largest change: float32 parameters that change by as little as 1e-4. */
const TOLERANCE = 2e-3;

/** The same parameters and gradients everywhere, of both signs and never zero. */
function numbersOf(count: number): { parameters: Float32Array; gradient: Float32Array } {
  const periodic = (factor: number, period: number) =>
    Float32Array.from({ length: count }, (_, index) => ((index * factor) % period) / period - 0.501);
  return { parameters: periodic(37, 101), gradient: periodic(53, 97) };
}

/** What an update is executed from, and where its numbers lie. */
function updateOf(optimizer: Optimizer, inputs: number, units: number) {
  const layers = [dense({ units, bias: false })];
  const model = createModel({ inputs, layers, loss: 'meanSquaredError', optimizer });
  const layout = new Layout(1);
  const state = optimizerState(model.optimizer, layout);
  const blocks = state.states.filter((block) => block !== null);
  const places = placePersistent(layout, model, blocks);
  const emitter = new Emitter();
  emitOptimizer(model, places, state, emitter, spansOf(model, places, []));
  const begun = blocks
    .filter(({ initial }) => initial !== 0)
    .map(({ name, initial }) => ({ offset: places.state.get(name)!, initial }));
  return { plan: planOf(emitter, layout), places, begun, bytesPerParameter: 4 * (3 + 2 * blocks.length) };
}

interface Ready extends Contender {
  /** The first parameters after `STEPS` steps. */
  values: ArrayLike<number>;
  dispose(): void;
}

async function readyBackend(
  backend: Backend,
  { optimizer }: OptimizerCase,
  inputs: number,
  units: number,
  numbers: ReturnType<typeof numbersOf>,
): Promise<Ready> {
  const { plan, places, begun } = updateOf(optimizer, inputs, units);
  const { executor, run } = await prepareOperation(backend, plan);
  executor.write(places.parameters, numbers.parameters);
  executor.write(places.gradients, numbers.gradient);
  for (const { offset, initial } of begun) {
    executor.write(offset, new Float32Array(places.parameterLength).fill(initial));
  }
  run(STEPS);
  const values = executor.read(places.parameters, SHOWN);
  return { name: backend.id, run, values, dispose: () => executor.dispose() };
}

async function readyPeer(peer: Peer, { optimizer, torch }: OptimizerCase, count: number): Promise<Ready> {
  const [name, options] = torch!;
  const { values } = await peer.ask({
    ...{ cmd: 'optimizer', optimizer: name, options: { lr: optimizer.learningRate, ...options } },
    ...{ count, steps: STEPS, shown: SHOWN },
  });
  return { name: peer.name, run: (repeats) => peer.run(repeats), values: values!, dispose() {} };
}

/** The first parameters after as many steps, in float64. */
async function expectedOf(one: OptimizerCase): Promise<ArrayLike<number>> {
  const reference = await referenceProvider.open('reference');
  return (await readyBackend(reference, one, SHOWN, 1, numbersOf(SHOWN))).values;
}

interface OptimizerResult {
  optimizer: string;
  size: string;
  parameters: number;
  bytesPerParameter: number;
  /** Seconds a step; the copy's is the time of as many bytes. */
  copy: Timing;
  results: (Timing & { gigabytesPerSecond: number; timesCopy: number })[];
}

interface OptimizersReport {
  missing: Refusal[];
  results: OptimizerResult[];
  wrong: Refusal[];
}

async function measureCase(
  one: OptimizerCase,
  { name: size, inputs, units }: (typeof sizes)[number],
  numbers: ReturnType<typeof numbersOf>,
  backends: Backend[],
  peers: Peer[],
  rounds: number,
): Promise<{ result: OptimizerResult; wrong: Refusal[] }> {
  const parameters = inputs * units;
  const expected = await expectedOf(one);
  const changes = (values: ArrayLike<number>) =>
    Array.from(values, (value, index) => value - numbers.parameters[index]);
  const right: Ready[] = [];
  const wrong: Refusal[] = [];
  for (const ready of [
    ...backends.map((backend) => () => readyBackend(backend, one, inputs, units, numbers)),
    ...peers.filter(() => one.torch).map((peer) => () => readyPeer(peer, one, parameters)),
  ]) {
    const contender = await ready();
    const error = relativeError(changes(contender.values), changes(expected));
    // Written so that NaN is wrong.
    if (error <= TOLERANCE) right.push(contender);
    else {
      const reason = `changes of the parameters differ from the reference's by ${error} of the largest`;
      wrong.push({ name: `${one.name}, ${contender.name}`, reason });
      contender.dispose();
    }
  }
  const { bytesPerParameter } = updateOf(one.optimizer, 1, 1);
  const moved = bytesPerParameter * parameters;
  const [copied, ...timings] = await measure([copyOf(moved / 2), ...right], rounds);
  for (const { dispose } of right) dispose();
  const results = timings.map((timing) => ({
    ...timingOf(timing),
    gigabytesPerSecond: moved / timing.median / 1e9,
    timesCopy: ratioOf(timing, copied),
  }));
  return {
    result: { optimizer: one.name, size, parameters, bytesPerParameter, copy: timingOf(copied), results },
    wrong,
  };
}

export async function benchOptimizers(
  { rounds, backends: wanted, match, peers: withPeers }: BenchOptions,
  print: (text: string) => void,
): Promise<OptimizersReport> {
  const { ids, missing } = await entrantBackends(wanted);
  const { backends } = await openBackends(ids);
  const { peers, missing: missingPeers } = await startPeers(withPeers ? ['torch'] : []);
  missing.push(...missingPeers);
  const versions = peers.map(({ name, version }) => `\n  ${name}: ${version}`).join('');
  print(`Steps of optimizers, one thread, ${rounds} rounds${versions}${missingLines(missing)}`);
  const report: OptimizersReport = { missing, results: [], wrong: [] };
  try {
    for (const size of sizes) {
      const taking = cases.filter(({ name }) => match.test(`${name}, ${size.name}`));
      const numbers = numbersOf(taking.length > 0 ? size.inputs * size.units : 0);
      const ofSize: OptimizerResult[] = [];
      for (const one of taking) {
        const { result, wrong } = await measureCase(one, size, numbers, backends, peers, rounds);
        for (const { name, reason } of wrong) print(`${name}: WRONG ANSWER, not timed: ${reason}`);
        ofSize.push(result);
        report.wrong.push(...wrong);
      }
      if (ofSize.length > 0) print(formatOptimizers(ofSize));
      report.results.push(...ofSize);
    }
    return report;
  } finally {
    for (const peer of peers) peer.close();
  }
}

/** A line an optimizer, medians in µs. */
function formatOptimizers(results: OptimizerResult[]): string {
  const [{ size, parameters }] = results;
  const names = [...new Set(results.flatMap((one) => one.results.map(({ name }) => name)))];
  const header = ['', 'bytes', 'copy', ...names.flatMap((name) => [name, '× copy'])];
  const rows = results.map(({ optimizer, bytesPerParameter, copy, results: timings }) => [
    optimizer,
    `${bytesPerParameter}`,
    formatNumber(copy.median * 1e6),
    ...names.flatMap((name) => {
      const timing = timings.find((one) => one.name === name);
      return [timing ? formatNumber(timing.median * 1e6) : '-', formatRatio(timing?.timesCopy)];
    }),
  ]);
  const heading = `${size}: ${formatNumber(parameters)} parameters, bytes moved a parameter, median µs a step`;
  return `${heading}\n${formatTable(header, rows)}`;
}
