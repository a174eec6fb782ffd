/** Int32 places an operation takes in a plan: its opcode, its operands, zeros up to this width. */
export const OPERATION_STRIDE = 12;

/** What an integer of an operation is the place of: what an executor may have to turn into an address. */
export enum PlaceKind {
  none,
  buffer,
  scalar,
}
