import { expect, it } from 'vitest';
import { loadAddon } from '../../src/backends/native/loader.js';
import { Random } from '../../src/random.js';

const addon = loadAddon();

it.skipIf(typeof addon === 'string')(
  'the addon draws the normal numbers that the generator draws',
  async () => {
    if (typeof addon === 'string') return;
    for (const seed of [0, 1, 2 ** 40 + 3]) {
      const [here, there] = [new Random(seed), new Random(seed, addon.drawNormals)];
      const [expected, drawn] = [new Float64Array(51000), new Float64Array(51000)];
      await here.normals(expected, 51, 0.5, 0.25);
      await there.normals(drawn, 51, 0.5, 0.25);
      const single = new Float32Array(51000);
      await new Random(seed, addon.drawNormals).normals(single, 51, 0.5, 0.25);
      const differences = drawn.map((value, index) => Math.abs(value - expected[index]));
      expect(Math.max(...differences)).toBeLessThan(4 * Number.EPSILON);
      expect(Float32Array.from(drawn)).toEqual(Float32Array.from(expected));
      expect(single).toEqual(Float32Array.from(expected));
      expect(there.state).toEqual(here.state);
      expect(there.uniform()).toBe(here.uniform());
    }
  },
);

it.skipIf(typeof addon === 'string')(
  'the addon draws any number of numbers for any number of units',
  async () => {
    if (typeof addon === 'string') return;
    const shapes = [
      [0, 1],
      [1, 1],
      [2, 3],
      [255, 1],
      [256, 256],
      [257, 1],
      [512, 2],
      [774, 3],
    ];
    for (const [count, units] of shapes) {
      const [here, there] = [new Random(5), new Random(5, addon.drawNormals)];
      const [expected, drawn] = [new Float32Array(count), new Float32Array(count)];
      await here.normals(expected, units, 0, 1);
      await there.normals(drawn, units, 0, 1);
      expect(drawn).toEqual(expected);
      expect(there.state).toEqual(here.state);
    }
  },
);
