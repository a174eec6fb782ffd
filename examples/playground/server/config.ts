import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InlineConfig } from 'vite';
import { digitsPlugin } from './digits-plugin.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What lets a page have memory that threads share. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Vite's configuration for the page, with the library's browser entry under its own name. */
export function playgroundConfig({ port, out }: { port?: string; out?: string }) {
  return {
    configFile: false,
    root: at('..'),
    base: './',
    cacheDir: at('../../../build/vite'),
    clearScreen: false,
    logLevel: 'warn',
    resolve: { alias: { fastmlp: at('../../../dist/browser.js') } },
    server: {
      host: '127.0.0.1',
      port: port === undefined ? 5173 : Number(port),
      strictPort: port !== undefined,
      headers: isolation,
    },
    build: {
      outDir: out ? resolve(out) : at('../../../build/playground'),
      emptyOutDir: true,
      target: 'es2022',
      chunkSizeWarningLimit: 1000,
      // Only drawings of the library use them, and the page has its own.
      rolldownOptions: { external: ['@viz-js/viz', 'vega', 'vega-lite'], checks: { bundlerTimings: false } },
    },
    plugins: [digitsPlugin()],
  } satisfies InlineConfig;
}
