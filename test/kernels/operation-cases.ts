import type { OperationCase } from '../support/operation-case.js';
import { maps } from './cases/expressions.js';
import { gathers } from './cases/gathers.js';
import { gradients } from './cases/gradients.js';
import { masks } from './cases/masks.js';
import { normBackward, normForward } from './cases/norms.js';
import { optimizerRules, optimizers } from './cases/optimizers.js';
import { linearBackward, linearForward, smallTerms } from './cases/products.js';
import { decisions, elementwise, rowwise } from './cases/rows.js';
import { tinyNetworks } from './cases/tiny-networks.js';

/** Cases of every operation, by the name of the group they are reported under. */
export const operationCases: Readonly<Record<string, () => Generator<OperationCase>>> = {
  linear_forward: linearForward,
  'linear_backward_*': linearBackward,
  'sums of small terms': smallTerms,
  'softmax and cross-entropy': rowwise,
  'losses and activations': elementwise,
  'gathers, stores and sums': gathers,
  decisions: decisions,
  'optimizer steps': optimizers,
  'steps of tiny networks': tinyNetworks,
  'optimizer rules': optimizerRules,
  gradients,
  expressions: maps,
  'forward through normalisation': normForward,
  'backward through normalisation': normBackward,
  'dropout and noise': masks,
};
