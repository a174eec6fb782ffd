import { circles } from './generators/circles.js';
import { gaussians } from './generators/gaussians.js';
import { line } from './generators/line.js';
import { moons } from './generators/moons.js';
import { sine } from './generators/sine.js';
import { spiral } from './generators/spiral.js';
import { xor } from './generators/xor.js';
import { randomFrom } from './random.js';

/** Rows of inputs and, per row, a class (counted from 0) or a number to predict. */
export interface Part {
  readonly count: number;
  /** count × inputs. */
  readonly x: Float32Array | Uint8Array;
  readonly y: Float32Array | Uint8Array;
}

export interface DataSet {
  /** Names of the inputs. */
  readonly columns: readonly string[];
  /** Names of the classes; null where a number is to be predicted. */
  readonly classes: readonly string[] | null;
  readonly train: Part;
  readonly test: Part | null;
  /** Side of the images that the rows are; null for anything else. */
  readonly imageSize: number | null;
}

/** A point somebody drew. */
export interface DrawnPoint {
  readonly x: number;
  readonly y: number;
  readonly label: number;
}

type Generator = (random: () => number, count: number, noise: number) => number[][];

/** Built-in sets of points in the plane, from −1 to 1; `classes` is null for curves to be fitted. */
export const generators = {
  xor: { title: 'XOR', classes: 2, rows: xor },
  circles: { title: 'Circles', classes: 2, rows: circles },
  spiral: { title: 'Spiral', classes: 2, rows: spiral },
  gaussians: { title: 'Gaussians', classes: 3, rows: gaussians },
  moons: { title: 'Moons', classes: 2, rows: moons },
  sine: { title: 'Sine', classes: null, rows: sine },
  line: { title: 'Line', classes: null, rows: line },
} as const satisfies Record<string, { title: string; classes: number | null; rows: Generator }>;

export type GeneratorName = keyof typeof generators;
export const generatorNames = Object.keys(generators) as GeneratorName[];

export const isGeneratorName = (name: string): name is GeneratorName => Object.hasOwn(generators, name);

/** Most classes that can be drawn. */
export const MAXIMUM_DRAWN_CLASSES = 4;
export const classLetters = ['A', 'B', 'C', 'D'];

/** `rows` with the target in their last column, as inputs and targets. */
export function partOf(rows: readonly (readonly number[])[]): Part {
  const inputs = rows.length === 0 ? 0 : rows[0].length - 1;
  const x = new Float32Array(rows.length * inputs);
  const y = new Float32Array(rows.length);
  rows.forEach((row, index) => {
    for (let column = 0; column < inputs; column++) x[index * inputs + column] = row[column];
    y[index] = row[inputs];
  });
  return { count: rows.length, x, y };
}

export interface GeneratedOptions {
  readonly count: number;
  readonly noise: number;
  readonly seed: number;
  /** Share of the rows kept for the test, in [0, 1). */
  readonly testShare: number;
  /** Added to the training rows. */
  readonly drawn: readonly DrawnPoint[];
}

/** A built-in set, or `'drawn'`, the drawn points alone. */
export function planeDataSet(name: GeneratorName | 'drawn', options: GeneratedOptions): DataSet {
  const { count, noise, seed, testShare, drawn } = options;
  const known = name === 'drawn' ? null : generators[name];
  const rows = known ? known.rows(randomFrom(seed), count, noise) : [];
  const testCount = Math.floor(rows.length * testShare);
  const isCurve = known !== null && known.classes === null;
  const added = drawn.map(({ x, y, label }) => (isCurve ? [x, y] : [x, y, label]));
  const labels = drawn.map(({ label }) => label + 1);
  const classCount = Math.max(known?.classes ?? 2, ...labels);
  return {
    columns: isCurve ? ['x'] : ['x', 'y'],
    classes: isCurve ? null : classLetters.slice(0, classCount),
    train: partOf([...rows.slice(testCount), ...added]),
    test: testCount > 0 ? partOf(rows.slice(0, testCount)) : null,
    imageSize: null,
  };
}

/** Row `index` of a part. */
export function rowOf(part: Part, index: number): Float32Array | Uint8Array {
  const inputs = part.x.length / part.count;
  return part.x.subarray(index * inputs, (index + 1) * inputs);
}
