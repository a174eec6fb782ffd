import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatch, embeddedModules } from '../../src/backends/wasm/embedded.js';
import { createPatch } from '../../tools/module-patch.mjs';

const KIB = 1024;

/** Bytes of an application as it is sent: bundled, minified, gzipped. */
async function sentBytes(application: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: application, resolveDir: '.' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: ['@viz-js/viz', 'vega', 'vega-lite'],
    write: false,
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

describe('what a browser has to load', () => {
  it.each(Object.entries(embeddedModules))('the module %s has at most 56 KiB', async (_, module) => {
    const { length } = await module();
    expect(length).toBeGreaterThan(10 * KIB);
    expect(length).toBeLessThanOrEqual(56 * KIB);
  });

  it('everything that is exported has at most 112 KiB, minified and gzipped', async () => {
    expect(await sentBytes("export * from './dist/browser.js'")).toBeLessThanOrEqual(112 * KIB);
  });

  it('an application that trains has less than everything', async () => {
    const names = 'adam, createTrainer, dense';
    const application = `import { ${names} } from './dist/browser.js'; globalThis.fastmlp = { ${names} };`;
    expect(await sentBytes(application)).toBeLessThan(await sentBytes("export * from './dist/browser.js'"));
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
