/** Sizes of the blocks of a product, in elements, and from where on what pays. */
export class Block {
  /** Rows of a tile: as many as the 16 vector registers of x64 hold without spilling. */
  static readonly tile_rows: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 6;
  static readonly depth: i32 = 256;
  static readonly columns: i32 = 256;
  /** Fewer rows of C, or as few columns, read B where it lies. */
  static readonly packing_rows: i32 = 16;
  static readonly unpacked_columns: i32 = 16;
  /** Up to this many rows, a B given as its transpose is read by dot products. */
  static readonly dot_rows: i32 = 3;
}

/** Memory of the kernels, between the static data and what TypeScript hands out. Addresses. */
export class Workspace {
  /** Panels of B: Block.depth × Block.columns numbers. */
  static readonly panels: usize = (__heap_base + 63) & ~63;
  /** A tile of C that has fewer than eight columns: six rows of eight numbers. */
  static readonly tile: usize = Workspace.panels + ((<usize>Block.depth * <usize>Block.columns) << 2);
  static readonly end: usize = Workspace.tile + 6 * 32;
}

/** A vector pair of zeros. */
export const ZEROS: usize = memory.data(32, 16);
/** The number 1. */
export const ONE: usize = memory.data<f32>([1]);
