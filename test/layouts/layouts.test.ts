import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  createTrainer,
  dense,
  foldedWeights,
  Matrix,
  sgd,
  transpose,
  weightsFromFolded,
} from '../../src/index.js';
import { usableIds } from '../support/backends.js';

interface FoldedCase {
  readonly id: string;
  readonly network: {
    readonly weights: number[][][];
    readonly biases: number[][];
    readonly folded_weights?: number[][][];
  };
}

const { cases } = JSON.parse(readFileSync(new URL('../golden/golden.json', import.meta.url), 'utf8')) as {
  cases: Partial<FoldedCase>[];
};
const folded = cases.filter((one): one is Required<FoldedCase> => one.network?.folded_weights !== undefined);

describe('folded weights', () => {
  test('are in the worked cases', () => {
    expect(folded.length).toBeGreaterThan(0);
  });

  test.each(folded.map((one) => [one.id, one.network] as const))('of %s', (_, network) => {
    network.folded_weights?.forEach((matrix, layer) => {
      const { weights, biases } = weightsFromFolded(matrix);
      expect(weights.toArrays()).toEqual(network.weights[layer]);
      expect(Array.from(biases ?? [])).toEqual(network.biases[layer]);
      expect(foldedWeights({ weights, biases }).toArrays()).toEqual(matrix);
      const nested = { weights: network.weights[layer], biases: network.biases[layer] };
      expect(foldedWeights(nested).toArrays()).toEqual(matrix);
    });
  });

  test('have zeros where a layer has no biases', () => {
    expect(foldedWeights({ weights: [[1, 2]], biases: null }).toArrays()).toEqual([[0, 1, 2]]);
  });

  test('keep the precision', () => {
    const single = new Matrix(Float32Array.of(0.1, 0.2), 1, 2);
    expect(weightsFromFolded(single).weights.data).toBeInstanceOf(Float32Array);
    expect(weightsFromFolded([[0.1, 0.2]]).weights.data).toBeInstanceOf(Float64Array);
  });

  test('need weights besides the bias, and a bias per unit', () => {
    expect(() => weightsFromFolded([[1], [2]])).toThrow(RangeError);
    expect(() => foldedWeights({ weights: [[1], [2]], biases: [1] })).toThrow('biases must have 2 numbers');
  });
});

describe('transpose', () => {
  test('turns rows into columns and back', () => {
    const matrix = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    expect(transpose(matrix).toArrays()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(transpose(transpose(matrix)).toArrays()).toEqual(matrix);
    expect(transpose([1, 2]).toArrays()).toEqual([[1], [2]]);
  });
});

describe.each(usableIds)('layouts on %s', (backend) => {
  test('a network set from folded weights, with samples in columns, computes what the formula says', async () => {
    const trainer = await createTrainer({
      inputs: 2,
      layers: [dense({ units: 3 }), dense({ units: 1 })],
      loss: 'halfSquaredError',
      optimizer: sgd({ learningRate: 0.1 }),
      backend,
      threads: 1,
    });
    const matrices = [
      [
        [0.5, 1, -1],
        [0, 2, 0.25],
        [-1, 0, 1],
      ],
      [[0.5, 1, -2, 0.5]],
    ];
    trainer.setWeights(matrices.map((matrix) => weightsFromFolded(matrix)));
    expect(trainer.getWeights().map((layer) => foldedWeights(layer).toArrays())).toEqual(matrices);
    const columns = [
      [1, 0, -2],
      [2, 0, 4],
    ];
    const outputs = trainer.predict(transpose(columns)).toArrays();
    const apply = (matrix: number[][], x: number[]): number[] =>
      matrix.map(([bias, ...weights]) =>
        weights.reduce((sum, weight, index) => sum + weight * x[index], bias),
      );
    const expected = [0, 1, 2].map((sample) =>
      matrices.reduce((x, matrix) => apply(matrix, x), [columns[0][sample], columns[1][sample]]),
    );
    expect(outputs).toEqual(expected);
    trainer.dispose();
  });
});
