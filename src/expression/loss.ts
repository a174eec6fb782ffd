import { fact, rangeError } from '../errors.js';
import { checkDefinition } from './activation.js';
import { LossDefinition } from './definition.js';
import { derive } from './derive.js';
import { evaluate } from './evaluate.js';
import type { Node } from './nodes.js';
import { type ExpressionOperations, type Operand, type Traced, Tracer } from './trace.js';

/** What `defineLoss` takes: outputs x and targets t of a row, and the operations to compute with. */
export type LossFunction = (x: Traced, t: Traced, e: ExpressionOperations) => Operand;

/** A loss traced into an expression, with its gradient; see `defineLoss`. */
export class TracedLoss extends LossDefinition {
  readonly output: Node;
  readonly target: Node;
  /** What the reduction multiplies gradients by. */
  readonly scale: Node;
  /** The loss of a row, and its gradient with respect to the outputs, times `scale`. */
  readonly forward: Node;
  readonly backward: Node;

  /** @internal */
  constructor(
    readonly name: string,
    fn: LossFunction,
  ) {
    super();
    const tracer = new Tracer(`Cannot define loss '${name}'`, name);
    const [x, t] = [tracer.input('output'), tracer.input('target')];
    this.output = x.node;
    this.target = t.node;
    this.scale = tracer.input('scale').node;
    this.forward = tracer.result(fn(x, t, tracer.operations()));
    if (this.forward.extent !== 'row') {
      const rule = 'a loss must give one number per row, as e.rowSum and e.rowMean do';
      throw rangeError(
        tracer.action,
        rule,
        fact(`${this.forward.extent === 'full' ? 'one per output' : 'a constant'}`),
      );
    }
    this.backward = derive(tracer.builder, this.forward, this.scale, this.output);
  }

  /** Loss of one row. */
  value(x: readonly number[], t: readonly number[]): number {
    return evaluate(this.forward, { output: [x], target: [t] })[0][0];
  }

  /** ∂E/∂x of one row. */
  derivative(x: readonly number[], t: readonly number[]): number[] {
    return evaluate(this.backward, { output: [x], target: [t], scale: [x.map(() => 1)] })[0];
  }
}

/**
 * A loss of your own, at the speed of the built-in ones: traced once, as `defineActivation` does.
 *
 * @param fn computes one number per row from its outputs x and targets t
 * @throws TypeError if `fn` cannot be traced, RangeError if it gives more or less than one number per row
 * @example
 * const cubic = defineLoss('cubic', (x, t, e) => e.rowSum(e.abs(e.mul(e.sub(x, t), e.mul(e.sub(x, t), e.sub(x, t))))));
 */
export function defineLoss(name: string, fn: LossFunction): TracedLoss {
  checkDefinition('Cannot define loss', name, fn);
  return new TracedLoss(name, fn);
}
