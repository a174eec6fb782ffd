/** Uniform numbers in [0, 1) from a seed: mulberry32 by Tommy Ettinger. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number (Box and Muller, 1958). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Puts items into an order drawn by `random` (Fisher and Yates). */
export function shuffle(items: { [index: number]: unknown; length: number }, random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor((last + 1) * random());
    [items[last], items[other]] = [items[other], items[last]];
  }
}
