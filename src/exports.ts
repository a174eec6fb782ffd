/** What both entries, Node's and the browser's, export besides the functions bound to their platform. */
export type { ActivationName } from './activations.js';
export type { BackendId, BackendKind, BackendReport } from './backends/backend.js';
export type { BackendChoice, RejectedBackend } from './backends/select.js';
export type { MatrixLike, RowsLike, TargetsLike } from './data.js';
export type { Metrics } from './engine.js';
export type { BatchLogs, FitCallbacks, FitOptions } from './fit.js';
export type { EpochLogs, History, HistoryNumbers } from './history.js';
export type { Initializer, InitializerName } from './initializers.js';
export type { Inspection, LayerInspection } from './inspect.js';
export type { LossName } from './losses.js';
export { Matrix } from './matrix.js';
export { type DenseLayer, type DenseOptions, dense, type InputTransform } from './model.js';
export {
  type AdamOptimizer,
  type AdamOptions,
  adam,
  adamw,
  type Optimizer,
  type SgdOptimizer,
  type SgdOptions,
  sgd,
} from './optimizers.js';
export type { LayerWeights, LayerWeightsLike } from './parameters.js';
export type { Trainer, TrainerBackend, TrainerConfig, TrainerLayer } from './trainer.js';
