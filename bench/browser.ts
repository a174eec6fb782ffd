/** Training steps in Chromium, in a page where threads share memory, by one thread and by two. */

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { chromium, type Page } from 'playwright-core';
import { findBrowser } from '../tools/browsers.mjs';
import type { PageCase, PageCheck, page } from './browser-page.js';
import { longTurns, measure, missingLines, type Refusal, ratioOf } from './harness.js';
import type { BenchOptions } from './options.js';
import { formatNumber, formatRatio, formatTable } from './tables.js';

type PageBench = typeof page;

interface BrowserResult {
  name: string;
  /** Seconds per step. */
  min: number;
  median: number;
  /** The speed as a multiple of that of the first. */
  ratio: number;
}

interface BrowserReport {
  missing: Refusal[];
  wrong: Refusal[];
  version?: string;
  results: BrowserResult[];
}

const pageCase: Omit<PageCase, 'threads'> = { sizes: [784, 512, 512, 10], batch: 128, rows: 1024 };
const threadCounts = [1, 2];

const here = fileURLToPath(new URL('.', import.meta.url));
const peers = join(here, 'peers', 'node_modules', '@tensorflow');
const tensorflow = [join(peers, 'tfjs', 'dist', 'tf.min.js')].concat(
  join(peers, 'tfjs-backend-wasm', 'dist', 'tf-backend-wasm.min.js'),
);

/** Losses after an epoch agree as far as float32 and different orders of addition let them. */
const TOLERANCE = 1e-3;

/** Serves the library, the page and, from peers/, TensorFlow.js, all of it isolated. */
async function serve(): Promise<Server> {
  const contents = (path: string): string | Buffer => {
    const [, folder, name] = path.split('/');
    if (folder === 'page.js') {
      const source = readFileSync(join(here, 'browser-page.ts'), 'utf8');
      return transformSync(source, { loader: 'ts', format: 'esm' }).code;
    }
    if (folder === 'dist') return readFileSync(join(here, '..', path));
    if (folder === 'peers') {
      const script = tensorflow.find((file) => basename(file) === name);
      return readFileSync(script ?? join(peers, 'tfjs-backend-wasm', 'dist', name));
    }
    return '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const types: Record<string, string> = { js: 'text/javascript', wasm: 'application/wasm' };
    response.setHeader('Content-Type', types[path.split('.').pop() ?? ''] ?? 'text/html');
    try {
      response.end(contents(path));
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const inPage = (tab: Page, method: keyof PageBench, ...values: unknown[]): Promise<unknown> =>
  tab.evaluate(
    ([name, given]) => {
      const { bench } = globalThis as unknown as { bench: Record<string, (...all: unknown[]) => unknown> };
      return bench[name](...given);
    },
    [method, values] as const,
  );

function wrongOf(checks: readonly PageCheck[]): Refusal[] {
  const [first] = checks;
  const isFar = (a: number, b: number): boolean => Math.abs(a - b) > TOLERANCE * Math.abs(b);
  return checks.flatMap(({ backend, before, after, bits }) => {
    if (isFar(before, first.before) || isFar(after, first.after))
      return [
        { name: backend, reason: `losses ${before}, ${after} instead of ${first.before}, ${first.after}` },
      ];
    if (bits > 0 && bits !== first.bits)
      return [{ name: backend, reason: 'weights differ from those of one thread' }];
    return [];
  });
}

export async function benchBrowser(
  { rounds, peers: withPeers }: BenchOptions,
  print: (text: string) => void,
): Promise<BrowserReport> {
  const executablePath = findBrowser('chromium');
  const report: BrowserReport = { missing: [], wrong: [], results: [] };
  const refuse = (name: string, reason: string) => report.missing.push({ name, reason });
  if (!executablePath) refuse('Chromium', 'not found: install it, or set FASTMLP_CHROMIUM');
  const hasTensorflow = tensorflow.every((file) => existsSync(file));
  if (withPeers && !hasTensorflow) refuse('TensorFlow.js', 'run npm run bench:peers');
  const name = `${pageCase.sizes.join('-')} adam, batch ${pageCase.batch}, fit`;
  print(`Training steps in Chromium, ${name}, ${rounds} rounds${missingLines(report.missing)}`);
  if (!executablePath) return report;

  const server = await serve();
  const browser = await chromium.launch({ executablePath, args: ['--disable-gpu'], chromiumSandbox: false });
  try {
    report.version = browser.version();
    const contenders: { name: string; run(epochs: number): Promise<number> }[] = [];
    const checks: PageCheck[] = [];
    const entrants = threadCounts.map((threads) => ({ kind: 'fastmlp' as 'fastmlp' | 'tfjs', threads }));
    // Whether it uses the threads it may have, TensorFlow.js says itself.
    if (withPeers && hasTensorflow) entrants.push({ kind: 'tfjs', threads: 2 });
    for (const { kind, threads } of entrants) {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      if (kind === 'tfjs')
        for (const file of tensorflow) await tab.addScriptTag({ url: `/peers/${basename(file)}` });
      await tab.waitForFunction(() => 'bench' in globalThis);
      const { index, ...check } = (await inPage(tab, 'prepare', kind, {
        ...pageCase,
        threads,
      })) as Awaited<ReturnType<PageBench['prepare']>>;
      checks.push(check);
      const run = (epochs: number) => inPage(tab, 'run', index, epochs) as Promise<number>;
      contenders.push({ name: check.backend, run });
    }
    report.wrong = wrongOf(checks);
    for (const { name: contender, reason } of report.wrong) print(`${contender}: WRONG ANSWER: ${reason}`);
    const steps = pageCase.rows / pageCase.batch;
    const timings = await measure(contenders, rounds, longTurns);
    report.results = timings.map((timing) => ({
      name: timing.name,
      min: timing.min / steps,
      median: timing.median / steps,
      ratio: ratioOf(timings[0], timing),
    }));
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
  const rows = report.results.map((result) => [
    result.name,
    formatNumber(result.min * 1e3),
    formatNumber(result.median * 1e3),
    formatRatio(result.ratio),
  ]);
  const header = [`Chromium ${report.version}`, 'min ms', 'median ms', '× one thread'];
  print(formatTable(header, rows));
  return report;
}
