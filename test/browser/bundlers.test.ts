import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeFolder, temporaryFolder } from '../package/consumer.js';
import type { SmallRun } from './pages/scenarios.js';
import { bundlers, createProject } from './support/bundles.js';
import { chromiumPath, launchChromium, visitChromium } from './support/chromium.js';
import { expectReferenceNumbers } from './support/expectations.js';
import { startServer } from './support/server.js';

describe.skipIf(!chromiumPath)('the installed package, bundled without configuration', () => {
  let folder: string;
  let project: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = temporaryFolder();
    [project, browser] = await Promise.all([createProject(folder), launchChromium()]);
  });

  afterAll(async () => {
    await browser.close();
    removeFolder(folder);
  });

  it.each(Object.entries(bundlers))(
    'by %s trains in Chromium as the reference does in Node',
    async (_, bundle) => {
      const { folder, script } = await bundle(project);
      const server = await startServer({ bundle: folder });
      try {
        const visit = server.visit<SmallRun[]>('trainOnEach', ['auto', 'wasm-simd'], { script });
        const { value, warnings } = await visitChromium(browser, visit);
        expect(value.map(({ backend }) => backend.id)).toEqual([
          ...['wasm-relaxed-simd', 'wasm-relaxed-simd'],
          ...['wasm-simd', 'wasm-simd'],
        ]);
        for (const [index, run] of value.entries()) await expectReferenceNumbers(run, index % 2 === 1);
        expect(warnings).toEqual([]);
      } finally {
        await server.close();
      }
    },
  );
});
