/** Puts items into an order drawn by `random` (Fisher and Yates). */
export function shuffle(items: { [index: number]: unknown; length: number }, random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor((last + 1) * random());
    [items[last], items[other]] = [items[other], items[last]];
  }
}
