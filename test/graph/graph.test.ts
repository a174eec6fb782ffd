import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type BackendId,
  type ComputationGraph,
  createTrainer,
  dense,
  type GraphNode,
  Matrix,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';
import { expectAgree } from '../support/compare.js';
import { tolerance } from '../support/tolerances.js';

const inputs = [
  [1, 2],
  [-1, 0.5],
  [0, 1],
];
const targets = [
  [1, 0],
  [0, 1],
  [0, 1],
];

const create = (backend: BackendId, seed = 1): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    inputTransform: { scale: 0.5, offset: 1 },
    layers: [
      dense({ units: 3, activation: 'tanh', biasInitializer: 'glorotUniform' }),
      dense({ units: 2, activation: 'softmax', bias: false, trainable: false }),
    ],
    loss: 'crossEntropy',
    optimizer: sgd({ learningRate: 0.1 }),
    seed,
    backend,
    threads: 1,
  });

const matrixOf = (graph: ComputationGraph, id: string): Matrix => graph.node(id).value as Matrix;

/** Numbers of a value or gradient, and the sizes they should fill. */
function expectShape(node: GraphNode, value: GraphNode['value']): void {
  if (value === null) return;
  const { shape } = node;
  if (typeof value === 'number') expect(shape).toEqual([]);
  else if (value instanceof Matrix) expect(shape).toEqual([value.rows, value.columns]);
  else expect(shape).toEqual([value.length]);
}

describe.each(usableIds)('the graph on %s', (backend) => {
  test('carries values and gradients after inspect', async () => {
    const trainer = await create(backend);
    const inspection = trainer.inspect(inputs, targets);
    const graph = trainer.graph();
    expect(graph.nodes.map(({ id, kind, shape }) => [id, kind, shape])).toEqual([
      ['x0', 'data', [3, 2]],
      ['W1', 'parameter', [3, 2]],
      ['b1', 'parameter', [3]],
      ['z1', 'operation', [3, 3]],
      ['x1', 'operation', [3, 3]],
      ['W2', 'parameter', [2, 3]],
      ['z2', 'operation', [3, 2]],
      ['x2', 'operation', [3, 2]],
      ['t', 'data', [3, 2]],
      ['E', 'loss', []],
    ]);
    for (const node of graph.nodes) {
      expect(node.value, node.id).not.toBeNull();
      expectShape(node, node.value);
      if (node.id === 't') continue;
      expect(node.gradient, node.id).not.toBeNull();
      expectShape(node, node.gradient);
    }
    const [first, second] = inspection.layers;
    expect(graph.node('x0').gradient).toBe(inspection.inputGradient);
    expect(graph.node('W1').gradient).toBe(first.weightGradient);
    expect(graph.node('b1').gradient).toBe(first.biasGradient);
    expect(graph.node('z2').gradient).toBe(second.delta);
    expect(graph.node('x2').gradient).toBe(second.outputGradient);
    expect(graph.node('E')).toMatchObject({ value: inspection.loss, gradient: 1 });
    trainer.dispose();
  });

  test('has values that follow from those of the parents', async () => {
    const trainer = await create(backend);
    trainer.inspect(inputs, targets);
    const graph = trainer.graph();
    expect(matrixOf(graph, 'x0').toArrays()).toEqual(inputs.map((row) => row.map((x) => x * 0.5 + 1)));
    const [x, W, z] = ['x0', 'W1', 'z1'].map((id) => matrixOf(graph, id));
    const biases = graph.node('b1').value as Float32Array;
    const expected = Array.from({ length: 9 }, (_, index) => {
      const [row, unit] = [Math.floor(index / 3), index % 3];
      return x.row(row)[0] * W.row(unit)[0] + x.row(row)[1] * W.row(unit)[1] + biases[unit];
    });
    expectAgree('z1', z.data, expected, tolerance.reduction(3));
    expectAgree('x1', matrixOf(graph, 'x1').data, Array.from(z.data, Math.tanh), tolerance.elementwise());
    trainer.dispose();
  });

  test('keeps what was, while training goes on', async () => {
    const trainer = await create(backend);
    const before = Array.from(trainer.getWeights()[0].weights.data);
    trainer.inspect(inputs, targets);
    trainer.trainBatch(inputs, targets);
    expect(Array.from(matrixOf(trainer.graph(), 'W1').data)).toEqual(before);
    expect(Array.from(trainer.getWeights()[0].weights.data)).not.toEqual(before);
    trainer.dispose();
  });

  test('has no gradients without targets, and labels where they were given', async () => {
    const trainer = await create(backend);
    trainer.inspect(inputs);
    const forward = trainer.graph();
    expect(forward.node('x2').value).not.toBeNull();
    expect(forward.nodes.every(({ gradient }) => gradient === null)).toBe(true);
    expect(forward.node('E').value).toBeNull();
    trainer.inspect(inputs, Int32Array.of(0, 1, 1));
    expect(trainer.graph().node('t')).toMatchObject({ shape: [3], value: Int32Array.of(0, 1, 1) });
    trainer.dispose();
  });
});

