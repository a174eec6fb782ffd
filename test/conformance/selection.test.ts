import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Backend,
  type BackendProvider,
  type BackendReport,
  backendIds,
} from '../../src/backends/backend.js';
import { listBackends, selectBackend } from '../../src/backends/select.js';
import { createTrainer, dense, sgd } from '../../src/index.js';
import { reports, usableIds } from '../support/backends.js';

/** Providers of which exactly `usable` can be used. */
function providersWith(usable: readonly string[]): BackendProvider[] {
  return (['wasm', 'reference', 'native'] as const).map((kind) => {
    const reported = backendIds
      .filter((id) => id.startsWith(kind))
      .map((id): BackendReport => {
        const can = usable.includes(id);
        return { id, kind, instructionSet: id, usable: can, reason: can ? null : `no ${id} here` };
      });
    return {
      kind,
      report: async function* () {
        yield* reported;
      },
      open: async (id) => ({ ...reported.find((report) => report.id === id) }) as Backend,
    };
  });
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('selection', () => {
  it('lists backends best first whatever the order of providers', async () => {
    expect((await listBackends(providersWith([]))).map(({ id }) => id)).toEqual(backendIds);
  });

  it('takes the best that can be used and keeps the reasons against the better ones', async () => {
    const { backend, rejected } = await selectBackend(
      providersWith(['native-scalar', 'wasm-simd', 'reference']),
    );
    expect(backend.id).toBe('native-scalar');
    expect(rejected).toEqual([
      { id: 'native-avx512', reason: 'no native-avx512 here' },
      { id: 'native-avx2', reason: 'no native-avx2 here' },
      { id: 'native-neon', reason: 'no native-neon here' },
    ]);
  });

  it('takes the best of a kind', async () => {
    const { backend, rejected } = await selectBackend(providersWith(['native-avx2', 'wasm-simd']), 'wasm');
    expect([backend.id, rejected.map(({ id }) => id)]).toEqual(['wasm-simd', ['wasm-relaxed-simd']]);
  });

  it('falls back to the reference only with a warning', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect((await selectBackend(providersWith(['reference']))).backend.id).toBe('reference');
    expect(warn.mock.calls.join()).toContain('training will be slow');
    warn.mockClear();
    await selectBackend(providersWith(['reference']), 'reference');
    expect(warn).not.toHaveBeenCalled();
  });

  it('never falls back from a forced choice', async () => {
    const refused = selectBackend(providersWith(['wasm-simd', 'reference']), 'native-avx2');
    await expect(refused).rejects.toThrow(
      "Cannot create trainer: backend 'native-avx2' must be usable on this machine: received native-avx2: no native-avx2 here",
    );
    await expect(selectBackend(providersWith(['reference']), 'native')).rejects.toThrow(
      'native-scalar: no native-scalar here',
    );
  });

  it('follows FASTMLP_BACKEND where nothing else was asked for', async () => {
    vi.stubEnv('FASTMLP_BACKEND', 'wasm-simd');
    const providers = providersWith(['native-avx2', 'wasm-simd']);
    expect((await selectBackend(providers)).backend.id).toBe('wasm-simd');
    expect((await selectBackend(providers, 'native-avx2')).backend.id).toBe('native-avx2');
    vi.stubEnv('FASTMLP_BACKEND', 'gpu');
    await expect(selectBackend(providers)).rejects.toThrow(
      'FASTMLP_BACKEND must be one of auto, native, wasm',
    );
    vi.stubEnv('FASTMLP_BACKEND', 'native-neon');
    await expect(selectBackend(providers)).rejects.toThrow('native-neon: no native-neon here');
  });
});

describe('a trainer', () => {
  const config = {
    inputs: 1,
    layers: [dense({ units: 1 })],
    loss: 'squaredError',
    optimizer: sgd(),
  } as const;

  it.each(usableIds)('runs on %s when told to, and says so', async (backend) => {
    const trainer = await createTrainer({ ...config, backend });
    const { id, kind, instructionSet } = reports.find((report) => report.id === backend) ?? {};
    const placement = { threads: 1, worker: kind !== 'reference', notes: [] };
    expect(trainer.backend).toEqual({ id, kind, instructionSet, ...placement, rejected: [] });
    trainer.dispose();
  });

  it('runs on the best backend by itself', async () => {
    vi.stubEnv('FASTMLP_BACKEND', '');
    const trainer = await createTrainer(config);
    expect(trainer.backend.id).toBe(usableIds[0]);
    expect(trainer.backend.rejected.map(({ id }) => id)).toEqual(
      backendIds.slice(0, backendIds.indexOf(usableIds[0])),
    );
    trainer.dispose();
  });
});
