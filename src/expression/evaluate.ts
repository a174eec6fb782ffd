import { binaryFunctions, unaryFunctions } from './functions.js';
import { type InputName, type Node, nodesBelow } from './nodes.js';

/** A matrix for plain evaluation: one array per row. */
export type PlainRows = readonly (readonly number[])[];

/** Evaluates an expression on whole matrices, in float64, node by node: what the lowered form must agree with. */
export function evaluate(root: Node, inputs: Readonly<Partial<Record<InputName, PlainRows>>>): number[][] {
  const [{ length: rows }, columns] = shapeOf(inputs);
  const values = new Map<Node, number[][]>();
  const fill = (at: (r: number, j: number) => number): number[][] =>
    Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_unit, j) => at(r, j)));
  for (const node of nodesBelow([root])) values.set(node, nodeValue(node, values, inputs, fill));
  return values.get(root) as number[][];
}

function shapeOf(inputs: Readonly<Partial<Record<InputName, PlainRows>>>): [PlainRows, number] {
  const [first = [[0]]] = Object.values(inputs);
  return [first, first[0].length];
}

function nodeValue(
  node: Node,
  values: ReadonlyMap<Node, number[][]>,
  inputs: Readonly<Partial<Record<InputName, PlainRows>>>,
  fill: (at: (r: number, j: number) => number) => number[][],
): number[][] {
  const of = (operand: Node): number[][] => values.get(operand) as number[][];
  switch (node.kind) {
    case 'input': {
      const given = inputs[node.name] as PlainRows;
      return fill((r, j) => given[r][j]);
    }
    case 'constant':
      return fill(() => node.value);
    case 'units':
      return fill((_, j) => node.values[j]);
    case 'unary':
      return fill((r, j) => unaryFunctions[node.name](of(node.a)[r][j]));
    case 'binary':
      return fill((r, j) => binaryFunctions[node.name](of(node.a)[r][j], of(node.b)[r][j]));
    case 'where':
      return fill((r, j) => (of(node.condition)[r][j] !== 0 ? of(node.a) : of(node.b))[r][j]);
    case 'row': {
      const rows = of(node.a);
      if (node.name === 'rowSum') return fill((r) => rows[r].reduce((sum, value) => sum + value, 0));
      if (node.name === 'rowMax') return fill((r) => Math.max(...rows[r]));
      return fill((r, j) => Number(rows[r].indexOf(Math.max(...rows[r])) === j));
    }
  }
}
