import { normal } from '../normal.js';

/** One and a half waves. Rows x, y. */
export function sine(random: () => number, count: number, noise: number): number[][] {
  return Array.from({ length: count }, () => {
    const x = 2 * random() - 1;
    return [x, 0.7 * Math.sin(1.5 * Math.PI * x) + 0.3 * noise * normal(random)];
  });
}
