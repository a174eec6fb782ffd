import { readFileSync } from 'node:fs';
import type { Browser, Download } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Found, Kept, keepTooMuch } from './pages/keeping.js';
import { chromiumPath, launchChromium, visitChromium } from './support/chromium.js';
import { firefoxPath, visitFirefox } from './support/firefox.js';
import { startServer, type TestServer, type Visit } from './support/server.js';

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.close());

/** Another page finds every bit, and what it goes on with ends as a run that was not interrupted. */
function expectFound(found: Found, kept: Kept): void {
  expect(kept.weights).not.toEqual(kept.trained);
  expect(found.weights).toEqual(kept.weights);
  expect(found.trained).toEqual(kept.trained);
  expect(found.note).toBe('the second');
  expect(found.missing).toEqual({
    name: 'Error',
    message:
      "Cannot load trainer: IndexedDB of this origin must have a model of that name: received 'indexeddb://another'",
  });
}

describe.skipIf(!chromiumPath)('models that Chromium keeps', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  it('in IndexedDB go on in another page', async () => {
    const context = await browser.newContext();
    const { value: kept } = await visitChromium(context, server.visit<Kept>('keepModels'));
    const { value: found } = await visitChromium(context, server.visit<Found>('findModels'));
    await context.close();
    expectFound(found, kept);
  });

  it('stay where there is no room for what is to replace them', async () => {
    type Outcome = Awaited<ReturnType<typeof keepTooMuch>>;
    const visit = server.visit<Outcome>('keepTooMuch');
    const { value } = await visitChromium(browser, visit, async (page) => {
      const session = await page.context().newCDPSession(page);
      const { origin } = new URL(visit.url);
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 2 ** 20 });
    });
    expect(value.refusal?.message).toMatch(
      /^Cannot save trainer: IndexedDB must be there and have room: received QuotaExceededError/,
    );
    expect(value.parameters).toBe(6 * 16 + 16 + 16 * 3 + 3);
  });

  it('are downloaded byte for byte', async () => {
    const downloads: Promise<[string, number[]]>[] = [];
    const contentOf = async (download: Download): Promise<[string, number[]]> => [
      download.suggestedFilename(),
      [...readFileSync(await download.path())],
    ];
    const visit = server.visit<number[]>('downloadModel');
    const { value: bytes } = await visitChromium(
      browser,
      visit,
      async (page) => {
        page.on('download', (download) => downloads.push(contentOf(download)));
      },
      async () => {
        await vi.waitFor(() => expect(downloads).toHaveLength(2), { timeout: 10_000 });
        await Promise.all(downloads);
      },
    );
    expect(bytes.length).toBeGreaterThan(1000);
    expect(await Promise.all(downloads)).toEqual([
      ['my model.safetensors', bytes],
      ['weights.bin', bytes],
    ]);
  });
});

describe.skipIf(!firefoxPath)('models that Firefox keeps', () => {
  let keeping: Visit<Kept>;
  let finding: Visit<Found>;

  beforeAll(async () => {
    keeping = server.visit('keepModels');
    finding = server.visit('findModels');
    await visitFirefox(keeping, finding);
  });

  it('in IndexedDB go on in another page', async () => {
    expectFound((await finding.report).value, (await keeping.report).value);
  });
});
