import type { Builder } from './builder.js';
import { type Extent, type Node, nodesBelow } from './nodes.js';

/**
 * The vector-Jacobian product of an expression: given `root` and the gradient of the loss with respect to it, the
 * gradient with respect to the input `of`, as an expression (reverse accumulation over the graph; where rows mix,
 * sums over the row carry the gradient back). A gradient of full extent is that of every column of the root.
 */
export function derive(builder: Builder, root: Node, gradient: Node, of: Node): Node {
  const adjoints = new Map<Node, Node>();
  const add = (node: Node, contribution: Node, user: Extent): void => {
    if (node.extent !== 'full' && node.extent !== 'row') return;
    // A number of a row that a whole row uses gets the sum of what its users get.
    const summed = node.extent === 'row' && user === 'full';
    const fitted = summed ? builder.row('rowSum', contribution) : contribution;
    const present = adjoints.get(node);
    adjoints.set(node, present ? builder.binary('add', present, fitted) : fitted);
  };
  add(root, gradient, gradient.extent === 'full' ? 'full' : root.extent);
  for (const node of nodesBelow([root]).reverse()) {
    const adjoint = adjoints.get(node);
    const user = node.kind === 'row' ? 'full' : node.extent;
    if (adjoint) propagate(builder, node, adjoint, (operand, part) => add(operand, part, user));
  }
  return adjoints.get(of) ?? builder.constant(0);
}

function propagate(
  builder: Builder,
  node: Node,
  adjoint: Node,
  add: (node: Node, contribution: Node) => void,
): void {
  const mul = (a: Node, b: Node): Node => builder.binary('mul', a, b);
  const zero = builder.constant(0);
  switch (node.kind) {
    case 'unary':
      add(node.a, unaryAdjoint(builder, node, adjoint));
      return;
    case 'binary':
      binaryAdjoint(builder, node, adjoint, add);
      return;
    case 'where':
      add(node.a, builder.where(node.condition, adjoint, zero));
      add(node.b, builder.where(node.condition, zero, adjoint));
      return;
    case 'row':
      if (node.name === 'rowSum') add(node.a, adjoint);
      else if (node.name === 'rowMax') add(node.a, mul(adjoint, builder.row('firstMax', node.a)));
      return;
    default:
      return;
  }
}

function unaryAdjoint(builder: Builder, node: Node & { kind: 'unary' }, adjoint: Node): Node {
  const { a } = node;
  const one = builder.constant(1);
  const mul = (x: Node, y: Node): Node => builder.binary('mul', x, y);
  const sub = (x: Node, y: Node): Node => builder.binary('sub', x, y);
  switch (node.name) {
    case 'neg':
      return builder.unary('neg', adjoint);
    case 'exp':
      return mul(adjoint, node);
    case 'expm1':
      return mul(adjoint, builder.binary('add', node, one));
    case 'erf': {
      const gaussian = builder.unary('exp', builder.unary('neg', mul(a, a)));
      return mul(adjoint, mul(builder.constant(2 / Math.sqrt(Math.PI)), gaussian));
    }
    case 'log':
      return builder.binary('div', adjoint, a);
    case 'sqrt':
      return builder.binary('div', adjoint, mul(builder.constant(2), node));
    case 'abs': {
      const zero = builder.constant(0);
      const positive = builder.where(builder.binary('less', zero, a), adjoint, zero);
      return builder.where(builder.binary('less', a, zero), builder.unary('neg', adjoint), positive);
    }
    case 'sin':
      return mul(adjoint, builder.unary('cos', a));
    case 'cos':
      return mul(builder.unary('neg', adjoint), builder.unary('sin', a));
    case 'tanh':
      return mul(adjoint, sub(one, mul(node, node)));
    case 'sigmoid':
      return mul(adjoint, mul(node, sub(one, node)));
    case 'softplus':
      return mul(adjoint, builder.unary('sigmoid', a));
  }
}

/** At a tie, `min` and `max` pass the gradient to their first operand. */
function binaryAdjoint(
  builder: Builder,
  node: Node & { kind: 'binary' },
  adjoint: Node,
  add: (node: Node, contribution: Node) => void,
): void {
  const { a, b, name } = node;
  const zero = builder.constant(0);
  switch (name) {
    case 'add':
      add(a, adjoint);
      add(b, adjoint);
      return;
    case 'sub':
      add(a, adjoint);
      add(b, builder.unary('neg', adjoint));
      return;
    case 'mul':
      add(a, builder.binary('mul', adjoint, b));
      add(b, builder.binary('mul', adjoint, a));
      return;
    case 'div':
      add(a, builder.binary('div', adjoint, b));
      add(b, builder.unary('neg', builder.binary('div', builder.binary('mul', adjoint, node), b)));
      return;
    case 'min':
    case 'max': {
      const first = name === 'min' ? builder.binary('lessEqual', a, b) : builder.binary('lessEqual', b, a);
      add(a, builder.where(first, adjoint, zero));
      add(b, builder.where(first, zero, adjoint));
      return;
    }
    default:
      return;
  }
}
