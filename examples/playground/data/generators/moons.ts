import { normal } from '../normal.js';

/** Two half circles that reach into each other. Rows x, y, class. */
export function moons(random: () => number, count: number, noise: number): number[][] {
  return Array.from({ length: count }, () => {
    const label = random() < 0.5 ? 1 : 0;
    const angle = Math.PI * random();
    const x = label ? 0.3 - 0.6 * Math.cos(angle) : -0.3 + 0.6 * Math.cos(angle);
    const y = label ? 0.15 - 0.6 * Math.sin(angle) : -0.15 + 0.6 * Math.sin(angle);
    return [x + 0.3 * noise * normal(random), y + 0.3 * noise * normal(random), label];
  });
}
