import { describe, expect, it } from 'vitest';
import { encodeOnnx } from '../../bench/onnx.js';
import { benchNames, readOptions, usage } from '../../bench/options.js';
import {
  checkSteps,
  createData,
  encodeData,
  rowFlops,
  stepCases,
  stepsPerEpoch,
} from '../../bench/step-cases.js';
import { disagreement } from '../../bench/steps.js';
import {
  formatNumber,
  formatPercent,
  formatRatio,
  formatTable,
  geometricMean,
  median,
  relativeError,
} from '../../bench/tables.js';

describe('tables', () => {
  it('has columns as wide as their widest cell, the first to the left', () => {
    expect(
      formatTable(
        ['', 'µs'],
        [
          ['native', '1'],
          ['b', '1,234'],
        ],
      ),
    ).toBe(['             µs', '  native      1', '  b       1,234'].join('\n'));
  });

  it('writes four significant digits without an exponent', () => {
    expect([0.00001234567, 1.23456, 123456].map(formatNumber)).toEqual(['0.00001235', '1.235', '123,500']);
  });

  it('writes a dash where there is nothing to compare with', () => {
    expect([formatPercent(undefined), formatRatio(undefined)]).toEqual(['-', '-']);
    expect([formatPercent(0.853), formatRatio(1.105)]).toEqual(['85 %', '1.10']);
  });
});

