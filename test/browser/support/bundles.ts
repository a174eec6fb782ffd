import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { build as vite } from 'vite';
import webpack from 'webpack';
import { installTarball, packTarball } from '../../package/consumer.js';
import { pageModule } from './server.js';

/** A user's project below `folder`, with the packed library installed and an application that imports it by name. */
export async function createProject(folder: string): Promise<string> {
  const project = join(folder, 'a project');
  mkdirSync(join(folder, 'packing'));
  installTarball(project, packTarball(join(folder, 'packing'), { prebuild: false }));
  for (const name of ['report', 'scenarios', 'keeping'])
    writeFileSync(join(project, `${name}.js`), await pageModule(name));
  writeFileSync(
    join(project, 'app.js'),
    "import * as fastmlp from 'fastmlp';\nimport { report } from './report.js';\nreport(Promise.resolve(fastmlp));\n",
  );
  const script = '<script type="module" src="./app.js"></script>';
  writeFileSync(join(project, 'index.html'), `<!doctype html><meta charset="utf-8">${script}`);
  return project;
}

/** A bundle: its folder, and the script in it that a page loads. */
export interface Bundle {
  readonly folder: string;
  readonly script: string;
}

type Bundler = (project: string) => Promise<Bundle>;

/** Each with nothing but its entry and where the result goes. */
export const bundlers: Record<string, Bundler> = {
  async vite(project) {
    const folder = join(project, 'with-vite');
    await vite({ root: project, logLevel: 'error', base: '/bundle/', build: { outDir: folder } });
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    const script = /src="([^"]+)"/.exec(page)?.[1];
    if (script === undefined) throw new Error(`no script in ${page}`);
    return { folder, script };
  },

  async esbuild(project) {
    const folder = join(project, 'with-esbuild');
    await esbuild({
      entryPoints: [join(project, 'app.js')],
      bundle: true,
      format: 'esm',
      outdir: folder,
      logLevel: 'error',
    });
    return { folder, script: '/bundle/app.js' };
  },

  async webpack(project) {
    const folder = join(project, 'with-webpack');
    await new Promise<void>((resolve, reject) => {
      webpack({ context: project, entry: './app.js', output: { path: folder } }, (error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors()) reject(new Error(stats.toString('errors-only')));
        else resolve();
      });
    });
    return { folder, script: '/bundle/main.js' };
  },
};
