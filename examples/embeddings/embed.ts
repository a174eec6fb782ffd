import { randomFrom } from '../playground/data/random.js';

const PIXELS = 784;

/** Images behind a random projection of signs to `columns` numbers of about unit size, rows × columns. */
export function embed(images: Uint8Array, columns: number): Float32Array {
  // A fixed seed, so that train and test rows meet the same projection.
  const random = randomFrom(1);
  const signs = Float32Array.from({ length: PIXELS * columns }, () => (random() < 0.5 ? -1 : 1));
  const rows = images.length / PIXELS;
  const embedded = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const sums = embedded.subarray(row * columns, (row + 1) * columns);
    for (let pixel = 0; pixel < PIXELS; pixel++) {
      const value = images[row * PIXELS + pixel] / 255;
      if (value === 0) continue;
      for (let column = 0; column < columns; column++)
        sums[column] += value * signs[pixel * columns + column];
    }
    for (let column = 0; column < columns; column++) sums[column] /= 10;
  }
  return embedded;
}
