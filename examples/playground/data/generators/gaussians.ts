import { normal } from '../normal.js';

/** Three clouds. Rows x, y, class. */
export function gaussians(random: () => number, count: number, noise: number): number[][] {
  const centres = [
    [-0.5, -0.35],
    [0.5, -0.35],
    [0, 0.55],
  ];
  return Array.from({ length: count }, () => {
    const label = Math.floor(3 * random());
    const deviation = 0.12 + 0.4 * noise;
    const [x, y] = centres[label];
    return [x + deviation * normal(random), y + deviation * normal(random), label];
  });
}
