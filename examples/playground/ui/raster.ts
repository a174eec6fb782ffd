import { classColor, diverging, palette, type Rgb } from './colors.js';

/** Values on a square grid, row-major from the top, `channels` a cell. */
export interface Grid {
  readonly size: number;
  readonly channels: number;
  readonly values: Float32Array;
}

/** Paints class shares: each point in the colour of its class, paler the less certain; edges between classes as lines. */
export function paintClasses(image: ImageData, grid: Grid): void {
  const { width, height, data } = image;
  const { size, channels, values } = grid;
  const { middle, isDark } = palette();
  const colors = Array.from({ length: channels }, (_, index) => classColor(index));
  const winners = new Uint8Array(width * height);
  const [across, down] = [placesOf(size, width), placesOf(size, height)];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const begin = (down.cells[row] * size + across.cells[column]) * channels;
      let best = 0;
      let largest = -Infinity;
      for (let channel = 0; channel < channels; channel++) {
        const share = between(values, begin + channel, grid, across.shares[column], down.shares[row]);
        if (share <= largest) continue;
        largest = share;
        best = channel;
      }
      winners[row * width + column] = best;
      // At 1 / channels nothing is known and the middle shows; even certainty leaves the points visible.
      const certainty = (largest - 1 / channels) / (1 - 1 / channels);
      blend(data, 4 * (row * width + column), middle, colors[best], 0.1 + (isDark ? 0.5 : 0.55) * certainty);
    }
  }
  drawEdges(data, winners, width, height, isDark ? 225 : 30);
}

function blend(data: Uint8ClampedArray, at: number, from: Rgb, to: Rgb, share: number): void {
  for (let channel = 0; channel < 3; channel++) {
    data[at + channel] = from[channel] + share * (to[channel] - from[channel]);
  }
  data[at + 3] = 255;
}

/** Darkens the pixels whose right or lower neighbour has another winner. */
function drawEdges(
  data: Uint8ClampedArray,
  winners: Uint8Array,
  width: number,
  height: number,
  ink: number,
): void {
  for (let row = 0; row < height - 1; row++) {
    for (let column = 0; column < width - 1; column++) {
      const index = row * width + column;
      if (winners[index] === winners[index + 1] && winners[index] === winners[index + width]) continue;
      for (let channel = 0; channel < 3; channel++) {
        data[4 * index + channel] = 0.35 * data[4 * index + channel] + 0.65 * ink;
      }
    }
  }
}

/** Paints one channel of a grid from class 0's colour at `lowest` to class 1's at `highest`. */
export function paintValues(
  image: ImageData,
  grid: Grid,
  channel: number,
  lowest: number,
  highest: number,
): void {
  const { width, height, data } = image;
  const { size, channels, values } = grid;
  const [across, down] = [placesOf(size, width), placesOf(size, height)];
  const half = Math.max((highest - lowest) / 2, 1e-12);
  const centre = (highest + lowest) / 2;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = (down.cells[row] * size + across.cells[column]) * channels + channel;
      const value = between(values, at, grid, across.shares[column], down.shares[row]);
      diverging((value - centre) / half, data, 4 * (row * width + column));
    }
  }
}

/** Of each pixel along a side: the cell whose centre lies before it, and its share of the way to the next one. */
function placesOf(size: number, pixels: number): { cells: Int32Array; shares: Float32Array } {
  const cells = new Int32Array(pixels);
  const shares = new Float32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const place = Math.min(size - 1, Math.max(0, ((pixel + 0.5) / pixels) * size - 0.5));
    cells[pixel] = Math.min(size - 2, Math.floor(place));
    shares[pixel] = place - cells[pixel];
  }
  return { cells, shares };
}

/** Bilinear between the value at an index of a grid and those of the cells to the right and below. */
function between(
  values: Float32Array,
  at: number,
  { size, channels }: Grid,
  right: number,
  down: number,
): number {
  const below = at + size * channels;
  const upper = values[at] * (1 - right) + values[at + channels] * right;
  const lower = values[below] * (1 - right) + values[below + channels] * right;
  return upper * (1 - down) + lower * down;
}

/** Least and largest value of a channel. */
export function rangeOf({ channels, values }: Grid, channel: number): [number, number] {
  let [lowest, highest] = [Infinity, -Infinity];
  for (let index = channel; index < values.length; index += channels) {
    lowest = Math.min(lowest, values[index]);
    highest = Math.max(highest, values[index]);
  }
  return [lowest, highest];
}

/** Canvases to paint on and to copy from at once, by their pixels along a side. */
const spares = new Map<number, HTMLCanvasElement>();

const newCanvas = (pixels: number): HTMLCanvasElement => {
  const canvas = document.createElement('canvas');
  canvas.width = pixels;
  canvas.height = pixels;
  return canvas;
};

function paintOn(
  canvas: HTMLCanvasElement,
  pixels: number,
  paint: (image: ImageData) => void,
): HTMLCanvasElement {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = context.createImageData(pixels, pixels);
  paint(image);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A canvas with `pixels` painted by `paint`, good until the next of as many pixels. */
export function painted(pixels: number, paint: (image: ImageData) => void): HTMLCanvasElement {
  const canvas = spares.get(pixels) ?? newCanvas(pixels);
  spares.set(pixels, canvas);
  return paintOn(canvas, pixels, paint);
}

/** The same on a canvas of its own, to be put on the page. */
export const picture = (pixels: number, paint: (image: ImageData) => void): HTMLCanvasElement =>
  paintOn(newCanvas(pixels), pixels, paint);

/** Grey image, white ink on black, as MNIST has them. */
export function paintDigit(image: ImageData, pixels: ArrayLike<number>): void {
  for (let index = 0; index < pixels.length; index++) {
    const at = 4 * index;
    image.data.fill(pixels[index], at, at + 3);
    image.data[at + 3] = 255;
  }
}