describe('ratios', () => {
  it('average to 1 where one is the reciprocal of the other', () => {
    expect(geometricMean([4, 0.25])).toBeCloseTo(1, 12);
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
    expect(() => geometricMean([])).toThrow('at least one ratio');
  });

  it('take the middle of an odd number and the mean of the two in the middle of an even one', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});

describe('answers', () => {
  it('are compared with the largest expected number', () => {
    expect(relativeError([1, 2.5], [1, 2])).toBe(0.25);
    expect(relativeError([0, 0], [0, 0])).toBe(0);
  });

  it('are wrong if NaN or of another length', () => {
    expect(relativeError([1, Number.NaN], [1, 2]) <= 1).toBe(false);
    expect(relativeError([1], [1, 2]) <= 1).toBe(false);
  });

  it('disagree by the moment at which the loss is another', () => {
    const expected = { before: 1, after: 0.5 };
    expect(disagreement({ before: 1.0001, after: 0.5 }, expected)).toBeUndefined();
    expect(disagreement({ before: 1, after: 0.51 }, expected)).toContain('loss after training is 0.51');
    expect(disagreement({ before: Number.NaN, after: 0.5 }, expected)).toContain('loss before training');
  });
});

describe('options', () => {
  it('default to everything, on the best backends, without peers', () => {
    const { only, peers, rounds, backends, match, json } = readOptions([]);
    expect({ only, peers, rounds, backends, match, json }).toEqual({
      only: [...benchNames],
      peers: false,
      rounds: 9,
      backends: undefined,
      match: /(?:)/,
      json: false,
    });
  });

  it('say what they are', () => {
    expect(readOptions([]).help).toBe(false);
    expect(readOptions(['--help']).help).toBe(true);
    const names = Object.keys(readOptions([])).map((name) => (name === 'backends' ? 'backend' : name));
    for (const name of names) expect(usage).toContain(`--${name} `);
    for (const name of benchNames) expect(usage).toContain(name);
  });

  it('take lists of benches and backends', () => {
    const options = readOptions(['--only', 'steps,passes', '--backend', 'native-avx2,wasm-simd']);
    expect(options.only).toEqual(['steps', 'passes']);
    expect(options.backends).toEqual(['native-avx2', 'wasm-simd']);
  });

  it.each([
    [['--only', 'stepz'], '--only must be of'],
    [['--backend', 'native'], '--backend must be of'],
    [['--rounds', '0'], '--rounds must be an integer >= 1: received 0'],
    [['--rounds', 'x'], '--rounds must be an integer >= 1: received x'],
    [['--match', '('], 'Invalid regular expression'],
    [['--round', '3'], '--round'],
  ])('refuse %j', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});

describe('cases', () => {
  it('are checked on whole batches, of the rows they have', () => {
    for (const one of stepCases) {
      expect(one.checkRows % one.batch, one.name).toBe(0);
      expect(one.checkRows, one.name).toBeLessThanOrEqual(one.rows);
      expect(checkSteps(one), one.name).toBeGreaterThan(0);
    }
  });

  it('count the last, smaller batch of an epoch as a step', () => {
    const epoch = stepCases.find(({ rows }) => rows === 60000)!;
    expect(stepsPerEpoch(epoch)).toBe(938);
  });

  it('count 2 floating-point operations a weight and product: forward, and backward but for the first input', () => {
    expect(rowFlops({ sizes: [784, 128, 10] })).toBe(2 * (2 * 784 * 128 + 3 * 128 * 10));
  });

  it('encode weights, inputs and targets one after another', () => {
    const data = createData({ sizes: [2, 3, 1], loss: 'meanSquaredError', rows: 4 });
    const bytes = encodeData(data);
    const values = new Float32Array(Uint8Array.from(bytes).buffer);
    expect(values.length).toBe(2 * 3 + 3 + 3 + 1 + 4 * 2 + 4);
    expect(Array.from(values.subarray(13, 21))).toEqual(Array.from(data.x));
  });
});

/** A protocol buffer as a list of fields: numbers as they are, everything else as bytes. */
function readFields(bytes: Uint8Array): { field: number; value: number | Uint8Array }[] {
  const fields = [];
  let position = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[position++];
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (position < bytes.length) {
    const key = varint();
    if (key % 8 === 0) {
      fields.push({ field: key >> 3, value: varint() });
    } else {
      expect(key % 8).toBe(2);
      const length = varint();
      fields.push({ field: key >> 3, value: bytes.subarray(position, position + length) });
      position += length;
    }
  }
  expect(position).toBe(bytes.length);
  return fields;
}

const all = (bytes: Uint8Array, field: number) =>
  readFields(bytes)
    .filter((one) => one.field === field)
    .map(({ value }) => value);
const messages = (bytes: Uint8Array, field: number) => all(bytes, field) as Uint8Array[];
const texts = (bytes: Uint8Array, field: number) =>
  messages(bytes, field).map((text) => Buffer.from(text).toString());

describe('the ONNX writer', () => {
  const sizes = [300, 5, 2];
  const { layers } = createData({ sizes, loss: 'crossEntropy', rows: 1 });
  const model = encodeOnnx(sizes, layers);
  const [graph] = messages(model, 7);

  it('chains Gemm, Relu, Gemm and Softmax', () => {
    const nodes = messages(graph, 1).map((node) => [texts(node, 4)[0], texts(node, 1), texts(node, 2)[0]]);
    expect(nodes).toEqual([
      ['Gemm', ['x0', 'W1', 'b1'], 'z1'],
      ['Relu', ['z1'], 'x1'],
      ['Gemm', ['x1', 'W2', 'b2'], 'z2'],
      ['Softmax', ['z2'], 'x2'],
    ]);
    const [attribute] = messages(messages(graph, 1)[0], 5);
    expect([texts(attribute, 1), all(attribute, 3), all(attribute, 20)]).toEqual([['transB'], [1], [2]]);
  });

  it('holds the weights as units × inputs, bit for bit', () => {
    const tensors = messages(graph, 5);
    expect(tensors.map((tensor) => texts(tensor, 8)[0])).toEqual(['W1', 'b1', 'W2', 'b2']);
    expect(tensors.map((tensor) => all(tensor, 1))).toEqual([[5, 300], [5], [2, 5], [2]]);
    expect(tensors.map((tensor) => all(tensor, 2))).toEqual([[1], [1], [1], [1]]);
    const raw = Uint8Array.from(messages(tensors[0], 9)[0]);
    expect(new Float32Array(raw.buffer)).toEqual(layers[0].weights);
  });

  it('names inputs, outputs and versions', () => {
    expect(texts(messages(graph, 11)[0], 1)).toEqual(['x0']);
    expect(texts(messages(graph, 12)[0], 1)).toEqual(['x2']);
    expect(all(model, 1)).toEqual([8]);
    expect(all(messages(model, 8)[0], 2)).toEqual([13]);
  });
});
