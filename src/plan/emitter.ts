import type { Opcode } from '../opcodes.js';
import { OPERATION_STRIDE } from './encoding.js';
import { operationNamed } from './known-operations.js';
import type { Program, ProgramName } from './plan.js';

/** Collects operations, checking each call against the list of operations. */
export class Emitter {
  readonly #words: number[] = [];
  readonly programs: Partial<Record<ProgramName, Program>> = {};

  /** Emits one operation; `operands` must be exactly those of the list. */
  emit(name: keyof typeof Opcode, operands: Readonly<Record<string, number>>): void {
    const { code, operands: expected } = operationNamed(name);
    const words = expected.map(([operand]) => {
      const value = operands[operand];
      if (!Number.isInteger(value)) throw new Error(`${name}: operand ${operand} is missing`);
      return value;
    });
    if (Object.keys(operands).length !== words.length) throw new Error(`${name}: unknown operand`);
    this.#words.push(code, ...words);
    while (this.#words.length % OPERATION_STRIDE !== 0) this.#words.push(0);
  }

  /** Runs `body` and records what it emits as a program. */
  program(name: ProgramName, body: () => void): void {
    const begin = this.#words.length / OPERATION_STRIDE;
    body();
    this.programs[name] = { begin, end: this.#words.length / OPERATION_STRIDE };
  }

  operations(): Int32Array {
    return Int32Array.from(this.#words);
  }
}
