import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The unbundled page: the library as it lies in dist/, the scenarios as they are written. */
export const UNBUNDLED = '/pages/unbundled.js';

const mimeTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
};

/** What a page sends back when its scenario has ended. */
export interface Report<T> {
  readonly value: T;
  /** What it wrote with `console.warn`. */
  readonly warnings: string[];
}

/** A page to open, and what it will report. */
export interface Visit<T = unknown> {
  readonly url: string;
  readonly report: Promise<Report<T>>;
}

export interface VisitOptions {
  /** Module that the page loads: a bundle, or by default the unbundled library. */
  readonly script?: string;
}

export interface ServerOptions {
  /** With the headers of cross-origin isolation, which allow shared memory. */
  readonly isolated?: boolean;
  readonly contentSecurityPolicy?: string;
  /** Another folder to serve, as /bundle/. */
  readonly bundle?: string;
}

export interface TestServer {
  visit<T>(scenario: string, argument?: unknown, options?: VisitOptions): Visit<T>;
  close(): Promise<void>;
}

/** The text of a module of the pages: TypeScript without its types. */
export async function pageModule(name: string): Promise<string> {
  const source = readFileSync(join(root, 'test', 'browser', 'pages', `${name}.ts`), 'utf8');
  return (await transform(source, { loader: 'ts', target: 'es2022' })).code;
}

const shell = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><title>fastmlp</title><script type="module" src="${script}"></script>`;

/** Serves the clone's dist/ and the pages of these tests on a free port of this machine. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { isolated = false, contentSecurityPolicy, bundle } = options;
  const waiting = new Map<string, (body: string) => void>();

  async function content(path: string): Promise<string | Buffer> {
    const [, folder, ...rest] = path.split('/');
    if (rest.includes('..')) throw new Error(`outside the folder: ${path}`);
    if (folder === 'pages') return pageModule(rest.join('/').replace(/\.js$/, ''));
    if (folder === 'dist') return readFileSync(join(root, 'dist', ...rest));
    if (folder === 'bundle' && bundle) return readFileSync(join(bundle, ...rest));
    throw new Error(`nothing at ${path}`);
  }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    if (contentSecurityPolicy) response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    response.setHeader('Cache-Control', 'no-store');
    if (request.method === 'POST') {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      response.end();
      waiting.get(searchParams.get('visit') ?? '')?.(body);
      return;
    }
    try {
      const page = pathname === '/';
      const body = page ? shell(searchParams.get('script') ?? UNBUNDLED) : await content(pathname);
      response.setHeader('Content-Type', mimeTypes[page ? '.html' : extname(pathname)] ?? 'text/plain');
      response.end(body);
    } catch (error) {
      response.statusCode = 404;
      response.end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    visit<T>(scenario: string, argument: unknown = null, { script }: VisitOptions = {}): Visit<T> {
      const visit = `${waiting.size}`;
      const query = new URLSearchParams({ visit, scenario, argument: JSON.stringify(argument) });
      if (script) query.set('script', script);
      const report = new Promise<Report<T>>((resolve, reject) => {
        waiting.set(visit, (body) => {
          const { error, ...rest } = JSON.parse(body);
          if (error === undefined) resolve(rest as Report<T>);
          else reject(new Error(`${scenario} in the browser: ${error}`));
        });
      });
      // A visit that fails while nobody waits for it yet is reported by the one who will.
      report.catch(() => {});
      return { url: `http://127.0.0.1:${port}/?${query}`, report };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
