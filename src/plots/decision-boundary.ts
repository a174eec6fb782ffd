import type { Legend, Mark } from 'vega';
import { sigmoid } from '../activations.js';
import type { Numbers } from '../backends/backend.js';
import type { RowsLike, TargetsLike } from '../data.js';
import { classesOfTargets } from '../decisions.js';
import { fact, rangeError, requireKnownKeys, typeError } from '../errors.js';
import { Matrix } from '../matrix.js';
import { readMatrix } from '../rows.js';
import type { Trainer } from '../trainer.js';
import { classRegions, outputRegions } from './regions.js';
import { classColors, plotStyle, renderVega } from './vega.js';

export interface DecisionBoundaryOptions {
  /** Points of the plane, rows × 2, in the form the trainer takes them; they also set the section that is shown. */
  readonly x: RowsLike;
  /** Their classes: labels from 0, or targets as for `fit`. Without them the points are drawn without class. */
  readonly y?: TargetsLike;
  /** Written above; default none. */
  readonly title?: string;
  /** Titles of the axes; default `x1` and `x2`. */
  readonly axes?: readonly [string, string];
  /** Names of the classes; default `0`, `1` and so on. */
  readonly classNames?: readonly string[];
}

const optionNames = ['x', 'y', 'title', 'axes', 'classNames'];

const action = 'Cannot draw decision boundary';

/** Points of the plane along each side at which the network is asked. */
const RESOLUTION = 200;
/** Further ones outside the section on each side, so that contours end where nobody sees it. */
const OUTSIDE = 2;
/** Width and height of the section in pixels. */
const SIZE = 400;
/** Room around the points, as a share of their extent. */
const PADDING = 0.15;

/** Points along each side of the grid. A function, so that bundlers see that nobody needs it who draws nothing. */
const gridSide = (): number => RESOLUTION + 2 * OUTSIDE;

/** From, to. */
type Range = readonly [number, number];

/**
 * What a network with two inputs decides all over the plane: regions shaded by output (one output) or by class
 * (several), the boundary between them, the points with their classes, axes and legend.
 *
 * With one output the shade is that of the output from 0 to 1, the probability of class 1, and the boundary lies at 0.5.
 * With several, a region becomes darker as its class leads: at 0, 0.3, 0.6 and 0.9 above the next best.
 *
 * @returns an SVG document
 * @throws RangeError for a network without exactly two inputs; Error with the command that installs `vega`, if it is
 *   missing (all as rejections)
 * @example await writeFile('xor.svg', await decisionBoundary(trainer, { x: inputs, y: targets }));
 */
export async function decisionBoundary(trainer: Trainer, options: DecisionBoundaryOptions): Promise<string> {
  requireKnownKeys(action, options, optionNames);
  const { x, y, title, axes = ['x1', 'x2'] } = options;
  const { layers } = trainer;
  const { inputs } = layers[0];
  if (inputs !== 2) throw rangeError(action, 'the network must have 2 inputs', inputs);
  const points = readPoints(x);
  const { units, activation } = layers[layers.length - 1];
  const classes = y === undefined ? null : classesOfTargets(action, y, points.rows, units);
  const names = classNamesOf(options.classNames, Math.max(units, 2));
  const ranges = [rangeOf(points, 0), rangeOf(points, 1)] as const;
  const grid = probabilitiesOf(trainer, gridPoints(ranges));
  const isProbability = activation === 'sigmoid' || trainer.loss === 'binaryCrossEntropyWithLogits';
  const placement = {
    side: gridSide(),
    scale: SIZE / RESOLUTION,
    translate: (-OUTSIDE * SIZE) / RESOLUTION,
  };
  const regions =
    units === 1
      ? outputRegions(grid, placement, isProbability ? `probability of ${names[1]}` : 'output')
      : classRegions(grid, placement, names);
  const rows = Array.from({ length: points.rows }, (_, row) => {
    const [first, second] = points.row(row);
    return { x: first, y: second, ...(classes ? { class: names[classes[row]] } : {}) };
  });
  return renderVega(action, {
    width: SIZE,
    height: SIZE,
    padding: 12,
    background: 'white',
    config: { ...plotStyle, legend: { ...plotStyle.legend, layout: { margin: 20 } } },
    ...(title === undefined ? {} : { title }),
    data: [{ name: 'points', values: rows }, ...regions.data],
    scales: [
      { name: 'x', type: 'linear', domain: [...ranges[0]], range: 'width', zero: false },
      { name: 'y', type: 'linear', domain: [...ranges[1]], range: 'height', zero: false },
      { name: 'class', type: 'ordinal', domain: [...names], range: classColors },
      { name: 'shape', type: 'ordinal', domain: [...names], range: shapes },
      ...regions.scales,
    ],
    axes: [
      { scale: 'x', orient: 'bottom', title: axes[0], tickCount: 6 },
      { scale: 'y', orient: 'left', title: axes[1], tickCount: 6 },
    ],
    legends: [...(classes || units > 1 ? [classLegend(classes !== null)] : []), ...regions.legends],
    marks: [
      {
        type: 'group',
        clip: true,
        encode: {
          enter: {
            width: { signal: 'width' },
            height: { signal: 'height' },
            stroke: { value: '#a1a1aa' },
          },
        },
        marks: [...regions.marks, pointMark(classes !== null)],
      },
    ],
  });
}

