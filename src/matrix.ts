/** A row-major matrix. `data` holds `rows * columns` numbers; float64 on the reference backend, float32 elsewhere. */
export class Matrix {
  constructor(
    readonly data: Float32Array | Float64Array,
    readonly rows: number,
    readonly columns: number,
  ) {}

  /** A view of row `index`, without copying. */
  row(index: number): Float32Array | Float64Array {
    return this.data.subarray(index * this.columns, (index + 1) * this.columns);
  }

  /** A copy as nested arrays, one per row. */
  toArrays(): number[][] {
    return Array.from({ length: this.rows }, (_, index) => Array.from(this.row(index)));
  }
}
