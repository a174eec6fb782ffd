import { ReductionCode } from '../src/opcodes';

/** The batch at hand. Addresses are bytes; those of data rows are 0 where a run has none. */
export class Batch {
  /** Rows of the batch. */
  static rows: i32 = 0;
  /** Position of its first row in the epoch. */
  static position: u32 = 0;
  /** Data row of each row of the batch, or 0 for the rows from `position` on. */
  static order: usize = 0;
  /** The rows a run reads, row-major, from the row of position 0 on. */
  static inputs: usize = 0;
  static input_element: i32 = 0;
  /** Where rows would be gathered that products read where they lie in `inputs`; or 0. */
  static in_place: usize = 0;
  static targets: usize = 0;
  static labels: usize = 0;
  /** Where `store_rows` puts the row of position 0. */
  static result: usize = 0;
  /** The table of float64 scalars. */
  static scalars: usize = 0;

  /** Data row of row r. */
  @inline static source_row(r: i32): usize {
    if (Batch.order === 0) return <usize>Batch.position + r;
    return load<u32>(Batch.order + ((<usize>r) << 2));
  }

  /** Where the rows lie of a product that reads `columns` numbers each at `input`. */
  static input_of(input: usize, columns: i32): usize {
    return input === Batch.in_place ? Batch.inputs + ((<usize>Batch.position * columns) << 2) : input;
  }

  /** What the reduction multiplies the derivatives of each row by. */
  @inline static reduction_scale(reduction: i32): f32 {
    return reduction === ReductionCode.mean ? <f32>1 / <f32>Batch.rows : 1;
  }
}
