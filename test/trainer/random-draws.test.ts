import { expect, it } from 'vitest';
import { loadAddon } from '../../src/backends/native/loader.js';
import { Random } from '../../src/random.js';

const addon = loadAddon();

it.skipIf(typeof addon === 'string')(
  'the addon draws the normal numbers that the generator draws',
  async () => {
    if (typeof addon === 'string') return;
    for (const seed of [0, 1, 2 ** 40 + 3]) {
      const [here, there] = [new Random(seed), new Random(seed, addon)];
      const [expected, drawn] = [new Float64Array(51000), new Float64Array(51000)];
      await here.normals(expected, 51, 0.5, 0.25);
      await there.normals(drawn, 51, 0.5, 0.25);
      const single = new Float32Array(51000);
      await new Random(seed, addon).normals(single, 51, 0.5, 0.25);
      const differences = drawn.map((value, index) => Math.abs(value - expected[index]));
      expect(Math.max(...differences)).toBeLessThan(4 * Number.EPSILON);
      expect(Float32Array.from(drawn)).toEqual(Float32Array.from(expected));
      expect(single).toEqual(Float32Array.from(expected));
      expect(there.state).toEqual(here.state);
      expect(there.uniform()).toBe(here.uniform());
    }
  },
);

/** Inputs and units: fewer than are drawn side by side, as many, more, and some besides. */
const shapes = [
  [0, 1],
  [1, 1],
  [1, 2],
  [255, 1],
  [1, 256],
  [257, 1],
  [256, 2],
  [258, 3],
  [4095, 1],
  [1, 4096],
  [1, 4099],
  [512, 8],
  [511, 9],
  [700, 7],
  [129, 33],
  [15, 280],
  [17, 256],
  [784, 16],
];

it.skipIf(typeof addon === 'string')('the addon draws any numbers for any number of units', async () => {
  if (typeof addon === 'string') return;
  for (const [inputs, units] of shapes) {
    for (const name of ['normals', 'uniforms'] as const) {
      const [here, there] = [new Random(5), new Random(5, addon)];
      const [expected, drawn] = [new Float32Array(inputs * units), new Float32Array(inputs * units)];
      await here[name](expected, units, -1, 2);
      await there[name](drawn, units, -1, 2);
      expect(drawn).toEqual(expected);
      expect(there.state).toEqual(here.state);
    }
  }
});

it.skipIf(typeof addon === 'string')(
  'the addon draws the same uniform numbers to the last bit of float64',
  async () => {
    if (typeof addon === 'string') return;
    const [expected, drawn] = [new Float64Array(51000), new Float64Array(51000)];
    await new Random(7).uniforms(expected, 51, -0.25, 1e-3);
    await new Random(7, addon).uniforms(drawn, 51, -0.25, 1e-3);
    expect(drawn).toEqual(expected);
  },
);