/** Symbols of the first classes; then they repeat. */
const shapes = [
  'circle',
  'square',
  'cross',
  'diamond',
  ...['triangle-up', 'triangle-down', 'triangle-left', 'triangle-right'],
];

const pointMark = (hasClasses: boolean): Mark => ({
  type: 'symbol',
  from: { data: 'points' },
  encode: {
    enter: {
      x: { scale: 'x', field: 'x' },
      y: { scale: 'y', field: 'y' },
      size: { value: 64 },
      shape: hasClasses ? { scale: 'shape', field: 'class' } : { value: 'circle' },
      fill: hasClasses ? { scale: 'class', field: 'class' } : { value: '#3f3f46' },
      stroke: { value: 'white' },
      strokeWidth: { value: 1.25 },
    },
  },
});

/** Colours of the classes; with points of known class, in their symbols. */
const classLegend = (hasClasses: boolean): Legend => ({
  title: 'class',
  fill: 'class',
  ...(hasClasses ? { shape: 'shape' } : { symbolType: 'square' }),
});

function readPoints(x: RowsLike): Matrix {
  const given = readMatrix(action, 'x', x);
  const isFlat = given.rows === 1 && given.columns % 2 === 0;
  const { data, rows, columns } = isFlat ? new Matrix(given.data, given.columns / 2, 2) : given;
  if (columns !== 2) throw typeError(action, 'x must have 2 columns', fact(`${columns} columns`));
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw rangeError(action, 'x must be finite', fact(`${data[wrong]} in row ${wrong >> 1}`));
  return new Matrix(data, rows, columns);
}

function classNamesOf(given: readonly string[] | undefined, count: number): readonly string[] {
  if (given === undefined) return Array.from({ length: count }, (_, index) => String(index));
  if (Array.isArray(given) && given.length === count && new Set(given).size === count) return given;
  throw typeError(action, `classNames must be ${count} different names`, given);
}

/** Smallest to largest coordinate with some room around; a section around a single value. */
function rangeOf(points: Matrix, column: number): Range {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let row = 0; row < points.rows; row++) {
    const value = points.data[row * 2 + column];
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  const room = highest > lowest ? (highest - lowest) * PADDING : Math.max(1, Math.abs(lowest)) * PADDING;
  return [lowest - room, highest + room];
}

/** Midpoints of the cells of a grid, row by row from the top, some of them outside the section. */
function gridPoints([horizontal, vertical]: readonly [Range, Range]): Matrix {
  const side = gridSide();
  const data = new Float64Array(side * side * 2);
  const at = ([from, to]: Range, index: number): number =>
    from + ((to - from) * (index - OUTSIDE + 0.5)) / RESOLUTION;
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const index = (row * side + column) * 2;
      data[index] = at(horizontal, column);
      data[index + 1] = at(vertical, side - 1 - row);
    }
  }
  return new Matrix(data, side * side, 2);
}

/** Outputs of the network; those of a loss on net inputs after the activation that it includes. */
function probabilitiesOf(trainer: Trainer, points: Matrix): Matrix {
  const outputs = trainer.predict(points);
  const wrong = outputs.data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw rangeError(action, 'outputs must be finite', outputs.data[wrong]);
  const { loss } = trainer;
  const probabilities = new Matrix(outputs.data.slice(), outputs.rows, outputs.columns);
  for (let row = 0; row < outputs.rows; row++) {
    const numbers = probabilities.row(row);
    if (loss === 'binaryCrossEntropyWithLogits') numbers.set(numbers.map(sigmoid));
    if (loss === 'crossEntropyWithLogits') numbers.set(softmax(numbers));
  }
  return probabilities;
}

function softmax(netInputs: Numbers): Numbers {
  const largest = Math.max(...netInputs);
  const powers = netInputs.map((z) => Math.exp(z - largest));
  let sum = 0;
  for (const power of powers) sum += power;
  return powers.map((power) => power / sum);
}
