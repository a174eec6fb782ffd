// Bundles the entry points into dist/. What is imported on demand comes in files of its own. The browser bundle resolves
// Node's modules to nothing, so one that slips in fails the build. Pages may load it as it is: it comes without white
// space, but with the names of functions and classes.
import { rmSync, writeFileSync } from 'node:fs';
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
const modules = { format: 'esm', splitting: true, outdir: at('dist'), chunkNames: 'chunks/[name]-[hash]' };
/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  // What an import takes is mostly reading.
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['node-gyp-build', 'cli-progress', ...drawing],
};

rmSync(at('dist', 'chunks'), { recursive: true, force: true });
try {
  await Promise.all([
    build({
      ...node,
      ...modules,
      entryPoints: { index: at('src', 'index.ts'), metrics: at('src', 'metrics', 'index.ts') },
    }),
    build({
      ...node,
      entryPoints: [at('src', 'index.ts')],
      format: 'cjs',
      outfile: at('dist', 'index.cjs'),
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
    build({
      ...common,
      entryPoints: { browser: at('src', 'browser.ts'), 'browser-metrics': at('src', 'metrics', 'index.ts') },
      platform: 'browser',
      external: drawing,
      minifySyntax: true,
      minifyWhitespace: true,
      ...modules,
    }),
  ]);
  writeFileSync(at('dist', 'metrics.cjs'), "module.exports = require('./index.cjs').metrics;\n");
} catch {
  // esbuild has printed the errors.
  process.exitCode = 1;
}
