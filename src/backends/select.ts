import { fact, rangeError, requireName, stateError } from '../errors.js';
import {
  type Backend,
  type BackendId,
  type BackendKind,
  type BackendProvider,
  type BackendReport,
  backendIds,
} from './backend.js';

/** What a user may ask for: `auto`, the best of one kind, or an exact id. */
export type BackendChoice = 'auto' | BackendKind | BackendId;

const choices: readonly BackendChoice[] = ['auto', 'native', 'wasm', ...backendIds];

/** A backend that was better placed and could not be used. */
export interface RejectedBackend {
  readonly id: BackendId;
  readonly reason: string;
}

/** Reports of all providers, best first. */
export async function listBackends(providers: readonly BackendProvider[]): Promise<BackendReport[]> {
  const reports: BackendReport[] = [];
  for (const provider of providers) {
    for await (const { id, kind, instructionSet, usable, reason } of provider.report())
      reports.push({ id, kind, instructionSet, usable, reason });
  }
  return reports.sort((a, b) => backendIds.indexOf(a.id) - backendIds.indexOf(b.id));
}

/** Reports of the backends that a choice allows, best first; each is found out when it is asked for. */
async function* candidatesFor(
  providers: readonly BackendProvider[],
  wanted: BackendChoice,
): AsyncGenerator<{ report: BackendReport; provider: BackendProvider }> {
  const kinds = ['native', 'wasm', 'reference'] as const;
  for (const kind of kinds) {
    const provider = providers.find((one) => one.kind === kind);
    if (!provider || (wanted !== 'auto' && !wanted.startsWith(kind))) continue;
    for await (const report of provider.report()) {
      if (wanted === 'auto' || wanted === kind || wanted === report.id) yield { report, provider };
    }
  }
}

/** The choice of the environment variable FASTMLP_BACKEND, where there is an environment. */
function environmentChoice(): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.FASTMLP_BACKEND || undefined;
}

/**
 * Opens the backend asked for. `auto` follows FASTMLP_BACKEND if set, else takes the first usable one and keeps the
 * reasons against those before it. A forced choice never falls back.
 */
export async function selectBackend(
  providers: readonly BackendProvider[],
  choice: unknown = 'auto',
): Promise<{ backend: Backend; rejected: RejectedBackend[] }> {
  requireName('Cannot create trainer', 'backend', choice, choices);
  const fromEnvironment = choice === 'auto' ? environmentChoice() : undefined;
  if (fromEnvironment !== undefined) {
    requireName('Cannot create trainer', 'FASTMLP_BACKEND', fromEnvironment, choices);
  }
  const wanted = (fromEnvironment ?? choice) as BackendChoice;
  const rejected: RejectedBackend[] = [];
  for await (const { report, provider } of candidatesFor(providers, wanted)) {
    const { id, kind, usable, reason } = report;
    if (!usable) {
      rejected.push({ id, reason: reason ?? 'not usable' });
      continue;
    }
    const backend = await provider.open(id);
    if (wanted === 'auto' && kind === 'reference') warnOfReference(rejected);
    return { backend, rejected };
  }
  const reasons = rejected.map(({ id, reason }) => `${id}: ${reason}`).join('; ');
  throw stateError(
    'Cannot create trainer',
    `backend '${wanted}' must be usable on this machine`,
    fact(reasons || 'no such backend here'),
  );
}

function warnOfReference(rejected: readonly RejectedBackend[]): void {
  const reasons = rejected.map(({ id, reason }) => `  ${id}: ${reason}`).join('\n');
  console.warn(
    `fastmlp: neither the native nor a WebAssembly backend could be loaded; training will be slow\n${reasons}`,
  );
}

/** `auto` or a number of threads, checked. */
export function checkThreads(threads: unknown = 'auto'): number | 'auto' {
  if (threads === 'auto') return threads;
  if (typeof threads === 'number' && Number.isInteger(threads) && threads >= 1 && threads <= 256)
    return threads;
  throw rangeError('Cannot create trainer', "threads must be 'auto' or an integer from 1 to 256", threads);
}
