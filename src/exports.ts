/** What both entries, Node's and the browser's, export besides the functions bound to their platform. */
export type { ActivationLike, ActivationName } from './activation-choice.js';
export {
  type ActivationFunctions,
  activations,
  type RowActivation,
  type UnitActivation,
} from './activation-functions.js';
export type { BackendId, BackendKind, BackendReport } from './backends/backend.js';
export type { BackendChoice, RejectedBackend } from './backends/select.js';
export type {
  BatchLogs,
  CallbackReason,
  CallbackState,
  FitCallbacks,
  FitContext,
} from './callbacks/callback.js';
export { type EarlyStoppingOptions, earlyStopping } from './callbacks/early-stopping.js';
export {
  type CheckpointPlace,
  type CheckpointTarget,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from './callbacks/model-checkpoint.js';
export type { MonitorMode, MonitorOptions } from './callbacks/monitor.js';
export { type ReduceLROnPlateauOptions, reduceLROnPlateau } from './callbacks/reduce-on-plateau.js';
export { terminateOnNaN } from './callbacks/terminate-on-nan.js';
export { type ComparedTrainer, type Comparison, compareTrainers } from './compare.js';
export type { MatrixLike, RowsLike, TargetsLike } from './data.js';
export { type ColumnReport, type DataReport, type DataReportOptions, dataReport } from './data-report.js';
export {
  accuracy,
  argmax,
  binaryDecisions,
  type DecisionOptions,
  fromOneHot,
  type LabelOptions,
  multiLabel,
  oneHot,
} from './decisions.js';
export type { Divergence, DivergencePolicy } from './divergence.js';
export type { Metrics } from './engine.js';
export { type ActivationFunction, defineActivation, type TracedActivation } from './expression/activation.js';
export { defineLoss, type LossFunction, type TracedLoss } from './expression/loss.js';
export type { ExpressionOperations, Operand, Traced } from './expression/trace.js';
export type { FitOptions } from './fit-options.js';
export type { Batch, Batches, StreamOptions } from './fit-stream.js';
export {
  type GradientCheck,
  type GradientCheckOptions,
  gradientCheck,
  type ParameterPlace,
} from './gradient-check.js';
export type { Gradients } from './gradients.js';
export type { ComputationGraph, GraphNode, GraphValue } from './graph.js';
export type { EndReason, EpochLogs, History, HistoryNumbers } from './history.js';
export type { Initializer, InitializerName } from './initializers.js';
export type { Inspection, InspectOptions, LayerInspection } from './inspect.js';
export { FormatError } from './io/format-error.js';
export { decodeSafetensors } from './io/safetensors-decoding.js';
export { encodeSafetensors } from './io/safetensors-encoding.js';
export type { Safetensors, Tensor, TensorType } from './io/safetensors-layout.js';
export { jacobian, type LayerJacobian } from './jacobian.js';
export {
  type BatchNormLayer,
  type BatchNormOptions,
  batchNorm,
  type DenseLayer,
  type DenseOptions,
  type DropoutLayer,
  type DropoutOptions,
  dense,
  dropout,
  type GaussianNoiseLayer,
  type GaussianNoiseOptions,
  gaussianNoise,
  type LayerConfig,
  type LayerNormLayer,
  type LayerNormOptions,
  layerNorm,
  type TrainerLayer,
} from './layers.js';
export { foldedWeights, transpose, weightsFromFolded } from './layouts.js';
export { fitLbfgs, type LbfgsOptions, type LbfgsResult } from './lbfgs.js';
export type { LossLike, LossName } from './loss-choice.js';
export { Matrix } from './matrix.js';
export type {
  EvaluateOptions,
  Evaluation,
  MetricLike,
  MetricName,
  MetricWithOptions,
  OwnMetric,
} from './metrics/evaluate.js';
export type { InputTransform } from './model.js';
export type { LoadOptions, ModelSource, SaveOptions, SaveTarget } from './model-storage.js';
export {
  type AdadeltaOptimizer,
  type AdadeltaOptions,
  type AdagradOptimizer,
  type AdagradOptions,
  type AdamaxOptimizer,
  type AdamaxOptions,
  type AdamOptimizer,
  type AdamOptions,
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  type LionOptimizer,
  type LionOptions,
  lion,
  type NadamOptimizer,
  type NadamOptions,
  nadam,
  type Optimizer,
  type RadamOptimizer,
  type RadamOptions,
  type RmspropOptimizer,
  type RmspropOptions,
  type RpropOptimizer,
  type RpropOptions,
  radam,
  rmsprop,
  rprop,
  type SgdOptimizer,
  type SgdOptions,
  sgd,
} from './optimizers.js';
export type { LayerWeights, LayerWeightsLike } from './parameters.js';
export { type DecisionBoundaryOptions, decisionBoundary } from './plots/decision-boundary.js';
export { type LossCurveOptions, lossCurve } from './plots/loss-curve.js';
export type { Preset } from './presets.js';
export type { Averaging, GradientClipping, WeightRules } from './regularisation.js';
export type { RowWeights } from './row-weights.js';
export { type LearningRate, type Schedule, schedules } from './schedules.js';
export {
  type Fold,
  grid,
  type HalvingOptions,
  kFold,
  type Range,
  type Ranked,
  randomSearch,
  successiveHalving,
} from './search.js';
export type { Snapshot } from './snapshot.js';
export type { StopConditions, StopReason, StopState, StopWhen } from './stop-when.js';
export { type ManyConfig, type ManyOptions, type ManyResult, ManyResults } from './train-many.js';
export type { BatchOptions, Trainer, TrainerBackend, TrainerConfig } from './trainer.js';