describe('the graph', () => {
  test('before inspect has shapes alone, in an order that computes', async () => {
    const trainer = await create('reference');
    const graph = trainer.graph();
    expect(graph.node('x0').shape).toEqual([null, 2]);
    expect(graph.node('t').shape).toEqual([null, 2]);
    expect(graph.nodes.every(({ value, gradient }) => value === null && gradient === null)).toBe(true);
    const seen = new Set<string>();
    for (const { id, parents } of graph.nodes) {
      for (const parent of parents) expect(seen.has(parent), `${parent} before ${id}`).toBe(true);
      seen.add(id);
    }
    expect(graph.node('z1').parents).toEqual(['x0', 'W1', 'b1']);
    expect(graph.node('z2')).toMatchObject({ parents: ['x1', 'W2'], label: 'z2 = x1 W2ᵀ' });
    expect(graph.node('E').label).toBe('E = mean(crossEntropy(x2, t))');
    expect(graph.node('W2').label).toBe('W2: weights, frozen');
  });

  test('takes an earlier inspection, or none', async () => {
    const trainer = await create('reference');
    const earlier = trainer.inspect([[5, 5]]);
    trainer.inspect(inputs, targets);
    expect(trainer.graph(earlier).node('x0').shape).toEqual([1, 2]);
    expect(trainer.graph(null).node('x0').value).toBeNull();
  });

  test('rejects an inspection of another network and an unknown id', async () => {
    const trainer = await create('reference');
    const other = await createTrainer({
      ...{
        inputs: 2,
        layers: [dense({ units: 2 })],
        loss: 'halfSquaredError',
        optimizer: sgd({ learningRate: 1 }),
      },
      backend: 'reference',
    });
    expect(() => trainer.graph(other.inspect([[1, 2]]))).toThrow(
      'the inspection must be of a network with weights 3 x 2, 2 x 3: received 2 x 2',
    );
    expect(() => trainer.graph().node('z9')).toThrow(
      "id must be one of x0, W1, b1, z1, x1, W2, z2, x2, t, E: received 'z9'",
    );
  });

  test('as Mermaid has every node and edge', async () => {
    const trainer = await create('reference');
    const graph = trainer.graph();
    const lines = graph.toMermaid().split('\n');
    expect(lines[0]).toBe('flowchart LR');
    expect(lines).toContain('  x0[/"x0: inputs, transformed<br/>rows × 2"/]:::data');
    expect(lines).toContain('  z1("z1 = x0 W1ᵀ + b1<br/>rows × 3"):::operation');
    expect(lines).toContain('  E{{"E = mean(crossEntropy(x2, t))<br/>scalar"}}:::loss');
    const edges = graph.nodes.flatMap(({ id, parents }) => parents.map((parent) => `  ${parent} --> ${id}`));
    expect(lines.filter((line) => line.includes('-->'))).toEqual(edges);
  });

  test('as SVG shows small values and gradients', async () => {
    const trainer = await create('reference');
    trainer.inspect([[0, 0]], [[1, 0]]);
    const svg = await trainer.graph().toSvg();
    expect(svg).toMatch(/<svg[\s\S]*<\/svg>/);
    for (const { id } of trainer.graph().nodes) expect(svg).toContain(`<title>${id}</title>`);
    expect(svg).toContain('∂E/∂W1');
    expect(await trainer.graph(null).toSvg()).not.toContain('∂E');
  });
});

describe('without @viz-js/viz', () => {
  afterEach(() => vi.doUnmock('@viz-js/viz'));

  test('says how to install it', async () => {
    vi.doMock('@viz-js/viz', () => {
      throw new Error('no such package');
    });
    const trainer = await create('reference');
    await expect(trainer.graph().toSvg()).rejects.toThrow(
      'Cannot draw graph: the optional package @viz-js/viz must be installed ("npm install @viz-js/viz")',
    );
  });
});
