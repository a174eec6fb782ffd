import type { ActivationName } from './activation-choice.js';
import { rangeError, typeError } from './errors.js';
import { LossDefinition, type TracedLossName, tracedLossNames } from './expression/definition.js';
import type { TracedLoss } from './expression/loss.js';
import { further } from './further.js';
import { LossCode } from './opcodes.js';

type CodedLossName =
  | 'halfSquaredError'
  | 'squaredError'
  | 'meanSquaredError'
  | 'crossEntropy'
  | 'binaryCrossEntropy'
  | 'crossEntropyWithLogits'
  | 'binaryCrossEntropyWithLogits';

/** Built-in losses by name. */
export type LossName = CodedLossName | TracedLossName;

/** What a trainer takes as its loss: a name, or what `defineLoss` returns. */
export type LossLike = LossName | TracedLoss;

/** Numbers that targets of a loss may be. */
export type TargetDomain = 'any' | 'nonNegative' | 'unitInterval' | 'signs';

/** A loss as the plan sees it. */
export interface Loss {
  readonly name: string;
  /** The loss on outputs; for the losses on net inputs, the one they compute after their own activation. */
  readonly code: LossCode | null;
  /** The expression of a loss without a code. */
  readonly traced: TracedLoss | null;
  /** False for one of `defineLoss`. */
  readonly isBuiltIn: boolean;
  /** The activation that the loss on net inputs includes. */
  readonly includes?: 'softmax' | 'sigmoid';
  /** The output activation with which the loss is computed from the net inputs, in its fused, overflow-safe form. */
  readonly fusesWith?: ActivationName;
  /** The only output activation that the loss can have. */
  readonly needs?: ActivationName;
  /** Targets may be one integer label a row. */
  readonly takesLabels: boolean;
  /** How the loss classifies, whatever the output activation: `sign` is a threshold of 0. */
  readonly decides?: 'argmax' | 'threshold' | 'sign';
  readonly targets: TargetDomain;
}

type Traits = Omit<Loss, 'name' | 'traced' | 'isBuiltIn'>;

const onOutputs = (code: LossCode): Traits => ({ code, takesLabels: false, targets: 'any' });

const crossEntropy = {
  code: LossCode.cross_entropy,
  takesLabels: true,
  decides: 'argmax',
  targets: 'nonNegative',
} as const;

const binaryCrossEntropy = {
  code: LossCode.binary_cross_entropy,
  takesLabels: false,
  decides: 'threshold',
  targets: 'unitInterval',
} as const;

const codedLosses: Readonly<Record<CodedLossName, Traits>> = {
  halfSquaredError: onOutputs(LossCode.half_squared_error),
  squaredError: onOutputs(LossCode.squared_error),
  meanSquaredError: onOutputs(LossCode.mean_squared_error),
  crossEntropy: { ...crossEntropy, fusesWith: 'softmax' },
  binaryCrossEntropy: { ...binaryCrossEntropy, fusesWith: 'sigmoid' },
  crossEntropyWithLogits: { ...crossEntropy, includes: 'softmax', fusesWith: 'linear', needs: 'linear' },
  binaryCrossEntropyWithLogits: {
    ...binaryCrossEntropy,
    includes: 'sigmoid',
    fusesWith: 'linear',
    needs: 'linear',
  },
};

export const isCodedLoss = (name: unknown): name is CodedLossName =>
  typeof name === 'string' && Object.hasOwn(codedLosses, name);

/** What is special about some losses that are expressions. */
const tracedTraits: Partial<Record<TracedLossName, Partial<Traits>>> = {
  hinge: { decides: 'sign', targets: 'signs' },
  categoricalHinge: { decides: 'argmax', targets: 'unitInterval' },
  poisson: { targets: 'nonNegative' },
  kullbackLeibler: { targets: 'nonNegative' },
  perceptron: { decides: 'threshold', fusesWith: 'heaviside', needs: 'heaviside', targets: 'unitInterval' },
};

export const lossNames: readonly LossName[] = [
  ...(Object.keys(codedLosses) as CodedLossName[]),
  ...tracedLossNames,
];

const ofExpression = { code: null, takesLabels: false, targets: 'any' } as const;

/** Checks the loss of a trainer. */
export function resolveLoss(action: string, choice: unknown): Loss {
  if (choice instanceof LossDefinition)
    return { ...ofExpression, name: choice.name, traced: choice as TracedLoss, isBuiltIn: false };
  if (typeof choice !== 'string')
    throw typeError(action, 'loss must be a name or come from defineLoss()', choice);
  if (isCodedLoss(choice)) return { ...codedLosses[choice], name: choice, traced: null, isBuiltIn: true };
  if (!(tracedLossNames as readonly string[]).includes(choice)) {
    throw rangeError(action, `loss must be one of ${lossNames.join(', ')}`, choice);
  }
  const name = choice as TracedLossName;
  return {
    ...ofExpression,
    ...tracedTraits[name],
    name,
    traced: further().tracedLoss(name),
    isBuiltIn: true,
  };
}
