import { elementwiseActivations } from './activations.js';
import { rangeError, typeError } from './errors.js';
import { TracedActivation } from './expression/activation.js';
import { type TracedActivationName, tracedActivation, tracedActivationNames } from './expression/library.js';
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

const isElementwiseName = (name: ActivationName): name is keyof typeof ActivationCode =>
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
export function resolveActivation(action: string, choice: unknown, units: number | null): Activation {
  if (choice instanceof TracedActivation) return ofTraced(action, choice, units, false);
  if (typeof choice !== 'string') {
    throw typeError(action, 'activation must be a name or come from defineActivation()', choice);
  }
  if (!(activationNames as readonly string[]).includes(choice)) {
    throw rangeError(action, `activation must be one of ${activationNames.join(', ')}`, choice);
  }
  const name = choice as ActivationName;
  if (name === 'softmax') {
    return {
      name,
      kind: 'softmax',
      code: ActivationCode.linear,
      traced: null,
      isBuiltIn: true,
      differentiable: true,
    };
  }
  if (!isElementwiseName(name)) return ofTraced(action, tracedActivation(name), units, true);
  const { differentiable } = elementwiseActivations[ActivationCode[name]];
  return {
    name,
    kind: 'elementwise',
    code: ActivationCode[name],
    traced: null,
    isBuiltIn: true,
    differentiable,
  };
}

function ofTraced(
  action: string,
  traced: TracedActivation,
  units: number | null,
  isBuiltIn: boolean,
): Activation {
  if (traced.units !== null && units !== null && traced.units !== units) {
    const rule = `activation '${traced.name}' has numbers for ${traced.units} units`;
    throw rangeError(action, rule, units);
  }
  const { name } = traced;
  return { name, kind: 'traced', code: ActivationCode.linear, traced, isBuiltIn, differentiable: true };
}
