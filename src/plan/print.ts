import { OPERATION_STRIDE } from './encoding.js';
import { codeNamesOf, operationOf } from './known-operations.js';
import type { Plan } from './plan.js';

/** The text of a plan: its buffers and scalars, then every program, one operation a line. */
export function printPlan(plan: Omit<Plan, 'toString'>): string {
  const names = new Map(plan.buffers.map((buffer) => [buffer.offset, buffer.name]));
  const lines = [
    `arena: ${plan.arenaLength} elements, ${plan.persistentLength} of them persistent; ` +
      `batches of up to ${plan.batchCapacity} rows`,
    '',
    ...table(
      ['buffer', 'role', 'offset', 'shape'],
      plan.buffers.map(({ name, role, offset, rows, columns, perRow }) => {
        return [name, role, String(offset), `${perRow ? 'B' : rows} x ${columns}`];
      }),
    ),
    '',
    ...table(
      ['scalar', 'initial'],
      plan.scalars.map(({ name, initial }) => [name, String(initial)]),
    ),
  ];
  for (const [name, { begin, end }] of Object.entries(plan.programs)) {
    lines.push('', `program ${name}`);
    for (let index = begin; index < end; index++) lines.push(`  ${printOperation(plan, names, index)}`);
  }
  return lines.join('\n');
}

function printOperation(plan: Omit<Plan, 'toString'>, names: Map<number, string>, index: number): string {
  const words = plan.operations.subarray(index * OPERATION_STRIDE, (index + 1) * OPERATION_STRIDE);
  const operation = operationOf(words[0]);
  const operands = operation.operands.map(([name, kind], position) => {
    const value = words[position + 1];
    if (value < 0) return `${name}=-`;
    if (kind === 'buffer') return `${name}=${names.get(value) ?? `@${value}`}`;
    if (kind === 'scalar') return `${name}=${plan.scalars[value].name}`;
    return `${name}=${codeNamesOf(operation, kind)?.[value] ?? value}`;
  });
  return `${operation.name} ${operands.join(' ')}`;
}

function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
