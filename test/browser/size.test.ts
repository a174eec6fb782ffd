import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { embeddedModules } from '../../src/backends/wasm/embedded.js';
import { applyPatch } from '../../src/backends/wasm/module-patch.js';
import { createPatch } from '../../tools/module-patch.mjs';
import { removeFolder, temporaryFolder } from '../package/consumer.js';
import { chromiumPath, launchChromium, visitChromium } from './support/chromium.js';
import { startServer } from './support/server.js';
import { bundleInFiles, bytesOf, type Sent, writeBundle } from './support/sizes.js';

const KIB = 1024;

/** Trains in a worker with little else than that, and reports where. */
const trainingApplication = `
  import { adam, createTrainer, dense } from './dist/browser.js';
  const x = Float32Array.from({ length: 1000 * 100 }, (_, index) => Math.sin(index));
  const labels = Uint8Array.from({ length: 1000 }, (_, row) => row % 10);
  const trainer = await createTrainer({
    inputs: 100,
    layers: [dense({ units: 64, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer: adam(),
  });
  const { epoch } = await trainer.fit(x, labels, { epochs: 5 });
  const value = { worker: trainer.backend.worker, epochs: epoch.length };
  await fetch('/report' + location.search, { method: 'POST', body: JSON.stringify({ value, warnings: [] }) });
`;

/**
 * Minified and gzipped, by what a page loads:
 * - the files of an application that trains in a worker, those it imports on demand included;
 * - every file there is for an application that uses everything, which no page loads whole: nobody needs the executors
 *   for memory that is shared and for memory that is not, or the reference beside WebAssembly. What is loaded on demand
 *   has copies of some of what is exported, which are counted twice here.
 */
const limits = { training: 60 * KIB, everything: 132 * KIB };

describe('what a browser has to load', () => {
  let training: Sent;
  let everything: Sent;

  beforeAll(async () => {
    training = await bundleInFiles(trainingApplication);
    everything = await bundleInFiles("export * from './dist/browser.js'");
  });

  const modules = Object.entries(embeddedModules).flatMap(([name, { basic, whole }]) => [
    [`${name} basic`, basic, 30 * KIB] as const,
    [`${name} whole`, whole, 48 * KIB] as const,
  ]);
  it.each(modules)('the module %s stays below its limit', async (_, module, limit) => {
    const { length } = await module();
    expect(length).toBeGreaterThan(10 * KIB);
    expect(length).toBeLessThanOrEqual(limit);
  });

  it('an application that trains in a worker stays below its limit', () => {
    expect(bytesOf([...training.first, ...training.training])).toBeLessThanOrEqual(limits.training);
  });

  it('everything that is exported stays below its limit, with what is imported on demand', () => {
    const { first, training, rest } = everything;
    expect(bytesOf([...first, ...training, ...rest])).toBeLessThanOrEqual(limits.everything);
  });

  it.skipIf(!chromiumPath)('in Chromium such an application loads these files and no others', async () => {
    const browser = await launchChromium();
    const folder = temporaryFolder();
    writeBundle(folder, training);
    const server = await startServer({ bundle: folder });
    try {
      const visit = server.visit('', null, { script: '/bundle/application.js' });
      const loaded = new Set<string>();
      const { value } = await visitChromium(browser, visit, async (page) => {
        page.on('request', (request) => {
          const [, name] = /\/bundle\/(.+)$/.exec(request.url()) ?? [];
          if (name !== undefined) loaded.add(name);
        });
      });
      expect(value).toEqual({ worker: true, epochs: 5 });
      const counted = [...training.first, ...training.training].map(({ name }) => name);
      expect([...loaded].sort()).toEqual(counted.sort());
    } finally {
      await server.close();
      removeFolder(folder);
      await browser.close();
    }
  });
});

describe('a module written as a patch of another', () => {
  /** Stretches of the base, in any order and overlapping, between new bytes. */
  const target = (base: Uint8Array) =>
    fc
      .array(
        fc.oneof(
          fc.uint8Array({ maxLength: 40 }),
          fc
            .tuple(fc.nat(base.length), fc.nat(base.length))
            .map(([from, length]) => base.slice(from, from + length)),
        ),
        { maxLength: 8 },
      )
      .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

  it('comes back byte for byte, whatever was moved, added or left out', () => {
    const pairs = fc
      .uint8Array({ maxLength: 3000 })
      .chain((base) => fc.tuple(fc.constant(base), target(base)));
    fc.assert(
      fc.property(pairs, ([base, wanted]) => {
        expect(applyPatch(base, createPatch(base, wanted))).toEqual(wanted);
      }),
    );
  });

  it('costs little where little has changed', () => {
    const base = Uint8Array.from({ length: 5000 }, (_, index) => (index * index * 7919) >> 5);
    const changed = Uint8Array.from([...base.subarray(0, 1000), 1, 2, 3, ...base.subarray(1002)]);
    expect(createPatch(base, changed).length).toBeLessThan(32);
  });
});
