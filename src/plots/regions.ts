import type { Data, Legend, Mark, PathMark, RectMark, Scale, Transforms } from 'vega';
import type { Matrix } from '../matrix.js';
import { classColors } from './vega.js';

/** The parts of a plot that show what a network decides where. Marks refer to the scale `class`. */
export interface Regions {
  readonly data: Data[];
  readonly scales: Scale[];
  readonly marks: Mark[];
  readonly legends: Legend[];
}

/** How a grid of side × side outputs, row by row from the top, lies on the plot: pixels = index · scale + translate. */
export interface GridPlacement {
  readonly side: number;
  readonly scale: number;
  readonly translate: number;
}

const boundaryColor = '#27272a';

/** Borders of the shades of a single output from 0 to 1. */
const OUTPUT_STEP = 0.1;
const outputThresholds = /* @__PURE__ */ Array.from({ length: 9 }, (_, index) => (index + 1) * OUTPUT_STEP);

/** Leads of a class over the next best from which its region is darker. */
const leadThresholds = [0, 0.3, 0.6, 0.9];

/** Regions of a single output: shades from 0 to 1, and the boundary at 0.5. */
export function outputRegions(grid: Matrix, placement: GridPlacement, legendTitle: string): Regions {
  const raster = { width: placement.side, height: placement.side, values: grid.data };
  const lowest: RectMark = {
    type: 'rect',
    encode: {
      enter: {
        width: { signal: 'width' },
        height: { signal: 'height' },
        fill: { scale: 'output', value: OUTPUT_STEP / 2 },
      },
    },
  };
  return {
    data: [
      { name: 'grid', values: [raster] },
      { name: 'shades', source: 'grid', transform: [contoursAt(outputThresholds, placement)] },
      { name: 'boundary', source: 'grid', transform: [contoursAt([0.5], placement)] },
    ],
    scales: [
      {
        name: 'output',
        type: 'linear',
        domain: [0, 0.5, 1],
        range: [tint(classColors[0], 0.55), '#ffffff', tint(classColors[1], 0.55)],
        clamp: true,
      },
    ],
    marks: [
      lowest,
      contourMark('shades', {
        fill: { scale: 'output', signal: `datum.contour.value + ${OUTPUT_STEP / 2}` },
      }),
      contourMark('boundary', { stroke: { value: boundaryColor }, strokeWidth: { value: 1.75 } }),
    ],
    legends: [
      {
        fill: 'output',
        type: 'gradient',
        title: legendTitle,
        gradientLength: 120,
        values: [0, 0.5, 1],
      },
    ],
  };
}

/** Regions of several outputs: where each is the largest, darker with its lead. */
export function classRegions(grid: Matrix, placement: GridPlacement, names: readonly string[]): Regions {
  const rasters = names.map((name, index) => ({
    name,
    width: placement.side,
    height: placement.side,
    values: leadsOf(grid, index),
  }));
  return {
    data: [
      { name: 'grids', values: rasters },
      { name: 'shades', source: 'grids', transform: [contoursAt(leadThresholds, placement)] },
      { name: 'boundary', source: 'grids', transform: [contoursAt([0], placement)] },
    ],
    scales: [],
    marks: [
      contourMark('shades', { fill: { scale: 'class', field: 'name' }, fillOpacity: { value: 0.17 } }),
      contourMark('boundary', { stroke: { value: boundaryColor }, strokeWidth: { value: 1 } }),
    ],
    legends: [],
  };
}

/** By how much one output is above the largest of the others, for each row. */
function leadsOf(grid: Matrix, output: number): Float64Array {
  return Float64Array.from({ length: grid.rows }, (_, row) => {
    const numbers = grid.row(row);
    let largest = Number.NEGATIVE_INFINITY;
    for (let other = 0; other < numbers.length; other++) {
      if (other !== output) largest = Math.max(largest, numbers[other]);
    }
    return numbers[output] - largest;
  });
}

const contoursAt = (thresholds: number[], { scale, translate }: GridPlacement): Transforms => ({
  type: 'isocontour',
  thresholds,
  scale,
  translate: [translate, translate],
});

const contourMark = (data: string, enter: NonNullable<PathMark['encode']>['enter']): PathMark => ({
  type: 'path',
  from: { data },
  encode: { enter },
  transform: [{ type: 'geopath', field: 'datum.contour' }],
});

/** A colour mixed with white: `share` of it, given as #rrggbb. */
function tint(color: string, share: number): string {
  const channels = [1, 3, 5].map((index) => Number.parseInt(color.slice(index, index + 2), 16));
  return `rgb(${channels.map((channel) => Math.round(255 + (channel - 255) * share)).join(', ')})`;
}
