import { describe, expect, it } from 'vitest';
import type { Backend, Executor, Rows, Run } from '../../src/backends/backend.js';
import { embeddedModules } from '../../src/backends/wasm/embedded.js';
import { WasmExecutor } from '../../src/backends/wasm/executor.js';
import { createWasmProvider } from '../../src/backends/wasm/index.js';
import { binaryOf, createMemory, instantiate } from '../../src/backends/wasm/module.js';
import { createNodeWorker } from '../../src/backends/wasm/worker/node.js';
import { loadFurther } from '../../src/further.js';
import { dense } from '../../src/layers.js';
import { createModel, initialParameters } from '../../src/model.js';
import { ScalarCode } from '../../src/opcodes.js';
import { adam } from '../../src/optimizers.js';
import { writeStoredLayers } from '../../src/parameters.js';
import { operations } from '../../src/plan/operations.js';
import { createPlan, type Plan, type ProgramName } from '../../src/plan/plan.js';
import { Random } from '../../src/random.js';
import { judge } from '../support/operation-case.js';
import { operationCases } from './operation-cases.js';

const INPUTS = 19;
const COUNT = 53;
const EPOCHS = 3;

await loadFurther();

const model = createModel({
  inputs: INPUTS,
  layers: [dense({ units: 9, activation: 'tanh' }), dense({ units: 5, activation: 'softmax' })],
  loss: 'crossEntropy',
  optimizer: adam(),
});
const plan = createPlan(model, 7);
const initial = await initialParameters(model, new Random(3), 'float32');

function fill(executor: Executor): Executor {
  writeStoredLayers(executor, plan, initial, model);
  return executor;
}

const open = async (options?: { datasetBudgetBytes: number }): Promise<Backend> =>
  createWasmProvider({ createWorker: createNodeWorker, concurrency: () => 1, ...options }).open('wasm-simd');

const labels = Int32Array.from({ length: COUNT }, (_, row) => row % 5);
const targets = Float32Array.from({ length: COUNT * 5 }, (_, index) => (index % 6 === 0 ? 1 : 0));
const floats = Float32Array.from({ length: COUNT * INPUTS }, (_, index) => Math.sin(index));
const sources = {
  'float32 rows and labels': { inputs: floats, labels, targets: null },
  'float64 rows and targets': { inputs: Float64Array.from(floats), labels: null, targets },
  'bytes and labels': { inputs: Uint8Array.from(floats, (_, index) => index), labels, targets: null },
} satisfies Record<string, Partial<Rows>>;

const random = new Random(5);
const order = Uint32Array.from({ length: EPOCHS * COUNT }, () => random.integer(COUNT));

const runOf = (name: ProgramName, rows: Uint32Array | null, batchSize = 7): Run => ({
  program: plan.programs[name] as Run['program'],
  rowsPerEpoch: COUNT,
  batchSize,
  firstStep: 0,
  steps: EPOCHS * Math.ceil(COUNT / batchSize),
  order: rows,
  metrics: new Float64Array(EPOCHS * ScalarCode.first_free),
  result: null,
});

describe('a dataset fed in pieces', () => {
  describe.each(Object.keys(sources) as (keyof typeof sources)[])('%s', (name) => {
    it.each([['in an order', order] as const, ['as they stand', null] as const])('%s', async (_, rows) => {
      const data: Rows = { count: COUNT, shared: false, ...sources[name] };
      const program: ProgramName = data.labels ? 'trainLabels' : 'train';
      const outcomes = [];
      for (const datasetBudgetBytes of [2 ** 20, 0]) {
        const executor = fill(await (await open({ datasetBudgetBytes })).createExecutor(plan, 1));
        const dataset = executor.createDataset(data);
        const run = runOf(program, rows);
        expect(await executor.start(dataset, run).finished).toBe(run.steps);
        dataset.dispose();
        outcomes.push({ arena: executor.read(0, plan.persistentLength), metrics: run.metrics });
        executor.dispose();
      }
      expect(outcomes[1]).toEqual(outcomes[0]);
      expect(outcomes[0].metrics[ScalarCode.rows]).toBe(COUNT);
    });
  });

  it('is a copy', async () => {
    const executor = fill(await (await open({ datasetBudgetBytes: 0 })).createExecutor(plan, 1));
    const inputs = floats.slice();
    const dataset = executor.createDataset({ count: COUNT, shared: false, inputs, labels, targets: null });
    inputs.fill(Number.NaN);
    const run = runOf('evaluateLabels', order);
    await executor.start(dataset, run).finished;
    expect(run.metrics.every(Number.isFinite)).toBe(true);
  });
});

/** An executor whose memory ends at `pages`. */
async function executorWithin(pages: number): Promise<WasmExecutor> {
  const whole = createMemory(false);
  const binary = binaryOf(await embeddedModules.simd.whole(), false);
  const { exports } = await instantiate(await WebAssembly.compile(binary), whole);
  const memory = {
    get buffer() {
      return whole.buffer;
    },
    grow(delta: number) {
      if (whole.buffer.byteLength / 65536 + delta > pages) throw new RangeError('no more pages');
      return whole.grow(delta);
    },
  };
  return new WasmExecutor({ exports, memory }, plan, 2 ** 30);
}

