import { describe, expect, it } from 'vitest';
import { reports, requiredKinds, usableIds } from '../support/backends.js';

describe('backends covered by this run', () => {
  for (const { id, instructionSet, usable, reason } of reports) {
    const name = usable ? `${id} (${instructionSet}) is exercised` : `${id} is not: ${reason}`;
    it.runIf(usable)(name, () => expect(usableIds).toContain(id));
  }

  it.each(requiredKinds.map((kind) => [kind]))('%s was required and is there', (kind) => {
    expect(reports.filter((report) => report.kind === kind && report.usable).map(({ id }) => id)).not.toEqual(
      [],
    );
  });

  it('reports every id once, best first, with a reason exactly where it cannot be used', () => {
    expect(reports.map(({ id }) => id)).toEqual([
      ...['native-avx512', 'native-avx2', 'native-neon', 'native-scalar'],
      ...['wasm-relaxed-simd', 'wasm-simd', 'reference'],
    ]);
    for (const { usable, reason } of reports) expect(usable).toBe(reason === null);
  });
});
