/** Four squares; the class is whether x and y have different signs. Rows x, y, class. */
export function xor(random: () => number, count: number, noise: number): number[][] {
  return Array.from({ length: count }, () => {
    const side = (): number => (random() < 0.5 ? -1 : 1) * (0.1 + 0.85 * random());
    const [x, y] = [side(), side()];
    const label = x * y < 0 ? 1 : 0;
    return [x + noise * (2 * random() - 1), y + noise * (2 * random() - 1), label];
  });
}
