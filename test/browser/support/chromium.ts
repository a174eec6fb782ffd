import { type Browser, chromium, type Page } from 'playwright-core';
import { findBrowser } from '../../../tools/browsers.mjs';
import type { Report, Visit } from './server.js';

export const chromiumPath = findBrowser('chromium');

/** Nothing that reaches for the network, a GPU, or needs privileges. The profile is new and removed afterwards. */
const flags = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath, args: flags, chromiumSandbox: false });

/**
 * Opens the visit's page and returns what it reports; `prepare` sees the page before it loads anything, `beforeClosing`
 * waits for what goes on after the report.
 */
export async function visitChromium<T>(
  browser: { newPage(): Promise<Page> },
  visit: Visit<T>,
  prepare: (page: Page) => Promise<unknown> = async () => {},
  beforeClosing: () => Promise<unknown> = async () => {},
): Promise<Report<T>> {
  const page = await browser.newPage();
  try {
    const failed = new Promise<never>((_, reject) => {
      page.once('pageerror', reject);
      page.once('crash', () => reject(new Error('the page crashed')));
    });
    failed.catch(() => {});
    await prepare(page);
    await page.goto(visit.url);
    const report = await Promise.race([visit.report, failed]);
    await beforeClosing();
    return report;
  } finally {
    await page.close();
  }
}
