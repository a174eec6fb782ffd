/** The basic module: one thread, the operations of basic plans. `index.ts` is the whole one. */
export { operandCount, runSteps } from './executor';
export { hasNonFinite } from './finite';
export { firstFree, useWorkspace, workspaceBytes } from './workspace';
