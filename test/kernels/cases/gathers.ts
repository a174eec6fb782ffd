import type { OperationCase } from '../../support/operation-case.js';
import { tolerance } from '../../support/tolerances.js';
import { make, read, rowCounts, widths, written } from './making.js';

export function* gathers(): Generator<OperationCase> {
  for (const columns of widths) {
    for (const bytes of [false, true]) {
      for (const transform of ['none', 'scale', 'offset', 'both', 'columns'] as const) {
        const rows = 5;
        const dataRows = 9;
        const drawn = { length: dataRows * columns };
        const inputs = bytes
          ? Uint8Array.from(drawn, (_, index) => (index * 37) % 256)
          : Float32Array.from(drawn, (_, index) => Math.sin(index));
        const per = transform === 'columns' ? columns : 1;
        yield make({
          name: 'gather_rows',
          rows,
          dataRows,
          data: { inputs },
          order: Uint32Array.of(8, 0, 3, 3, 7),
          operands: {
            output: written(rows * columns, tolerance.elementwise(), 256),
            columns,
            scale: transform === 'none' || transform === 'offset' ? -1 : read(per),
            offset: transform === 'none' || transform === 'scale' ? -1 : read(per),
            perColumn: Number(transform === 'columns'),
            inPlace: Number(bytes),
          },
        });
      }
    }
    const targets = Float32Array.from({ length: 4 * columns }, (_, index) => Math.cos(index));
    yield make({
      name: 'gather_targets',
      rows: 3,
      dataRows: 4,
      data: { inputs: new Float32Array(4), targets },
      order: Uint32Array.of(3, 1, 1),
      operands: { output: written(3 * columns, tolerance.exact()), columns, width: columns, first: 0 },
    });
    yield make({
      name: 'gather_targets',
      rows: 2,
      dataRows: 2,
      data: {
        inputs: new Float32Array(2),
        targets: Float32Array.from({ length: 2 * columns + 4 }, (_, index) => Math.sin(index)),
      },
      order: Uint32Array.of(1, 0),
      operands: { output: written(2 * columns, tolerance.exact()), columns, width: columns + 2, first: 2 },
    });
    yield make({
      name: 'store_rows',
      rows: 4,
      resultLength: 4 * columns,
      operands: { output: read(4 * columns), units: columns },
    });
  }
  for (const rows of rowCounts) {
    const labels = Int32Array.from({ length: rows + 2 }, (_, row) => (row * 5) % 11);
    const order = Uint32Array.from({ length: rows }, (_, row) => (row * 3) % (rows + 2));
    yield make({
      name: 'gather_labels',
      rows,
      dataRows: rows + 2,
      data: { inputs: new Float32Array(rows + 2), labels },
      order,
      operands: { output: written(rows, tolerance.exact()) },
    });
    yield make({
      name: 'sum_losses',
      rows,
      operands: { rowLosses: read(rows) },
      scalarTolerance: 1e-12,
    });
  }
}
