import { elementwiseActivations } from './activations.js';
import { rangeError, typeError } from './errors.js';
import type { TracedActivation } from './expression/activation.js';
import {
  ActivationDefinition,
  type TracedActivationName,
  tracedActivationNames,
} from './expression/definition.js';
import { further } from './further.js';
import { ActivationCode } from './opcodes.js';

/** Built-in activations by name. `softmax` and `logSoftmax` mix the units of a row; the others act on each unit. */
export type ActivationName = keyof typeof ActivationCode | 'softmax' | TracedActivationName;

/** What a layer takes as its activation: a name, or what `defineActivation` returns. */
export type ActivationLike = ActivationName | TracedActivation;

export const activationNames: readonly ActivationName[] = [
  ...elementwiseActivations.map(({ name }) => name as keyof typeof ActivationCode),
  'softmax',
  ...tracedActivationNames,
];

export const isElementwiseName = (name: ActivationName): name is keyof typeof ActivationCode =>
  name in ActivationCode;

/** An activation as the plan sees it: a code within a product, or softmax, or an expression. */
export interface Activation {
  readonly name: string;
  readonly kind: 'elementwise' | 'softmax' | 'traced';
  /** What a product applies to its sums: `linear` where an operation of its own follows. */
  readonly code: ActivationCode;
  readonly traced: TracedActivation | null;
  /** False for one of `defineActivation`. */
  readonly isBuiltIn: boolean;
  /** False where no gradient passes. */
  readonly differentiable: boolean;
}

/** Checks the activation of a layer with `units` units, null where their number is not known yet. */
export function checkActivation(action: string, choice: unknown, units: number | null): void {
  if (choice instanceof ActivationDefinition) {
    if (choice.units === null || units === null || choice.units === units) return;
    const rule = `activation '${choice.name}' has numbers for ${choice.units} units`;
    throw rangeError(action, rule, units);
  }
  if (typeof choice !== 'string') {
    throw typeError(action, 'activation must be a name or come from defineActivation()', choice);
  }
  if (!(activationNames as readonly string[]).includes(choice)) {
    throw rangeError(action, `activation must be one of ${activationNames.join(', ')}`, choice);
  }
}

/** A checked activation. */
export function resolveActivation(choice: ActivationLike): Activation {
  if (typeof choice !== 'string') return ofTraced(choice, false);
  const { linear } = ActivationCode;
  if (choice === 'softmax')
    return {
      ...{ name: choice, kind: choice, code: linear },
      ...{ traced: null, isBuiltIn: true, differentiable: true },
    };
  if (!isElementwiseName(choice)) return ofTraced(further().tracedActivation(choice), true);
  const code = ActivationCode[choice];
  const { differentiable } = elementwiseActivations[code];
  return { name: choice, kind: 'elementwise', code, traced: null, isBuiltIn: true, differentiable };
}

const ofTraced = (traced: TracedActivation, isBuiltIn: boolean): Activation => ({
  ...{ name: traced.name, kind: 'traced', code: ActivationCode.linear },
  ...{ traced, isBuiltIn, differentiable: true },
});
