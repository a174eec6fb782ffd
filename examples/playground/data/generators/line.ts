import { normal } from '../normal.js';

/** A straight line. Rows x, y. */
export function line(random: () => number, count: number, noise: number): number[][] {
  return Array.from({ length: count }, () => {
    const x = 2 * random() - 1;
    return [x, 0.6 * x - 0.1 + 0.3 * noise * normal(random)];
  });
}