describe('an executor whose memory cannot grow', () => {
  const data: Rows = { count: COUNT, shared: false, inputs: floats, labels, targets: null };

  it('refuses a plan that does not fit and goes on with the one it has', async () => {
    const [limited, free] = await Promise.all([executorWithin(6), executorWithin(6)]);
    for (const executor of [limited, free]) fill(executor);
    expect(() => limited.load(createPlan(model, 100_000))).toThrow(RangeError);
    const outcomes = [limited, free].map((executor) => {
      const run = runOf('trainLabels', order);
      executor.run(data, run);
      return { arena: executor.read(0, plan.arenaLength), metrics: run.metrics };
    });
    expect(outcomes[0]).toEqual(outcomes[1]);
  });

  it('feeds a dataset in pieces', async () => {
    const copies = 100;
    const many: Rows = {
      ...data,
      count: COUNT * copies,
      inputs: Float32Array.from(
        { length: floats.length * copies },
        (_, index) => floats[index % floats.length],
      ),
      labels: Int32Array.from({ length: COUNT * copies }, (_, row) => labels[row % COUNT]),
    };
    const executor = fill(await executorWithin(8)) as WasmExecutor;
    const dataset = executor.createDataset(many);
    const run = runOf('evaluateLabels', null);
    await executor.start(dataset, run).finished;
    const resident = runOf('evaluateLabels', null);
    executor.run(data, resident);
    expect(run.metrics).toEqual(resident.metrics);
  });
});

describe('views of linear memory', () => {
  it('are good after the memory has grown', async () => {
    const executor = fill(await (await open()).createExecutor(plan, 1));
    executor.scalars[plan.learningRate] = 0.25;
    const weights = executor.read(0, plan.persistentLength);
    executor.load(createPlan(model, 5000));
    expect(executor.scalars[plan.learningRate]).toBe(0.25);
    expect(executor.read(0, plan.persistentLength)).toEqual(weights);
  });

  it('stay in place while datasets come and go', async () => {
    const executor = fill(await (await open()).createExecutor(plan, 1));
    const data: Rows = { count: COUNT, shared: false, inputs: floats, labels, targets: null };
    executor.createDataset(data).dispose();
    const { buffer } = executor.scalars;
    for (let round = 0; round < 1000; round++) executor.createDataset(data).dispose();
    expect(executor.scalars.buffer).toBe(buffer);
  });
});

describe('the first number that is not finite', () => {
  const lengths = [511, 512, 513, 16383, 16384, 16385, 40001];

  it.each(lengths)('is found wherever it stands among %d', async (length) => {
    const executor = await (await open()).createExecutor(plan, 1, false);
    const values = Float32Array.from({ length }, (_, index) => (index % 2 ? -3.4028234e38 : 1e-45));
    expect(executor.firstNonFinite(values)).toBe(-1);
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const index of [0, 1, 509, length >> 1, length - 1]) {
        const [before, last] = [values[index], values[length - 1]];
        values[index] = number;
        values[length - 1] = Number.NaN;
        expect(executor.firstNonFinite(values)).toBe(index);
        values[length - 1] = last;
        values[index] = before;
      }
    }
    expect(executor.firstNonFinite(values)).toBe(-1);
  });
});

describe('a module', () => {
  const modules = Object.entries(embeddedModules).flatMap(([name, { basic, whole }]) => [
    [`${name} basic`, basic] as const,
    [`${name} whole`, whole] as const,
  ]);

  it.each(modules)('%s has as many operands of each operation as the list', async (_, module) => {
    const compiled = await WebAssembly.compile(binaryOf(await module(), false));
    const { operandCount } = (await instantiate(compiled, createMemory(false))).exports;
    const counts = operations.map((_, code) => operandCount(code));
    expect(counts).toEqual(operations.map(({ operands }) => operands.length));
    expect(operandCount(operations.length)).toBe(-1);
  });
});

describe('what is static in a module', () => {
  // Threads share it, and each that begins writes it anew.
  it('is left as it is by every operation', async () => {
    const memory = createMemory(false);
    const binary = binaryOf(await embeddedModules.simd.whole(), false);
    const instance = await instantiate(await WebAssembly.compile(binary), memory);
    const { exports } = instance;
    const read = (): Uint8Array =>
      new Uint8Array(memory.buffer).slice(0, exports.firstFree() - exports.workspaceBytes());
    const before = read();
    expect(before.some((byte) => byte !== 0)).toBe(true);
    const backend = await open();
    const watched = Object.assign(Object.create(backend) as Backend, {
      createExecutor: async (one: Plan) => new WasmExecutor(instance, one, 2 ** 30),
    });
    for (const [group, cases] of Object.entries(operationCases)) {
      for (const test of cases()) expect(await judge(watched, test)).toBeNull();
      expect(read(), group).toEqual(before);
    }
  });
});
