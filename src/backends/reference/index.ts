import type { Backend, BackendProvider } from '../backend.js';
import { ReferenceExecutor } from './executor.js';

const reference: Backend = {
  id: 'reference',
  kind: 'reference',
  instructionSet: 'float64 JavaScript',
  usable: true,
  reason: null,
  precision: 'float64',
  createExecutor: async (plan) => new ReferenceExecutor(plan),
  threadsFor: () => 1,
};

/** The definition of every operation, in plain TypeScript; always usable. */
export const referenceProvider: BackendProvider = {
  kind: 'reference',
  report: async () => [reference],
  open: async () => reference,
};
