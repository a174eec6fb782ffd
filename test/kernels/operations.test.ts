import { describe, expect, it } from 'vitest';
import { kernels } from '../../src/backends/reference/kernels.js';
import { Opcode } from '../../src/opcodes.js';
import { basicOperations, furtherOperations, operations } from '../../src/plan/operations.js';
import { openBackend, usableIds } from '../support/backends.js';
import { judge } from '../support/operation-case.js';
import { operationCases } from './operation-cases.js';

describe('the list of operations', () => {
  it('names every opcode in its order', () => {
    expect(operations.map(({ name }) => Opcode[name])).toEqual(operations.map((_, index) => index));
    expect(operations.map(({ name }) => name)).toEqual(
      Object.values(Opcode).filter((key) => typeof key === 'string'),
    );
  });

  it('has each operation in one of its parts, under its code', () => {
    for (const [code, operation] of Object.entries({ ...basicOperations, ...furtherOperations }))
      expect(operation).toEqual({ ...operations[Number(code)], code: Number(code) });
    const [basic, further] = [basicOperations, furtherOperations].map((part) => Object.keys(part).length);
    expect(basic + further).toBe(operations.length);
  });

  it('is what the reference defines', () => {
    expect(Object.keys(kernels).sort()).toEqual(operations.map(({ name }) => name).sort());
  });

  it('is covered by the cases below', () => {
    const covered = new Set(
      Object.values(operationCases).flatMap((cases) => [...cases()].map(({ name }) => name)),
    );
    expect([...covered].sort()).toEqual(operations.map(({ name }) => name).sort());
  });
});

describe.each(usableIds.filter((id) => id !== 'reference'))('operations on %s match the reference', (id) => {
  it.each(Object.keys(operationCases))('%s', async (group) => {
    const backend = await openBackend(id);
    const complaints: string[] = [];
    for (const test of operationCases[group]()) {
      const complaint = await judge(backend, test);
      if (complaint) complaints.push(complaint);
    }
    expect(complaints.slice(0, 10).join('\n')).toBe('');
  });
});
