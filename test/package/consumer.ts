import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const addon = join(root, 'build', 'Release', 'fastmlp_native.node');

export const addonIsBuilt = existsSync(addon);

/** A new folder; its name has a space because users' folders do. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'fastmlp package-'));
}

function npm(folder: string, args: string[]): string {
  const windows = process.platform === 'win32';
  return execFileSync('npm', [...args, '--loglevel=error'], {
    cwd: folder,
    encoding: 'utf8',
    shell: windows,
  });
}

/**
 * Packs the clone into `folder` and returns the tarball's path. A packed prebuild is the addon of this clone, or none:
 * what an earlier `npm run prebuilds` left behind is not tested.
 */
export function packTarball(folder: string, { prebuild }: { prebuild: boolean }): string {
  const source = join(folder, prebuild ? 'with-prebuild' : 'without-prebuild');
  const { files } = JSON.parse(npm(root, ['pack', '--dry-run', '--json', '--ignore-scripts']))[0] as {
    files: { path: string }[];
  };
  for (const { path } of files) {
    if (!path.startsWith('prebuilds/')) cpSync(join(root, path), join(source, path));
  }
  if (prebuild) {
    const target = join(source, 'prebuilds', `${process.platform}-${process.arch}`);
    mkdirSync(target, { recursive: true });
    cpSync(addon, join(target, 'fastmlp.node'));
  }
  const [{ filename }] = JSON.parse(npm(source, ['pack', '--json', '--ignore-scripts'])) as [
    { filename: string },
  ];
  return join(source, filename);
}

/** A project at `folder` with the tarball installed as a user does, but without network and without scripts. */
export function installTarball(folder: string, tarball: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };
  for (const [path, { dev, devOptional }] of Object.entries(lock.packages)) {
    if (path !== '' && !dev && !devOptional)
      cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  npm(folder, ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball]);
}

/** Without compilers, and without what would change the choice of a backend. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const { CC: _cc, CXX: _cxx, FASTMLP_BACKEND: _backend, ...environment } = process.env;
  return { ...environment, PATH: '' };
}

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a script with this Node in `folder`, without compilers on the PATH. */
export function runScript(folder: string, args: string[], environment: NodeJS.ProcessEnv = {}): Finished {
  return spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...bareEnvironment(), ...environment },
  });
}

/** Runs the install script of the installed package as npm would. */
export function runInstallScript(folder: string, environment: NodeJS.ProcessEnv = {}): Finished {
  const nodeGyp = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  return runScript(join(folder, 'node_modules', 'fastmlp'), ['tools/install.mjs'], {
    npm_config_node_gyp: nodeGyp,
    TMPDIR: folder,
    ...environment,
  });
}

/** Type-checks the project's files strictly, declarations of fastmlp included, with TypeScript's own library only. */
export function checkTypes(folder: string): Finished {
  const compilerOptions = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  return runScript(folder, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.']);
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
