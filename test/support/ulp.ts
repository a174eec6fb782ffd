const SMALLEST_NORMAL = 2 ** -126;

/** Distance between float32 numbers of the size of x; that of the smallest normal numbers below them. */
const ulpOf = (x: number): number =>
  2 ** (Math.floor(Math.log2(Math.max(Math.abs(x), SMALLEST_NORMAL))) - 23);

/** Every 4001st finite float32 of both signs, a grid from -100 to 100, and `edges`. */
export function sweptFloats(edges: readonly number[]): Float32Array {
  const bits: number[] = [];
  for (let magnitude = 0; magnitude < 0x7f800000; magnitude += 4001)
    bits.push(magnitude, (magnitude | 0x80000000) >>> 0);
  const swept = new Float32Array(Uint32Array.from(bits).buffer);
  const around = Array.from({ length: 40_001 }, (_, step) => (step - 20_000) / 200);
  const floats = new Float32Array(swept.length + around.length + edges.length);
  floats.set(swept);
  floats.set(around, swept.length);
  floats.set(edges, swept.length + around.length);
  return floats;
}

export interface WorstError {
  readonly ulp: number;
  readonly x: number;
  readonly received: number;
  readonly expected: number;
}

/**
 * Where results are farthest from the exact ones, in float32 units in the last place of the exact result, or of
 * `floor` where that is larger. Results below the normal range may be flushed to zero; NaN and infinities must match.
 */
export function worstError(
  x: Float32Array,
  received: ArrayLike<number>,
  exact: (x: number) => number,
  floor = 0,
): WorstError {
  let worst: WorstError = { ulp: 0, x: 0, received: 0, expected: 0 };
  x.forEach((argument, index) => {
    const expected = exact(argument);
    const result = received[index];
    if (Object.is(Math.fround(expected), result) || Math.fround(expected) === result) return;
    if (Math.abs(expected) < SMALLEST_NORMAL && result === 0) return;
    const ulp = Math.abs(result - expected) / ulpOf(Math.max(Math.abs(expected), floor));
    if (!(ulp <= worst.ulp)) worst = { ulp, x: argument, received: result, expected };
  });
  return worst;
}
