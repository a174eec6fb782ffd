import { fact, typeError } from '../errors.js';
import type { Builder } from './builder.js';
import { ActivationDefinition } from './definition.js';
import { derive } from './derive.js';
import { evaluate } from './evaluate.js';
import { type Node, nodesBelow } from './nodes.js';
import { type ExpressionOperations, type Operand, type Traced, Tracer } from './trace.js';

/** What `defineActivation` takes: z of a row of units, and the operations to compute with. */
export type ActivationFunction = (z: Traced, e: ExpressionOperations) => Operand;

/** An activation traced into an expression, with its derivative; see `defineActivation`. */
export class TracedActivation extends ActivationDefinition {
  /** z, and the gradient with respect to the output. */
  readonly netInput: Node;
  readonly gradient: Node;
  /** The output as an expression of z, and the gradient with respect to z as one of z and `gradient`. */
  readonly forward: Node;
  readonly backward: Node;
  /** Units a layer must have, where the function has numbers per unit. */
  readonly units: number | null;
  readonly #builder: Builder;

  /** @internal */
  constructor(
    readonly name: string,
    fn: ActivationFunction,
  ) {
    super();
    const tracer = new Tracer(`Cannot define activation '${name}'`, name);
    const z = tracer.input('netInput');
    this.#builder = tracer.builder;
    this.netInput = z.node;
    this.gradient = tracer.input('gradient').node;
    this.forward = tracer.result(fn(z, tracer.operations()));
    this.backward = derive(this.#builder, this.forward, this.gradient, this.netInput);
    this.units = unitsOf(tracer.action, nodesBelow([this.forward]));
  }

  /** Outputs of one row of units, or of a single unit. */
  value(z: number): number;
  value(z: readonly number[]): number[];
  value(z: number | readonly number[]): number | number[] {
    if (typeof z === 'number') return evaluate(this.forward, { netInput: [[z]] })[0][0];
    return evaluate(this.forward, { netInput: [z] })[0];
  }

  /** f'(z) of a single unit; for a row the Jacobian, ∂output_i / ∂z_j in row i and column j. */
  derivative(z: number): number;
  derivative(z: readonly number[]): number[][];
  derivative(z: number | readonly number[]): number | number[][] {
    if (typeof z === 'number') return this.#pulledBack([z], [1])[0];
    return z.map((_, i) =>
      this.#pulledBack(
        z,
        z.map((_unit, j) => Number(i === j)),
      ),
    );
  }

  #pulledBack(z: readonly number[], gradient: readonly number[]): number[] {
    return evaluate(this.backward, { netInput: [z], gradient: [gradient] })[0];
  }
}

function unitsOf(action: string, nodes: readonly Node[]): number | null {
  const lengths = new Set(nodes.flatMap((node) => (node.kind === 'units' ? [node.values.length] : [])));
  if (lengths.size > 1) {
    const received = fact([...lengths].join(' and '));
    throw typeError(action, 'all numbers per unit must be equally many', received);
  }
  const [units = null] = lengths;
  return units;
}

/** @internal The name of a function to be traced, checked. */
export function checkDefinition(action: string, name: unknown, fn: unknown): void {
  if (typeof name !== 'string' || name === '') throw typeError(action, 'the name must be a text', name);
  if (typeof fn !== 'function') throw typeError(action, 'the definition must be a function', fn);
}

/**
 * An activation of your own, at the speed of the built-in ones: the function is called once, with a stand-in for z,
 * and what it does with `e` becomes operations that every backend runs. Its derivative is found by itself.
 *
 * @param name under which layers and errors show it
 * @param fn computes the outputs of a row of units from its net inputs z with the operations of `e`
 * @throws TypeError if `fn` uses a traced value as a number or an operation that `e` has not
 * @example
 * const steep = defineActivation('steep', (z, e) => e.sigmoid(e.mul(2, z)));
 * dense({ units: 8, activation: steep });
 */
export function defineActivation(name: string, fn: ActivationFunction): TracedActivation {
  checkDefinition('Cannot define activation', name, fn);
  return new TracedActivation(name, fn);
}
