import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** A file of a bundle. */
export interface SentFile {
  readonly name: string;
  readonly contents: Uint8Array;
  /** Gzipped; the contents are minified. */
  readonly bytes: number;
}

/** The files of a bundle by when a page loads them. */
export interface Sent {
  /** The entry and what it imports statically. */
  readonly first: readonly SentFile[];
  /** What is loaded besides for training in a worker, on a page that is not cross-origin isolated. */
  readonly training: readonly SentFile[];
  /** What other methods and circumstances ask for. */
  readonly rest: readonly SentFile[];
}

/** What training in a worker imports on demand: a module, and an executor with the script of its worker. */
const wantedByTraining = /^(module-basic\.generated|message-executor)-/;

/** Bundles an application of dist/, in files as they are imported on demand. */
export async function bundleInFiles(application: string): Promise<Sent> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: application, resolveDir: '.', sourcefile: 'application.js' },
    entryNames: 'application',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: ['@viz-js/viz', 'vega', 'vega-lite'],
    outdir: 'bundle',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output] as const),
  );
  const withImports = (names: readonly string[]): Set<string> => {
    const found = new Set(names);
    // What is added while the loop runs is visited as well.
    for (const name of found) {
      for (const { kind, path } of outputs.get(name)?.imports ?? []) {
        if (kind === 'import-statement' && outputs.has(basename(path))) found.add(basename(path));
      }
    }
    return found;
  };
  const first = withImports(['application.js']);
  const wanted = [...outputs.keys()].filter((name) => wantedByTraining.test(name));
  if (wanted.length !== 2) throw new Error(`training wants ${wanted.join(', ') || 'nothing'}`);
  const training = withImports(wanted);
  const files = outputFiles.map(({ path, contents }) => {
    return { name: basename(path), contents, bytes: gzipSync(contents, { level: 9 }).length };
  });
  return {
    first: files.filter(({ name }) => first.has(name)),
    training: files.filter(({ name }) => training.has(name) && !first.has(name)),
    rest: files.filter(({ name }) => !training.has(name) && !first.has(name)),
  };
}

export const bytesOf = (files: readonly SentFile[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0);

/** Writes the files of a bundle into a folder. */
export function writeBundle(folder: string, { first, training, rest }: Sent): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, contents } of [...first, ...training, ...rest])
    writeFileSync(join(folder, name), contents);
}
