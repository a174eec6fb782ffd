// The package's install script. npm would compile binding.gyp by itself and fail the installation with it; this one
// compiles only where no prebuilt addon fits, and a failure costs one line: WebAssembly works everywhere.
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './lib.mjs';
import { buildAddon } from './native.mjs';

const compileLimitMs = 10 * 60_000;

function addonExists() {
  try {
    return existsSync(createRequire(import.meta.url)('node-gyp-build').path(root));
  } catch {
    return false;
  }
}

async function install() {
  if (addonExists()) return undefined;
  const nodeGyp = process.env.npm_config_node_gyp;
  if (!nodeGyp) return 'no prebuilt addon for this platform, and no node-gyp';
  const log = join(tmpdir(), `fastmlp-install-${process.pid}.log`);
  const reason = await buildAddon(nodeGyp, ['rebuild'], { log, timeout: compileLimitMs });
  if (!reason) rmSync(log, { force: true });
  return reason;
}

const reason = await install().catch((error) => error.message);
if (reason) console.error(`fastmlp: native backend not built: ${reason}; WebAssembly takes over`);
