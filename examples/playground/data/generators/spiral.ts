/** Two arms of a spiral, one and a half turns each. Rows x, y, class. */
export function spiral(random: () => number, count: number, noise: number): number[][] {
  return Array.from({ length: count }, () => {
    const label = random() < 0.5 ? 1 : 0;
    const way = random();
    const angle = 3 * Math.PI * way + label * Math.PI;
    const radius = 0.05 + 0.9 * way;
    const x = radius * Math.sin(angle) + 0.5 * noise * (2 * random() - 1);
    const y = radius * Math.cos(angle) + 0.5 * noise * (2 * random() - 1);
    return [x, y, label];
  });
}
