import { fact, rangeError, typeError } from '../errors.js';
import { Builder } from './builder.js';
import { binaryFunctions, unaryFunctions } from './functions.js';
import type { BinaryName, InputName, Node, RowName, UnaryName } from './nodes.js';

/** A value while a function is traced. It stands for numbers that are not there yet, so JavaScript cannot use it as one. */
export class Traced {
  /** @internal */
  constructor(
    readonly node: Node,
    readonly owner: Tracer,
  ) {}

  [Symbol.toPrimitive](): never {
    throw typeError(
      this.owner.action,
      'a traced value can only be used through e, as in e.add(a, b), never by +, <, Math or an index',
      fact(`a number operation on a traced value in ${this.owner.name}`),
    );
  }
}

/** What a traced function may compute with: a traced value, or a number that is the same everywhere. */
export type Operand = Traced | number;

/** The operations of a traced function. Comparisons give 1 or 0. */
export interface ExpressionOperations
  extends Record<UnaryName, (a: Operand) => Traced>,
    Record<Exclude<BinaryName, 'less' | 'lessEqual' | 'equal'>, (a: Operand, b: Operand) => Traced> {
  less(a: Operand, b: Operand): Traced;
  lessEqual(a: Operand, b: Operand): Traced;
  greater(a: Operand, b: Operand): Traced;
  greaterEqual(a: Operand, b: Operand): Traced;
  equal(a: Operand, b: Operand): Traced;
  /** `a` where the condition is not 0, else `b`. */
  where(condition: Operand, a: Operand, b: Operand): Traced;
  constant(value: number): Traced;
  /** One number per unit of the layer. */
  perUnit(values: readonly number[]): Traced;
  /** Mean over the units of a row. */
  rowMean(a: Operand): Traced;
  /** Sum over the units of a row. */
  rowSum(a: Operand): Traced;
  /** Largest unit of a row. */
  rowMax(a: Operand): Traced;
}

const unaryNames = /* @__PURE__ */ Object.keys(unaryFunctions) as UnaryName[];
const binaryNames = /* @__PURE__ */ Object.keys(binaryFunctions) as BinaryName[];
const rowNames: readonly RowName[] = ['rowSum', 'rowMax'];

/** Runs a user's function once and keeps what it does as an expression. */
export class Tracer {
  readonly builder = new Builder();

  constructor(
    readonly action: string,
    readonly name: string,
  ) {}

  input(name: InputName): Traced {
    return new Traced(this.builder.input(name), this);
  }

  /** The node of what a function returned. */
  result(value: unknown): Node {
    return this.#node(value, 'the result');
  }

  operations(): ExpressionOperations {
    const { builder } = this;
    const traced = (node: Node): Traced => new Traced(node, this);
    const at = (value: unknown, place: string): Node => this.#node(value, place);
    const binary = (name: BinaryName, a: Operand, b: Operand, place: string): Traced =>
      traced(builder.binary(name, at(a, `operand 1 of e.${place}`), at(b, `operand 2 of e.${place}`)));
    const operations: Record<string, (...operands: never[]) => Traced> = {
      greater: (a: Operand, b: Operand) => binary('less', b, a, 'greater'),
      greaterEqual: (a: Operand, b: Operand) => binary('lessEqual', b, a, 'greaterEqual'),
      where: (condition: Operand, a: Operand, b: Operand) =>
        traced(
          builder.where(
            at(condition, 'operand 1 of e.where'),
            at(a, 'operand 2 of e.where'),
            at(b, 'operand 3 of e.where'),
          ),
        ),
      constant: (value: number) => traced(at(value, 'operand 1 of e.constant')),
      perUnit: (values: readonly number[]) => traced(this.#perUnit(values)),
    };
    operations.rowMean = (a: Operand) => {
      const sum = builder.row('rowSum', at(a, 'operand 1 of e.rowMean'));
      return traced(builder.binary('div', sum, builder.row('rowSum', builder.constant(1))));
    };
    for (const name of unaryNames) {
      operations[name] = (a: Operand) => traced(builder.unary(name, at(a, `operand 1 of e.${name}`)));
    }
    for (const name of binaryNames) operations[name] = (a: Operand, b: Operand) => binary(name, a, b, name);
    for (const name of rowNames) {
      operations[name] = (a: Operand) => traced(builder.row(name, at(a, `operand 1 of e.${name}`)));
    }
    return this.#refusingUnknown(operations) as unknown as ExpressionOperations;
  }

  /** `e.gamma` must say that there is no such operation, not that undefined is no function. */
  #refusingUnknown(operations: Record<string, unknown>): Record<string, unknown> {
    return new Proxy(operations, {
      get: (target, key) => {
        if (typeof key === 'string' && key in target) return target[key];
        const known = Object.keys(target).sort().join(', ');
        throw typeError(
          this.action,
          `e has the operations ${known}`,
          fact(`e.${String(key)} in ${this.name}`),
        );
      },
    });
  }

  #node(value: unknown, place: string): Node {
    if (value instanceof Traced) {
      if (value.owner === this) return value.node;
      throw typeError(
        this.action,
        `${place} must be traced in the same function`,
        fact(`a value of ${value.owner.name}`),
      );
    }
    if (typeof value !== 'number') {
      throw typeError(
        this.action,
        `${place} in ${this.name} must be a number or come from e or the arguments`,
        value,
      );
    }
    if (!Number.isFinite(value))
      throw rangeError(this.action, `${place} in ${this.name} must be finite`, value);
    return this.builder.constant(value);
  }

  #perUnit(values: unknown): Node {
    if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
      throw typeError(this.action, `e.perUnit in ${this.name} takes one number per unit`, values);
    }
    const numbers = Array.from(values as ArrayLike<number>);
    const wrong = numbers.find((number) => !Number.isFinite(number));
    if (wrong !== undefined)
      throw rangeError(this.action, `e.perUnit in ${this.name} takes finite numbers`, wrong);
    return this.builder.units(numbers);
  }
}
