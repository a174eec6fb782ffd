import type { Backend } from '../../src/backends/backend.js';
import { nativeProvider } from '../../src/backends/native/index.js';
import { referenceProvider } from '../../src/backends/reference/index.js';
import { wasmProvider } from '../../src/backends/wasm/node.js';
import { availableBackends, type BackendId } from '../../src/index.js';

const providers = [nativeProvider, wasmProvider, referenceProvider];

/** What the library says of every backend on this machine. */
export const reports = await availableBackends();

/** Ids of the backends that this machine can run: every suite that says "each backend" goes through these. */
export const usableIds: readonly BackendId[] = reports.filter(({ usable }) => usable).map(({ id }) => id);

export const nativeIds = usableIds.filter((id) => id.startsWith('native'));

/** Kinds that must be exercised, from FASTMLP_REQUIRE_BACKENDS (`native,wasm`). */
export const requiredKinds = (process.env.FASTMLP_REQUIRE_BACKENDS ?? '').split(',').filter(Boolean);

/** The backend of an id, below the public API. */
export async function openBackend(id: BackendId): Promise<Backend> {
  const kind = reports.find((report) => report.id === id)?.kind;
  const provider = providers.find((one) => one.kind === kind);
  if (!provider) throw new Error(`no provider for ${id}`);
  return provider.open(id);
}
