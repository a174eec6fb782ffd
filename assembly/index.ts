/**
 * The WebAssembly module: plans executed over linear memory that TypeScript lays out. Only kernels and their loop live
 * here; nothing is allocated or collected.
 */
export { operandCount, runSteps } from './executor';
export { hasNonFinite } from './finite';
export { runToEnd } from './run-control';
export { help, leadTeam, teamBytes } from './team';
export { firstFree, useWorkspace, workspaceBytes } from './workspace';
