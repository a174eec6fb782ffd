/** A disc and a ring around it. Rows x, y, class. */
export function circles(random: () => number, count: number, noise: number): number[][] {
  return Array.from({ length: count }, () => {
    const label = random() < 0.5 ? 1 : 0;
    const radius = label ? 0.7 + 0.25 * random() : 0.45 * Math.sqrt(random());
    const angle = 2 * Math.PI * random();
    const x = radius * Math.cos(angle) + noise * (2 * random() - 1);
    const y = radius * Math.sin(angle) + noise * (2 * random() - 1);
    return [x, y, label];
  });
}
