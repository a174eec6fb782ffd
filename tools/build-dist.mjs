// Bundles the entry points into dist/. The browser bundle resolves Node's modules to nothing, so one that slips in
// fails the build.
import { build } from 'esbuild';
import { at, root } from './lib.mjs';

/** Optional peer dependencies: imported only when something is drawn. */
const drawing = ['@viz-js/viz', 'vega', 'vega-lite'];

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
};
/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  entryPoints: [at('src', 'index.ts')],
  platform: 'node',
  external: ['node-gyp-build', 'cli-progress', ...drawing],
};

try {
  await Promise.all([
    build({ ...node, format: 'esm', outfile: at('dist', 'index.js') }),
    build({
      ...node,
      format: 'cjs',
      outfile: at('dist', 'index.cjs'),
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
    build({
      ...common,
      entryPoints: [at('src', 'browser.ts')],
      platform: 'browser',
      external: drawing,
      // In front of everything: gzip looks back no further than 32 KiB. What is compressed already must not stand between
      // texts that are alike; the script of the workers must stand near what it has in common with the rest.
      inject: ['modules', 'worker'].map((name) => at('src', 'backends', 'wasm', `${name}.generated.ts`)),
      format: 'esm',
      outfile: at('dist', 'browser.js'),
    }),
  ]);
} catch {
  // esbuild has printed the errors.
  process.exitCode = 1;
}
