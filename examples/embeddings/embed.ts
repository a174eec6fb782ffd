/** A fixed generator (mulberry32), so that train and test rows meet the same projection. */
function* uniforms(): Generator<number, never> {
  for (let state = 1; ; ) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

const PIXELS = 784;

/** Images behind a random projection of signs to `columns` numbers of about unit size, rows × columns. */
export function embed(images: Uint8Array, columns: number): Float32Array {
  const random = uniforms();
  const signs = Float32Array.from({ length: PIXELS * columns }, () => (random.next().value < 0.5 ? -1 : 1));
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
