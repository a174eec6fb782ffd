import type { BinaryCode, ExtentCode, RowCode, UnaryCode } from '../opcodes.js';

/**
 * Expressions over the rows of a batch: what `defineActivation` and `defineLoss` trace a function into.
 *
 * A node is a B×U matrix (`full`), one number per unit (`units`), one per row (`row`), or one number (`constant`);
 * smaller ones are repeated where a larger one is wanted. Equal nodes are one object, so that common
 * subexpressions are computed once.
 */

/** Functions of one number. */
export type UnaryName = Exclude<keyof typeof UnaryCode, 'copy'>;

/** Functions of two numbers; comparisons give 1 or 0. */
export type BinaryName = keyof typeof BinaryCode;

/** Functions of a row. `firstMax` is 1 at the first largest number of the row and 0 elsewhere. */
export type RowName = keyof typeof RowCode;

/**
 * What an expression starts from: z of an activation; x and t of a loss; the gradient that flows back; and the scale
 * by which the reduction multiplies the gradient of a loss, one number.
 */
export type InputName = 'netInput' | 'output' | 'target' | 'gradient' | 'scale';

export type Extent = keyof typeof ExtentCode;

interface NodeBase {
  /** Order of creation; operands come before what uses them. */
  readonly id: number;
  readonly extent: Extent;
}

export type Node = NodeBase &
  (
    | { readonly kind: 'input'; readonly name: InputName }
    | { readonly kind: 'constant'; readonly value: number }
    | { readonly kind: 'units'; readonly values: readonly number[] }
    | { readonly kind: 'unary'; readonly name: UnaryName; readonly a: Node }
    | { readonly kind: 'binary'; readonly name: BinaryName; readonly a: Node; readonly b: Node }
    | { readonly kind: 'where'; readonly condition: Node; readonly a: Node; readonly b: Node }
    | { readonly kind: 'row'; readonly name: RowName; readonly a: Node }
  );

/** Operands of a node, in order. */
export function operandsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'unary':
    case 'row':
      return [node.a];
    case 'binary':
      return [node.a, node.b];
    case 'where':
      return [node.condition, node.a, node.b];
    default:
      return [];
  }
}

/** Nodes that `roots` need, operands first. */
export function nodesBelow(roots: readonly Node[]): Node[] {
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    operandsOf(node).forEach(visit);
    seen.add(node);
  };
  roots.forEach(visit);
  return [...seen];
}

/** The extent that holds both: a row of units makes a full matrix. */
export function joined(a: Extent, b: Extent): Extent {
  if (a === b || b === 'constant') return a;
  return a === 'constant' ? b : 'full';
}
