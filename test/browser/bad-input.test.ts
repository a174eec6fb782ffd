import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LargeFit, Refusal, Responsiveness, SmallRun, Surroundings } from './pages/scenarios.js';
import { chromiumPath, launchChromium, visitChromium } from './support/chromium.js';
import { expectReferenceNumbers } from './support/expectations.js';
import { startServer, type TestServer } from './support/server.js';

/** Scripts that take something away from a page before anything else runs in it. */
const noWebAssembly = 'delete globalThis.WebAssembly';
const noDecompression = 'delete globalThis.DecompressionStream';
const noSimd = 'WebAssembly.validate = () => false';
const memoryThatStays = `WebAssembly.Memory.prototype.grow = () => { throw new RangeError('no more memory'); }`;
const noMemory = `WebAssembly.Memory = class { constructor() { throw new RangeError('no memory at all'); } }`;
/** Memory that ends at 16 MiB. */
const littleMemory = `
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > 16 * 2 ** 20) throw new RangeError('no more memory');
    return grow.call(this, pages);
  };
`;

describe.skipIf(!chromiumPath)('a Chromium', () => {
  let browser: Browser;
  let plain: TestServer;

  beforeAll(async () => {
    [browser, plain] = await Promise.all([launchChromium(), startServer()]);
  });

  afterAll(() => Promise.all([browser.close(), plain.close()]));

  const without = async <T>(script: string, scenario: string): Promise<{ value: T; warnings: string[] }> =>
    visitChromium(browser, plain.visit<T>(scenario), (page) => page.addInitScript(script));

  async function expectFallsBack(
    { value, warnings }: { value: Surroundings; warnings: string[] },
    reason: RegExp,
  ): Promise<void> {
    expect(value.automatic.backend.id).toBe('reference');
    const rejected = value.automatic.backend.rejected;
    expect(rejected.map(({ id }) => id)).toEqual(['wasm-relaxed-simd', 'wasm-simd']);
    for (const one of rejected) expect(one.reason).toMatch(reason);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/training will be slow/);
    expect(warnings[0]).toMatch(reason);
    await expectReferenceNumbers(value.automatic, false);
  }

  it('without WebAssembly trains on the reference and says why', async () => {
    await expectFallsBack(await without(noWebAssembly, 'surroundings'), /has no WebAssembly$/m);
  });

  it('without SIMD trains on the reference and says why', async () => {
    await expectFallsBack(await without(noSimd, 'surroundings'), /has no WebAssembly (relaxed )?SIMD$/m);
  });

  it('that cannot decompress the modules trains on the reference and says why', async () => {
    await expectFallsBack(await without(noDecompression, 'surroundings'), /has no DecompressionStream$/m);
  });

  it('with a policy against compilation trains on the reference and names the directive', async () => {
    const server = await startServer({ contentSecurityPolicy: "script-src 'self'" });
    try {
      const report = await visitChromium(browser, server.visit<Surroundings>('surroundings'));
      await expectFallsBack(
        report,
        /Content-Security-Policy forbids .*'wasm-unsafe-eval' in its script-src allows it/,
      );
    } finally {
      await server.close();
    }
  });

  it('with a policy that allows WebAssembly and nothing else trains on it', async () => {
    const server = await startServer({ contentSecurityPolicy: "script-src 'self' 'wasm-unsafe-eval'" });
    try {
      const { value, warnings } = await visitChromium(browser, server.visit<Surroundings>('surroundings'));
      expect(value.automatic.backend).toMatchObject({ id: 'wasm-relaxed-simd', rejected: [] });
      expect(warnings).toEqual([]);
      await expectReferenceNumbers(value.automatic, false);
    } finally {
      await server.close();
    }
  });

  it('with a policy against workers trains on the main thread and says why', async () => {
    const policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
    const server = await startServer({ contentSecurityPolicy: policy });
    try {
      const { value } = await visitChromium(browser, server.visit<Responsiveness>('trainMnistSized'));
      expect(value.epochs).toBe(1);
      expect(value.backend).toMatchObject({ id: 'wasm-relaxed-simd', worker: false });
      expect(value.backend.notes).toContain(
        'no worker can be made: the page may not start workers from a blob: URL',
      );
      expect(value.gaps[value.gaps.length >> 1]).toBeLessThan(50);
    } finally {
      await server.close();
    }
  });

  it('whose memory cannot grow says so, and trains on the reference when told to', async () => {
    const { value } = await without<Refusal>(memoryThatStays, 'createRefused');
    expect(value.name).toBe('RangeError');
    expect(value.message).toMatch(
      /^Cannot reserve memory: a WebAssembly backend .*: received a need for [1-9]\d* MiB$/,
    );
    const visit = plain.visit<SmallRun>('trainSmall', { backend: 'reference', custom: false });
    const report = await visitChromium(browser, visit, (page) => page.addInitScript(memoryThatStays));
    await expectReferenceNumbers(report.value, false);
  });

  it('that has no memory for a module trains on the reference and says why', async () => {
    await expectFallsBack(
      await without(noMemory, 'surroundings'),
      /Cannot reserve memory: a WebAssembly backend .*: received no memory at all$/m,
    );
  });

  it('whose memory does not hold the data set trains on it in pieces', async () => {
    const [{ value: pieces }, { value: whole }] = [
      await without<LargeFit>(littleMemory, 'fitLarge'),
      await without<LargeFit>('', 'fitLarge'),
    ];
    expect(pieces).toEqual({ refusal: null, trainsOn: true, loss: whole.loss });
  });

  it('that has no room for a copy of the data set says so, and trains on smaller ones', async () => {
    const { value } = await visitChromium(browser, plain.visit<LargeFit>('fitLarge', true));
    expect(value).toEqual({
      refusal: {
        name: 'RangeError',
        message: 'Cannot reserve memory: a data set must fit into memory a second time: received 30 MiB',
      },
      trainsOn: true,
      loss: null,
    });
  });
});
