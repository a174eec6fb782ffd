import { build } from 'esbuild';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type ActivationName,
  type BackendId,
  createTrainer,
  decisionBoundary,
  dense,
  type History,
  type LossName,
  lossCurve,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';

const corners = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];

/** One layer on two inputs. */
async function layerOf(
  backend: BackendId,
  activation: ActivationName,
  loss: LossName,
  weights: number[][],
  biases: number[],
): Promise<Trainer> {
  const trainer = await createTrainer({
    ...{ inputs: weights[0].length, layers: [dense({ units: weights.length, activation })], loss },
    ...{ optimizer: sgd({ learningRate: 0.1 }), backend, threads: 1 },
  });
  trainer.setWeights([{ weights, biases }]);
  return trainer;
}

/** Coordinates of the points of the paths with this attribute. */
function pathPoints(svg: string, attribute: string): [number, number][] {
  const paths = [...svg.matchAll(/<path[^>]*>/g)]
    .map(([tag]) => tag)
    .filter((tag) => tag.includes(attribute));
  return paths.flatMap((tag) => {
    const outline = /d="([^"]*)"/.exec(tag)?.[1] ?? '';
    return [...outline.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]): [number, number] => [+x, +y]);
  });
}

const boundary = 'stroke="#27272a"';
const size = 400;
/** Pixel of a coordinate of a section from -0.15 to 1.15. */
const pixel = (value: number): number => ((value + 0.15) / 1.3) * size;
const inside = ([x, y]: [number, number]): boolean => x > 0 && x < size && y > 0 && y < size;

describe.each(usableIds)('decisionBoundary on %s', (backend) => {
  test('of one output lies where the output is 0.5', async () => {
    const trainer = await layerOf(backend, 'sigmoid', 'binaryCrossEntropy', [[0, 8]], [-2]);
    const svg = await decisionBoundary(trainer, { x: corners, y: [[0], [1], [0], [1]] });
    const points = pathPoints(svg, boundary).filter(inside);
    expect(points.length).toBeGreaterThan(50);
    for (const [, y] of points) expect(y).toBeCloseTo(size - pixel(0.25), 0);
    trainer.dispose();
  });

  test.each([
    ['softmax', 'crossEntropy'],
    ['linear', 'crossEntropyWithLogits'],
    ['tanh', 'halfSquaredError'],
  ] as const)('of several %s outputs with %s lies where the largest changes', async (activation, loss) => {
    const weights = [
      [-4, 0],
      [4, 0],
      [0, 0],
    ];
    const trainer = await layerOf(backend, activation, loss, weights, [0, -4, -9]);
    const svg = await decisionBoundary(trainer, {
      x: corners,
      y: Int32Array.of(0, 0, 1, 1),
      classNames: ['a', 'b', 'c'],
    });
    const points = pathPoints(svg, boundary).filter(inside);
    expect(points.length).toBeGreaterThan(50);
    for (const [x] of points) expect(x).toBeCloseTo(pixel(0.5), 0);
    for (const name of ['class', 'a', 'b', 'c']) expect(svg).toContain(`>${name}</text>`);
    trainer.dispose();
  });
});

describe('decisionBoundary', () => {
  test('draws every point at its place, with axes, legend and title', async () => {
    const trainer = await layerOf('reference', 'sigmoid', 'binaryCrossEntropy', [[1, 1]], [0]);
    const svg = await decisionBoundary(trainer, {
      x: corners,
      y: [0, 1, 1, 0],
      title: 'Weights <1>',
      axes: ['height', 'width'],
    });
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    for (const text of ['Weights &lt;1&gt;', 'height', 'width', 'class', 'probability of 1']) {
      expect(texts).toContain(text);
    }
    for (const [x, y] of corners) {
      const [left, top] = [pixel(x), size - pixel(y)];
      const places = [...svg.matchAll(/translate\(([\d.]+),([\d.]+)\)/g)];
      const found = places.some(([, px, py]) => Math.abs(+px - left) < 0.01 && Math.abs(+py - top) < 0.01);
      expect(found, `point ${x}, ${y}`).toBe(true);
    }
    expect(svg).not.toContain('NaN');
  });

  test('of net inputs shows probabilities', async () => {
    const trainer = await layerOf('reference', 'linear', 'binaryCrossEntropyWithLogits', [[8, 0]], [-4]);
    const svg = await decisionBoundary(trainer, { x: corners });
    expect(svg).toContain('probability of 1');
    for (const [x] of pathPoints(svg, boundary).filter(inside)) expect(x).toBeCloseTo(pixel(0.5), 0);
  });

  test('of points in one place, and of one class everywhere', async () => {
    const trainer = await layerOf('reference', 'sigmoid', 'binaryCrossEntropy', [[0, 0]], [9]);
    const svg = await decisionBoundary(trainer, { x: [[2, 2]], y: [[1]] });
    expect(svg).not.toContain('NaN');
    expect(pathPoints(svg, boundary).filter(inside)).toEqual([]);
  });

  test('rejects other networks, points and classes', async () => {
    const deep = await layerOf('reference', 'sigmoid', 'binaryCrossEntropy', [[1, 1, 1]], [0]);
    await expect(decisionBoundary(deep, { x: [[1, 2, 3]] })).rejects.toThrow(
      'the network must have 2 inputs: received 3',
    );
    const flat = await layerOf('reference', 'sigmoid', 'binaryCrossEntropy', [[1, 1]], [0]);
    await expect(decisionBoundary(flat, { x: [[1, 2, 3]] })).rejects.toThrow('x must have 2 columns');
    await expect(decisionBoundary(flat, { x: [[1, Number.NaN]] })).rejects.toThrow(
      'x must be finite: received NaN in row 0',
    );
    await expect(decisionBoundary(flat, { x: corners, y: [0, 1] })).rejects.toThrow(
      'targets must be 4 labels or 4 rows of 1',
    );
    await expect(decisionBoundary(flat, { x: corners, classNames: ['a'] })).rejects.toThrow(
      'classNames must be 2 different names',
    );
    flat.setWeights([{ weights: [1e308, -1e308], biases: [0] }]);
    await expect(
      decisionBoundary(flat, {
        x: [
          [10, 10],
          [20, 20],
        ],
      }),
    ).rejects.toThrow('outputs must be finite');
  });
});

