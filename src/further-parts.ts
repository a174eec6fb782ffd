/** What plain dense layers, their activations and losses, sgd and Adam do without; see `further.ts`. */
export { tracedActivation, tracedLoss } from './expression/library.js';
export { placeConstants } from './plan/expression-lowering.js';
export { emitMask, emitNormBackward, emitNormOrCopy } from './plan/norm-lowering.js';
export { furtherCodeNames, furtherOperations } from './plan/operations.js';
export { ruleState } from './plan/optimizer-rules.js';
export { emitAverage, emitBounds, emitClipping, emitPenalties } from './plan/rule-lowering.js';
export { tinyNetwork } from './plan/tiny-network.js';
export { lowerExpressions } from './plan/traced-lowering.js';
export { presetLayer, presetOptimizer } from './preset-defaults.js';
export { checkAveraging, checkClipping, checkSmoothing } from './training-rules.js';
