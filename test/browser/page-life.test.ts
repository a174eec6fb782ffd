import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HiddenRun, Responsiveness, StoppedRun } from './pages/scenarios.js';
import { chromiumPath, launchChromium, visitChromium } from './support/chromium.js';
import { tasksBetween } from './support/main-thread.js';
import { startServer, type TestServer } from './support/server.js';

/** A frame at 60 a second. */
const FRAME_MS = 16;

describe.skipIf(!chromiumPath)('a page that trains', () => {
  let browser: Browser;
  let plain: TestServer;
  let isolated: TestServer;

  beforeAll(async () => {
    browser = await launchChromium();
    plain = await startServer();
    isolated = await startServer({ isolated: true });
  });

  afterAll(() => Promise.all([browser.close(), plain.close(), isolated.close()]));

  // Another try for a machine so busy that two programs share a core: then processor time passes more slowly, too.
  it.each([
    ['isolated', () => isolated],
    ['not isolated', () => plain],
  ] as const)(
    '%s is never blocked for a frame while it trains on 60,000 images',
    { retry: 2 },
    async (_, server) => {
      const page = await browser.newPage();
      const visit = server().visit<Responsiveness>('trainMnistSized');
      const tasks = await tasksBetween(browser, page, ['fit begins', 'fit ends'], async () => {
        await page.goto(visit.url);
        await visit.report;
      });
      await page.close();
      const { value } = await visit.report;
      expect(value.epochs).toBe(1);
      expect(value.backend.worker).toBe(true);
      expect(value.gaps.length).toBeGreaterThan(20);
      // By the clock, other programs of the machine lengthen some turns: half of them are short whatever these do.
      expect(value.gaps[value.gaps.length >> 1]).toBeLessThan(FRAME_MS);
      expect(Math.max(...tasks.map(({ processor }) => processor))).toBeLessThan(FRAME_MS);
    },
  );

  it('goes on while it is hidden', async () => {
    const session = await browser.newBrowserCDPSession();
    const visit = plain.visit<HiddenRun>('trainHidden');
    // Pages that Playwright opens count as visible always; these two it does not touch.
    const { targetId } = await session.send('Target.createTarget', { url: visit.url });
    const front = await session.send('Target.createTarget', { url: 'about:blank' });
    const { value } = await visit.report;
    for (const id of [targetId, front.targetId]) await session.send('Target.closeTarget', { targetId: id });
    expect(value.hiddenMilliseconds).toBeGreaterThan(1500);
    expect(value.epochs).toBeGreaterThan(10);
  });

  it('stops within a batch', async () => {
    const { value } = await visitChromium(browser, plain.visit<StoppedRun>('abortTraining'));
    expect(value).toMatchObject({ reason: 'aborted', epochs: 0, trainsOn: true });
    expect(value.stopMilliseconds).toBeLessThan(2 * value.batchMilliseconds + 100);
  });

  it('leaves no process behind when it is closed', async () => {
    const session = await browser.newBrowserCDPSession();
    const renderers = async (): Promise<number[]> => {
      const { processInfo } = await session.send('SystemInfo.getProcessInfo');
      return processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id);
    };
    const before = await renderers();
    const page = await browser.newPage();
    await page.goto(isolated.visit('trainForever').url);
    await page.waitForFunction(() => /^epoch [2-9]/.test(document.title));
    const added = (await renderers()).filter((id) => !before.includes(id));
    expect(added.length).toBeGreaterThan(0);
    await page.close();
    await expect
      .poll(async () => (await renderers()).filter((id) => added.includes(id)), { timeout: 10_000 })
      .toEqual([]);
  });
});
