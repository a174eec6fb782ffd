/**
 * The WebAssembly module: plans executed over linear memory that TypeScript lays out. Only kernels and their loop live
 * here; nothing is allocated or collected.
 */
export { operandCount, runSteps } from './executor';
export { runToEnd } from './run-control';
export { firstFree, useWorkspace, workspaceBytes } from './workspace';
