import { binaryFunctions, unaryFunctions } from './functions.js';
import {
  type BinaryName,
  type Extent,
  type InputName,
  joined,
  type Node,
  type RowName,
  type UnaryName,
} from './nodes.js';

type Shape = Node extends infer One ? (One extends Node ? Omit<One, 'id' | 'extent'> : never) : never;

const isConstant = (node: Node, value?: number): node is Node & { kind: 'constant' } =>
  node.kind === 'constant' && (value === undefined || node.value === value);

/**
 * Makes nodes, one object for equal ones, simplified where that changes no result for finite numbers: constants are
 * folded, neutral elements vanish, and a product with zero is zero.
 */
export class Builder {
  readonly #nodes = new Map<string, Node>();

  input(name: InputName): Node {
    return this.#intern(`input ${name}`, { kind: 'input', name }, name === 'scale' ? 'constant' : 'full');
  }

  constant(value: number): Node {
    return this.#intern(
      `constant ${Object.is(value, -0) ? '-0' : value}`,
      { kind: 'constant', value },
      'constant',
    );
  }

  /** One number per unit. */
  units(values: readonly number[]): Node {
    return this.#intern(`units ${values.join()}`, { kind: 'units', values }, 'units');
  }

  unary(name: UnaryName, a: Node): Node {
    if (isConstant(a)) return this.constant(unaryFunctions[name](a.value));
    if (a.kind === 'units') return this.units(a.values.map(unaryFunctions[name]));
    if (name === 'neg' && a.kind === 'unary' && a.name === 'neg') return a.a;
    return this.#intern(`${name} ${a.id}`, { kind: 'unary', name, a }, a.extent);
  }

  binary(name: BinaryName, a: Node, b: Node): Node {
    if (isConstant(a) && isConstant(b)) return this.constant(binaryFunctions[name](a.value, b.value));
    const folded = this.#foldedUnits(binaryFunctions[name], a, b);
    if (folded) return folded;
    const simpler = this.#simplified(name, a, b);
    if (simpler && simpler.extent === joined(a.extent, b.extent)) return simpler;
    return this.#intern(
      `${name} ${a.id} ${b.id}`,
      { kind: 'binary', name, a, b },
      joined(a.extent, b.extent),
    );
  }

  /** `a` where the condition is not 0, else `b`. */
  where(condition: Node, a: Node, b: Node): Node {
    if (isConstant(condition)) return condition.value === 0 ? b : a;
    if (a === b) return a;
    const extent = joined(condition.extent, joined(a.extent, b.extent));
    return this.#intern(`where ${condition.id} ${a.id} ${b.id}`, { kind: 'where', condition, a, b }, extent);
  }

  row(name: RowName, a: Node): Node {
    return this.#intern(`${name} ${a.id}`, { kind: 'row', name, a }, name === 'firstMax' ? 'full' : 'row');
  }

  /** Numbers per unit are known beforehand: what is computed of them alone is computed now. */
  #foldedUnits(apply: (a: number, b: number) => number, a: Node, b: Node): Node | null {
    const at = (node: Node, unit: number): number | undefined =>
      node.kind === 'units' ? node.values[unit] : isConstant(node) ? node.value : undefined;
    const units = a.kind === 'units' ? a : b.kind === 'units' ? b : null;
    if (units === null || at(a, 0) === undefined || at(b, 0) === undefined) return null;
    return this.units(units.values.map((_, unit) => apply(at(a, unit) as number, at(b, unit) as number)));
  }

  #simplified(name: BinaryName, a: Node, b: Node): Node | null {
    switch (name) {
      case 'add':
        return isConstant(a, 0) ? b : isConstant(b, 0) ? a : null;
      case 'sub':
        return isConstant(b, 0) ? a : isConstant(a, 0) ? this.unary('neg', b) : null;
      case 'mul':
        if (isConstant(a, 1)) return b;
        if (isConstant(b, 1)) return a;
        if (isConstant(a, -1)) return this.unary('neg', b);
        if (isConstant(b, -1)) return this.unary('neg', a);
        return null;
      case 'div':
        return isConstant(b, 1) ? a : null;
      default:
        return null;
    }
  }

  #intern(key: string, shape: Shape, extent: Extent): Node {
    const known = this.#nodes.get(key);
    if (known) return known;
    const node = { ...shape, id: this.#nodes.size, extent } as Node;
    this.#nodes.set(key, node);
    return node;
  }
}
