/** The part of an operation that this thread computes now: rows and columns of what it writes, or all of it. */
export class Share {
  /** Whether it is a part; without one the extents below say nothing. */
  static is_part: bool = false;
  static row_begin: i32 = 0;
  static row_end: i32 = 0;
  static column_begin: i32 = 0;
  static column_end: i32 = 0;

  @inline static first_row(): i32 {
    return Share.is_part ? Share.row_begin : 0;
  }

  @inline static end_row(rows: i32): i32 {
    return Share.is_part ? Share.row_end : rows;
  }

  @inline static first_column(): i32 {
    return Share.is_part ? Share.column_begin : 0;
  }

  @inline static end_column(columns: i32): i32 {
    return Share.is_part ? Share.column_end : columns;
  }
}
