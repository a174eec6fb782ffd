/** What traced functions are known by, to whom the tracer itself would be much to load. */
import type { Node } from './nodes.js';

/** What every traced activation is. */
export abstract class ActivationDefinition {
  abstract readonly name: string;
  abstract readonly units: number | null;
  abstract readonly forward: Node;
  abstract readonly backward: Node;
}

/** What every traced loss is. */
export abstract class LossDefinition {
  abstract readonly name: string;
  abstract readonly forward: Node;
  abstract readonly backward: Node;
}

/** Activations that are expressions; `library.ts` defines them. */
export const tracedActivationNames = [
  ...(['leakyRelu', 'elu', 'selu', 'gelu', 'geluTanh', 'silu', 'mish', 'softplus'] as const),
  ...(['softsign', 'hardSigmoid', 'hardTanh', 'gaussian', 'sine', 'logSoftmax'] as const),
] as const;

/** Losses that are expressions of the outputs. */
export const tracedLossNames = [
  ...(['meanAbsoluteError', 'huber', 'logCosh', 'hinge', 'categoricalHinge'] as const),
  ...(['poisson', 'kullbackLeibler', 'perceptron'] as const),
] as const;

export type TracedActivationName = (typeof tracedActivationNames)[number];
export type TracedLossName = (typeof tracedLossNames)[number];
