import type { DataSet, Part } from './data-set.js';

/** Side of a digit's image. */
export const DIGIT_SIZE = 28;
const PIXELS = DIGIT_SIZE * DIGIT_SIZE;
const HEADER_WORDS = 2;

export interface DigitRows {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly count: number;
}

/** One file of digits: the two counts as little-endian uint32, training images and labels, test images and labels. */
export function packDigits(train: DigitRows, test: DigitRows): Uint8Array {
  const parts = [train.images, train.labels, test.images, test.labels];
  const length = parts.reduce((sum, part) => sum + part.length, 4 * HEADER_WORDS);
  const file = new Uint8Array(length);
  const header = new DataView(file.buffer);
  header.setUint32(0, train.count, true);
  header.setUint32(4, test.count, true);
  let offset = 4 * HEADER_WORDS;
  for (const part of parts) {
    file.set(part, offset);
    offset += part.length;
  }
  return file;
}

/** @throws Error if the file is not what `packDigits` makes */
export function unpackDigits(file: ArrayBuffer): DataSet {
  const fail = (): never => {
    throw new Error(`Cannot read digits: the file must be whole: received ${file.byteLength} bytes`);
  };
  if (file.byteLength < 4 * HEADER_WORDS) return fail();
  const header = new DataView(file);
  const counts = [header.getUint32(0, true), header.getUint32(4, true)];
  if (file.byteLength !== 4 * HEADER_WORDS + (counts[0] + counts[1]) * (PIXELS + 1)) return fail();
  let offset = 4 * HEADER_WORDS;
  const take = (length: number): Uint8Array => {
    offset += length;
    return new Uint8Array(file, offset - length, length);
  };
  const part = (count: number): Part => ({ count, x: take(count * PIXELS), y: take(count) });
  return {
    columns: Array.from({ length: PIXELS }, (_, pixel) => `pixel ${pixel}`),
    classes: Array.from({ length: 10 }, (_, digit) => `${digit}`),
    train: part(counts[0]),
    test: part(counts[1]),
    imageSize: DIGIT_SIZE,
  };
}

/**
 * A drawing as the digits of MNIST are: the strokes scaled into 20 × 20 pixels, their centre of mass in the middle of
 * 28 × 28. Null for an empty drawing.
 *
 * @param ink size × size numbers from 0 to 255
 */
export function toDigit(ink: ArrayLike<number>, size: number): Uint8Array | null {
  const box = inkBox(ink, size);
  if (!box) return null;
  const side = Math.max(box.right - box.left, box.bottom - box.top) + 1;
  const step = side / 20;
  const digit = new Uint8Array(PIXELS);
  const offsetX = DIGIT_SIZE / 2 - (box.centreX - box.left + 0.5) / step;
  const offsetY = DIGIT_SIZE / 2 - (box.centreY - box.top + 0.5) / step;
  for (let row = 0; row < DIGIT_SIZE; row++) {
    for (let column = 0; column < DIGIT_SIZE; column++) {
      const x = box.left + (column - offsetX) * step;
      const y = box.top + (row - offsetY) * step;
      digit[row * DIGIT_SIZE + column] = Math.round(meanInk(ink, size, x, y, step));
    }
  }
  return digit;
}

/** Where the ink is, and its centre of mass. */
function inkBox(ink: ArrayLike<number>, size: number) {
  let [left, top, right, bottom] = [size, size, -1, -1];
  let [mass, momentX, momentY] = [0, 0, 0];
  for (let index = 0; index < size * size; index++) {
    const value = ink[index];
    if (value === 0) continue;
    const [x, y] = [index % size, Math.floor(index / size)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
    mass += value;
    momentX += value * x;
    momentY += value * y;
  }
  if (mass === 0) return null;
  return { left, top, right, bottom, centreX: momentX / mass, centreY: momentY / mass };
}

/** Mean over the square of side `step` at (x, y); outside the drawing there is no ink. */
function meanInk(ink: ArrayLike<number>, size: number, x: number, y: number, step: number): number {
  const samples = Math.max(1, Math.ceil(step));
  let sum = 0;
  for (let i = 0; i < samples; i++) {
    for (let j = 0; j < samples; j++) {
      const column = Math.floor(x + ((i + 0.5) * step) / samples);
      const row = Math.floor(y + ((j + 0.5) * step) / samples);
      if (column >= 0 && row >= 0 && column < size && row < size) sum += ink[row * size + column];
    }
  }
  return sum / samples ** 2;
}
