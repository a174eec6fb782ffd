/**
 * The WebAssembly module: plans executed over linear memory that TypeScript lays out. Only kernels and their loop live
 * here; nothing is allocated or collected.
 */
import { operand_count, run_steps } from './executor';
import { Workspace } from './workspace';

/** Operands the module reads of an operation, −1 if it does not implement it. */
export function operandCount(opcode: i32): i32 {
  return operand_count(opcode);
}

/** Address from which on memory is free for plans and rows. */
export function firstFree(): usize {
  return Workspace.end;
}

/** Executes steps; `words` is the address of a descriptor laid out as `RunWord`. */
export function runSteps(words: usize): void {
  run_steps(words);
}
