/** Sizes of the blocks of a product, in elements, and from where on what pays. */
export class Block {
  /** Rows of a tile: what 16 vector registers hold. A product that is rounded before it is added takes one of them. */
  static readonly tile_rows: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
  static readonly depth: i32 = 256;
  static readonly columns: i32 = 256;
  /** With fewer rows or columns of C, B is read where it lies. */
  static readonly packing_rows: i32 = 24;
  static readonly packing_columns: i32 = 32;
  /** Rows that are a multiple of this apart crowd few sets of the cache: then a transposed A is packed as well. */
  static readonly conflict_bytes: usize = 1024;
  /** Up to this many rows of C, a B given as its transpose is read by dot products. */
  static readonly dot_rows: i32 = 3;
}

/** Memory of the kernels, between the static data and what TypeScript hands out. Addresses. */
export class Workspace {
  /** Panels of B: Block.depth × Block.columns numbers. */
  static readonly panels: usize = (__heap_base + 63) & ~63;
  /** A row of tiles of A: up to six rows × Block.depth numbers. */
  static readonly a: usize = Workspace.panels + ((<usize>Block.depth * <usize>Block.columns) << 2);
  /** A tile of C that has fewer than eight columns: six rows of eight numbers. */
  static readonly c: usize = Workspace.a + ((<usize>Block.depth * 6) << 2);
  /** A row of tiles that is to be added to C: up to six rows × Block.columns numbers. */
  static readonly sums: usize = Workspace.c + 6 * 32;
}

/** Address from which on memory is free for plans and rows. */
export function firstFree(): usize {
  return Workspace.sums + ((<usize>Block.columns * 6) << 2);
}

/** Eight zeros. */
export const ZEROS: usize = memory.data(32, 16);
/** The number 1. */
export const ONE: usize = memory.data<f32>([1]);
