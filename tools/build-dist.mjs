// Bundles the entry points into dist/. The browser bundle resolves Node's modules to nothing, so one that slips in fails
// the build.
//
// What is imported on demand comes in files of its own, everything else in one: many small files compress badly, and a
// page has to ask for each. A bundler puts what an entry exports into the first file of an
// application if anything imported on demand needs it as well: of what is large, that has copies instead.
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { at, root } from './lib.mjs';

/** @param {string} name below src */
const source = (name) => at('src', `${name}.ts`);

const onDemand = [
  ...['diverged-job', 'fit-stream', 'further-parts', 'metrics/evaluate', 'model-decoding'],
  ...[
    'model-storage',
    'backends/reference/executor',
    'backends/wasm/message-executor',
    'backends/wasm/shared-executor',
    'io/browser-files',
  ],
].map(source);

/**
 * What the browser's entry exports, or would have to export, and the files on demand that have copies of it: expressions
 * and plans, and what reads rows, decisions and files.
 */
const copied = [
  {
    files: [
      ...[
        'activation',
        'builder',
        'derive',
        'evaluate',
        'functions',
        'library',
        'loss',
        'nodes',
        'trace',
      ].map((name) => `expression/${name}`),
      ...['backends/finite', 'backends/sliced-run', 'opcodes', 'plan/operations'],
    ].map(source),
    takers: [
      ...['further-parts', 'plan/expression-lowering'],
      ...['backends/reference/executor', 'backends/reference/kernels'],
    ].map(source),
  },
  {
    files: [
      ...['decisions', 'rows', 'io/format-wording', 'io/safetensors-decoding'],
      ...['io/safetensors-header', 'io/safetensors-layout'],
    ].map(source),
    takers: [
      ...['model-decoding', 'run-position-decoding'],
      ...['metrics/evaluate', 'metrics/inputs', 'metrics/probability'],
    ].map(source),
  },
];

/** Imported on demand as well. Left out below, they need a file of esbuild's own helpers, which every import loads. */
const embedded = ['basic', 'basic-simd', 'whole', 'whole-simd'].map((name) =>
  source(`backends/wasm/module-${name}.generated`),
);

/**
 * Has each of these files import `entry`, without a use of it: then all files below the entry are reached from the same
 * places, and esbuild puts them together.
 * @param {string} entry
 * @param {string[]} files
 * @returns {import('esbuild').Plugin}
 */
const together = (entry, files = onDemand) => ({
  name: 'together',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!files.includes(path)) return undefined;
      return { contents: `${await readFile(path, 'utf8')}\nimport '${entry}';\n`, loader: 'ts' };
    });
  },
});

/** @type {import('esbuild').Plugin} */
const copies = {
  name: 'copies',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, importer, namespace }) => {
      const file = join(dirname(importer), path).replace(/\.js$/, '.ts');
      const isCopied = copied.some(({ files, takers }) => {
        return files.includes(file) && (namespace === 'copy' || takers.includes(importer));
      });
      if (!isCopied && namespace !== 'copy') return undefined;
      return { path: file, namespace: isCopied ? 'copy' : 'file', sideEffects: false };
    });
    onLoad({ filter: /./, namespace: 'copy' }, async ({ path }) => {
      return { contents: await readFile(path, 'utf8'), loader: 'ts', resolveDir: dirname(path) };
    });
  },
};

/** Optional peer dependencies: imported only when something is drawn. */
const drawing = ['@viz-js/viz', 'vega', 'vega-lite'];

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
  logOverride: { 'ignored-bare-import': 'silent' },
};
/** @type {import('esbuild').BuildOptions} */
const modules = { format: 'esm', splitting: true, outdir: at('dist'), chunkNames: 'chunks/[name]-[hash]' };
const [index, browser, metrics] = ['index', 'browser', 'metrics/index'].map(source);
/** @type {import('esbuild').BuildOptions} */
const node = {
  ...common,
  platform: 'node',
  // What an import takes is mostly reading.
  minifySyntax: true,
  minifyWhitespace: true,
  // Node prints the line of an error that nobody catches.
  lineLimit: 160,
  external: ['node-gyp-build', 'cli-progress', ...drawing],
};

rmSync(at('dist', 'chunks'), { recursive: true, force: true });
try {
  await Promise.all([
    build({
      ...node,
      ...modules,
      entryPoints: { index, metrics },
      plugins: [together(index, [...onDemand, ...embedded])],
    }),
    build({
      ...node,
      entryPoints: [index],
      format: 'cjs',
      outfile: at('dist', 'index.cjs'),
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
    build({
      ...common,
      entryPoints: { browser, 'browser-metrics': metrics },
      plugins: [together(browser), copies],
      platform: 'browser',
      external: drawing,
      // With white space: without it, esbuild leaves out which calls have no effects, and bundlers keep what nobody uses.
      minifySyntax: true,
      ...modules,
    }),
  ]);
  writeFileSync(at('dist', 'metrics.cjs'), "module.exports = require('./index.cjs').metrics;\n");
} catch {
  // esbuild has printed the errors.
  process.exitCode = 1;
}
