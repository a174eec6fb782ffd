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
  const { channels } = grid;
  const { middle, isDark } = palette();
  const colors = Array.from({ length: channels }, (_, index) => classColor(index));
  const winners = new Uint8Array(width * height);
  const shares = new Float32Array(channels);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      interpolate(grid, (column + 0.5) / width, (row + 0.5) / height, shares);
      let best = 0;
      for (let channel = 1; channel < channels; channel++) if (shares[channel] > shares[best]) best = channel;
      winners[row * width + column] = best;
      // At 1 / channels nothing is known and the middle shows; even certainty leaves the points visible.
      const certainty = (shares[best] - 1 / channels) / (1 - 1 / channels);
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
  const values = new Float32Array(grid.channels);
  const half = Math.max((highest - lowest) / 2, 1e-12);
  const centre = (highest + lowest) / 2;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      interpolate(grid, (column + 0.5) / width, (row + 0.5) / height, values);
      diverging((values[channel] - centre) / half, data, 4 * (row * width + column));
    }
  }
}

/** Bilinear between the centres of cells; x and y from 0 to 1. */
function interpolate({ size, channels, values }: Grid, x: number, y: number, into: Float32Array): void {
  const gx = Math.min(size - 1, Math.max(0, x * size - 0.5));
  const gy = Math.min(size - 1, Math.max(0, y * size - 0.5));
  const [left, top] = [Math.min(size - 2, Math.floor(gx)), Math.min(size - 2, Math.floor(gy))];
  const [fx, fy] = [gx - left, gy - top];
  const begin = (top * size + left) * channels;
  const below = begin + size * channels;
  for (let channel = 0; channel < channels; channel++) {
    const upper = values[begin + channel] * (1 - fx) + values[begin + channels + channel] * fx;
    const lower = values[below + channel] * (1 - fx) + values[below + channels + channel] * fx;
    into[channel] = upper * (1 - fy) + lower * fy;
  }
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

/** A canvas of its own with `pixels` painted by `paint`. */
export function painted(pixels: number, paint: (image: ImageData) => void): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = pixels;
  canvas.height = pixels;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = context.createImageData(pixels, pixels);
  paint(image);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Grey image, white ink on black, as MNIST has them. */
export function paintDigit(image: ImageData, pixels: ArrayLike<number>): void {
  for (let index = 0; index < pixels.length; index++) {
    const value = pixels[index];
    image.data.set([value, value, value, 255], 4 * index);
  }
}
