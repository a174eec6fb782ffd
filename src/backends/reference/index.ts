import type { Backend, BackendProvider } from '../backend.js';

const reference: Backend = {
  id: 'reference',
  kind: 'reference',
  instructionSet: 'float64 JavaScript',
  usable: true,
  reason: null,
  precision: 'float64',
  // In a chunk of its own: most pages never need it.
  createExecutor: async (plan) => new (await import('./executor.js')).ReferenceExecutor(plan),
  threadsFor: () => 1,
};

/** The definition of every operation, in plain TypeScript; always usable. */
export const referenceProvider: BackendProvider = {
  kind: 'reference',
  report: async function* () {
    yield reference;
  },
  open: async () => reference,
};
