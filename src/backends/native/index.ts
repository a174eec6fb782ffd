import { fact, stateError } from '../../errors.js';
import type { Backend, BackendId, BackendProvider, BackendReport } from '../backend.js';
import { availableThreads } from './available-threads.js';
import { NativeExecutor } from './executor.js';
import { loadAddon } from './loader.js';

const instructionSets = {
  'native-avx512': 'AVX-512',
  'native-avx2': 'AVX2 + FMA',
  'native-neon': 'NEON',
  'native-scalar': 'scalar C++',
} satisfies Partial<Record<BackendId, string>>;

/** Below so many parameters no operation is worth dividing, in batches of a few hundred rows. */
const DIVISIBLE_PARAMETERS = 1000;

function threadsFor(threads: number | 'auto', parameters: number): number {
  if (threads !== 'auto') return threads;
  return parameters < DIVISIBLE_PARAMETERS ? 1 : availableThreads();
}

function reports(): BackendReport[] {
  const addon = loadAddon();
  const targets = typeof addon === 'string' ? [] : addon.targets();
  return Object.entries(instructionSets).map(([id, instructionSet]) => {
    const target = targets.find((one) => one.id === id);
    const reason = typeof addon === 'string' ? addon : target ? target.reason : 'not in this build';
    return { id: id as BackendId, kind: 'native', instructionSet, usable: reason === null, reason };
  });
}

/** C++ through Node-API, on the instruction sets that the addon was built for and the processor has. */
export const nativeProvider: BackendProvider = {
  kind: 'native',
  report: async function* () {
    yield* reports();
  },
  open: async (id): Promise<Backend> => {
    const report = reports().find((one) => one.id === id);
    const addon = loadAddon();
    if (!report?.usable || typeof addon === 'string') {
      throw stateError(
        'Cannot open backend',
        `${id} must be usable`,
        fact(report?.reason ?? 'no such backend'),
      );
    }
    return {
      ...report,
      precision: 'float32',
      draws: addon,
      createExecutor: async (plan, threads) => new NativeExecutor(addon, id, plan, threads),
      threadsFor,
    };
  },
};
