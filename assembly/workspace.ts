/** Sizes of the blocks of a product, in elements, and from where on what pays. */
export class Block {
  /** Rows of a tile: what 16 vector registers hold. A product that is rounded before it is added takes one of them. */
  static readonly tile_rows: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5;
  static readonly depth: i32 = 256;
  static readonly columns: i32 = 256;
  /** With fewer rows or columns of C, B is read where it lies. */
  static readonly packing_rows: i32 = 24;
  static readonly packing_columns: i32 = 32;
  /** Up to this many rows of C, a B given as its transpose is read by dot products. */
  static readonly dot_rows: i32 = 3;
  /** Numbers of a row of tiles, or of a transposed product. */
  static readonly sums: i32 = Block.columns * 6;
}

const PANEL_BYTES: usize = (<usize>Block.depth * <usize>Block.columns) << 2;
const A_BYTES: usize = (<usize>Block.depth * 6) << 2;
const C_BYTES: usize = 6 * 32;
const SUMS_BYTES: usize = (<usize>Block.sums) << 2;
const REPEATED_BYTES: usize = 3 * 16;
const LARGE_BYTES: usize = 3 * 16;
const LAST_BYTES: usize = 2 * 16;

/** Memory of the kernels. Every thread has its own; the first lies behind the static data. Addresses. */
export class Workspace {
  private static readonly first: usize = (__heap_base + 63) & ~63;
  /** Panels of B: Block.depth × Block.columns numbers. */
  static panels: usize = Workspace.first;
  /** A row of tiles of A: up to six rows × Block.depth numbers. */
  static a: usize = Workspace.first + PANEL_BYTES;
  /** A tile of C that has fewer than eight columns: six rows of eight numbers. */
  static c: usize = Workspace.first + PANEL_BYTES + A_BYTES;
  /** A row of tiles that is to be added to C: up to six rows × Block.columns numbers. */
  static sums: usize = Workspace.first + PANEL_BYTES + A_BYTES + C_BYTES;
  /** Operands of expressions that are repeated, four times each: one vector an operand. */
  static repeated: usize = Workspace.first + PANEL_BYTES + A_BYTES + C_BYTES + SUMS_BYTES;
  /** What the reduction of large arguments of sine and cosine works on: the arguments, their rests, their quarter turns. */
  static large: usize = Workspace.first + PANEL_BYTES + A_BYTES + C_BYTES + SUMS_BYTES + REPEATED_BYTES;
  /** The last numbers of operands that do not fill a vector. */
  static last: usize =
    Workspace.first + PANEL_BYTES + A_BYTES + C_BYTES + SUMS_BYTES + REPEATED_BYTES + LARGE_BYTES;
}

/** Bytes of a workspace. */
export function workspaceBytes(): usize {
  return PANEL_BYTES + A_BYTES + C_BYTES + SUMS_BYTES + REPEATED_BYTES + LARGE_BYTES + LAST_BYTES;
}

/** Gives this instance, of a thread of its own, a workspace at that address. */
export function useWorkspace(address: usize): void {
  Workspace.panels = address;
  Workspace.a = Workspace.panels + PANEL_BYTES;
  Workspace.c = Workspace.a + A_BYTES;
  Workspace.sums = Workspace.c + C_BYTES;
  Workspace.repeated = Workspace.sums + SUMS_BYTES;
  Workspace.large = Workspace.repeated + REPEATED_BYTES;
  Workspace.last = Workspace.large + LARGE_BYTES;
}

/** Address from which on memory is free for plans and rows. */
export function firstFree(): usize {
  return ((__heap_base + 63) & ~63) + workspaceBytes();
}

/** 32 zeros. What is static here is never written: every thread has it at the same place. */
export const ZEROS: usize = memory.data(128, 16);
/** The number 1. */
export const ONE: usize = memory.data<f32>([1]);