const historyOf = (history: History['history']): History => ({
  epoch: history.loss.map((_, index) => index),
  history,
  ...{ learningRate: [], seconds: [], samplesPerSecond: [] },
  seed: 1,
  backend: 'reference',
  reason: 'completed',
  converged: null,
  divergence: null,
});

/** Labels of the axes and legends. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

const lines = (svg: string): number => svg.match(/aria-roledescription="line mark"/g)?.length ?? 0;

describe('lossCurve', () => {
  test('of the loss alone', async () => {
    const svg = await lossCurve(historyOf({ loss: [3, 2, 1] }));
    expect(textsOf(svg)).toContain('loss');
    expect(textsOf(svg)).not.toContain('accuracy');
    expect(textsOf(svg)).not.toContain('validation');
    expect(lines(svg)).toBe(1);
  });

  test('with validation and accuracy', async () => {
    const logged = { loss: [3, 2], val_loss: [3, 2.5], accuracy: [0.5, 0.75], val_accuracy: [0.4, 0.6] };
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const svg = await lossCurve(historyOf(logged), { title: 'Run 7' });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
    for (const text of ['Run 7', 'loss', 'accuracy', 'training', 'validation', 'epoch']) {
      expect(textsOf(svg)).toContain(text);
    }
    expect(lines(svg)).toBe(4);
  });

  test('of what fit resolves with', async () => {
    const trainer = await layerOf('reference', 'sigmoid', 'binaryCrossEntropy', [[1, 1]], [0]);
    const history = await trainer.fit(corners, [[0], [1], [1], [0]], { epochs: 40, validationSplit: 0.5 });
    expect(lines(await lossCurve(history))).toBe(4);
  });

  test('of one epoch, and of one that diverged', async () => {
    expect(await lossCurve(historyOf({ loss: [0.5] }))).toContain('symbol');
    const diverged = await lossCurve(historyOf({ loss: [1, 2, Number.POSITIVE_INFINITY, Number.NaN] }));
    expect(diverged).not.toMatch(/NaN|Infinity/);
    expect(diverged).toMatch(/line mark" d="M0,120L160,0"/);
  });

  test('rejects what is no history', async () => {
    await expect(lossCurve({} as History)).rejects.toThrow('history must be what fit resolves with');
    await expect(lossCurve(historyOf({ loss: [] }))).rejects.toThrow(
      'the history must have at least one epoch',
    );
    const misspelt = { titel: 'Run' } as object;
    await expect(lossCurve(historyOf({ loss: [1] }), misspelt)).rejects.toThrow("unknown option 'titel'");
  });
});

describe('without the drawing packages', () => {
  const missing = (): never => {
    throw new Error('no such package');
  };
  afterEach(() => {
    for (const name of ['vega', 'vega-lite']) vi.doUnmock(name);
  });

  test('each plot says what to install', async () => {
    vi.doMock('vega', missing);
    vi.doMock('vega-lite', missing);
    const trainer = await layerOf('reference', 'sigmoid', 'binaryCrossEntropy', [[1, 1]], [0]);
    await expect(decisionBoundary(trainer, { x: corners })).rejects.toThrow(
      'Cannot draw decision boundary: the optional package vega must be installed ("npm install vega")',
    );
    await expect(lossCurve(historyOf({ loss: [1] }))).rejects.toThrow('("npm install vega vega-lite")');
  });

  test('a bundle imports them only when something is drawn', async () => {
    const drawing = ['@viz-js/viz', 'vega', 'vega-lite'];
    const { metafile } = await build({
      ...{
        entryPoints: ['src/exports.ts', 'src/trainer.ts'],
        bundle: true,
        write: false,
        metafile: true,
        logLevel: 'silent',
      },
      ...{ format: 'esm', platform: 'browser', external: drawing, outdir: 'unwritten' },
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    expect(new Set(imports.map(({ path }) => path))).toEqual(new Set(drawing));
    for (const { kind, path } of imports) expect(kind, path).toBe('dynamic-import');
  });
});
