import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackendId } from '../../src/index.js';
import type { SmallRun, Surroundings, ThreadedRun } from './pages/scenarios.js';
import { chromiumPath, launchChromium, visitChromium } from './support/chromium.js';
import { expectReferenceNumbers, requiredBrowsers } from './support/expectations.js';
import { firefoxPath, visitFirefox } from './support/firefox.js';
import { startServer, type TestServer, type Visit } from './support/server.js';

const everyBackend: readonly BackendId[] = ['wasm-relaxed-simd', 'wasm-simd', 'reference'];

let plain: TestServer;
let isolated: TestServer;

beforeAll(async () => {
  plain = await startServer();
  isolated = await startServer({ isolated: true });
});

afterAll(() => Promise.all([plain.close(), isolated.close()]));

it.each(requiredBrowsers)('%s was required and is there', (name) => {
  expect(name === 'firefox' ? firefoxPath : chromiumPath).toBeDefined();
});

async function expectTrains(runs: readonly SmallRun[]): Promise<void> {
  expect(runs.map(({ backend }) => backend.id)).toEqual(everyBackend.flatMap((id) => [id, id]));
  for (const [index, run] of runs.entries()) await expectReferenceNumbers(run, index % 2 === 1);
}

async function expectChooses({ isolated, backends, automatic }: Surroundings): Promise<void> {
  expect(backends.map(({ id, usable }) => [id, usable])).toEqual(everyBackend.map((id) => [id, true]));
  expect(automatic.backend).toMatchObject({ id: 'wasm-relaxed-simd', worker: true, rejected: [] });
  expect(automatic.backend.notes).toEqual(
    isolated ? [] : ['one thread: the page is not cross-origin isolated'],
  );
  await expectReferenceNumbers(automatic, false);
}

function expectThreads({ backends, differing, parameters }: ThreadedRun, threads: number): void {
  expect(backends.map((backend) => [backend.worker, backend.threads])).toEqual([
    [true, 1],
    [true, threads],
  ]);
  const { notes } = backends[1];
  expect(notes).toEqual(threads === 2 ? [] : ['one thread: the page is not cross-origin isolated']);
  expect([differing, parameters]).toEqual([0, 784 * 128 + 128 + 128 * 10 + 10]);
}

describe.skipIf(!chromiumPath)('unbundled in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser.close());

  it('trains as the reference does in Node, on every backend', async () => {
    const { value, warnings } = await visitChromium(
      browser,
      plain.visit<SmallRun[]>('trainOnEach', everyBackend),
    );
    await expectTrains(value);
    expect(warnings).toEqual([]);
  });

  it('takes relaxed SIMD on a page that is not isolated', async () => {
    const { value } = await visitChromium(browser, plain.visit<Surroundings>('surroundings'));
    expect(value.isolated).toBe(false);
    await expectChooses(value);
  });

  it('takes relaxed SIMD on an isolated page', async () => {
    const { value } = await visitChromium(browser, isolated.visit<Surroundings>('surroundings'));
    expect(value.isolated).toBe(true);
    await expectChooses(value);
  });

  it('computes the same bits on two threads as on one where the page is isolated', async () => {
    expectThreads((await visitChromium(browser, isolated.visit<ThreadedRun>('trainOnThreads'))).value, 2);
  });

  it('has one thread where the page is not isolated, and says why', async () => {
    expectThreads((await visitChromium(browser, plain.visit<ThreadedRun>('trainOnThreads'))).value, 1);
  });
});

describe.skipIf(!firefoxPath)('unbundled in Firefox', () => {
  let training: Visit<SmallRun[]>;
  let onIsolated: Visit<Surroundings>;
  let threaded: Visit<ThreadedRun>;

  beforeAll(async () => {
    onIsolated = isolated.visit('surroundings');
    training = plain.visit('trainOnEach', everyBackend);
    threaded = isolated.visit('trainOnThreads');
    await visitFirefox(onIsolated, training, threaded);
  });

  it('trains in a hidden tab as the reference does in Node, on every backend', async () => {
    const { value } = await training.report;
    expect(value.map(({ hidden }) => hidden)).not.toContain(false);
    await expectTrains(value);
  });

  it('computes the same bits on two threads as on one where the page is isolated', async () => {
    expectThreads((await threaded.report).value, 2);
  });

  it('takes relaxed SIMD on an isolated page', async () => {
    const { value } = await onIsolated.report;
    expect([value.isolated, value.automatic.hidden]).toEqual([true, false]);
    await expectChooses(value);
  });
});
