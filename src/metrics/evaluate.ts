import type { Numbers, Rows } from '../backends/backend.js';
import type { TargetsLike } from '../data.js';
import { accuracy, argmaxOfRows, binaryOfRows } from '../decisions.js';
import type { Engine, Metrics } from '../engine.js';
import { fact, rangeError, requireKnownKeys, requireName, typeError } from '../errors.js';
import { Matrix } from '../matrix.js';
import type { Decision } from '../model.js';
import { indexOfNaN } from '../rows.js';
import {
  balancedAccuracy,
  type ClassAverage,
  type ClassOptions,
  type ConfusionOptions,
  confusionMatrix,
  f1,
  matthews,
  precision,
  recall,
} from './classification.js';
import { type CalibrationOptions, calibrationError, logLoss } from './probability.js';
import { prAuc, type RankingAverage, type RankingOptions, rocAuc, topK } from './ranking.js';
import { mae, mape, type RegressionOptions, r2, rmse } from './regression.js';
import type { WeightOptions } from './weights.js';

/** What each metric may be given besides outputs and targets. */
interface OptionsOf {
  accuracy: object;
  balancedAccuracy: object;
  matthews: object;
  precision: ClassOptions;
  recall: ClassOptions;
  f1: ClassOptions;
  confusionMatrix: ConfusionOptions;
  topK: { readonly k?: number };
  rocAuc: RankingOptions;
  prAuc: RankingOptions;
  logLoss: object;
  calibrationError: CalibrationOptions;
  mae: RegressionOptions;
  rmse: RegressionOptions;
  mape: RegressionOptions;
  r2: RegressionOptions<'uniform' | 'variance' | 'none'>;
}

/** Metrics by name, as `evaluate` takes them. */
export type MetricName = keyof OptionsOf;

/** A metric with options, such as `{ metric: 'f1', average: 'weighted', name: 'weightedF1' }`. */
export type MetricWithOptions = {
  [N in MetricName]: {
    readonly metric: N;
    /** Its name in the result; default that of the metric. */
    readonly name?: string;
  } & Omit<OptionsOf[N], 'sampleWeight' | 'classes'>;
}[MetricName];

/** A metric of your own. */
export interface OwnMetric<T = unknown> {
  readonly name: string;
  /** @param outputs rows × outputs of the network @param targets as given to `evaluate` */
  compute(outputs: Matrix, targets: TargetsLike): T;
}

export type MetricLike = MetricName | MetricWithOptions | OwnMetric;

type NameOf<M> = M extends string
  ? M
  : M extends { readonly name: infer N extends string }
    ? N
    : M extends { readonly metric: infer N extends string }
      ? N
      : never;

type ValueOf<M> = M extends { compute(outputs: Matrix, targets: TargetsLike): infer T }
  ? T
  : M extends 'confusionMatrix' | { readonly metric: 'confusionMatrix' }
    ? Matrix
    : M extends { readonly average: 'none' }
      ? Float64Array
      : number;

export interface EvaluateOptions<M extends readonly MetricLike[] = readonly MetricLike[]> {
  /** Names, names with options, or metrics of your own. */
  readonly metrics: M;
  /** One weight a row, for the loss and the metrics; the accuracy beside the loss is without weights. */
  readonly sampleWeight?: ArrayLike<number>;
}

/** Loss and accuracy as without `metrics`, and the metrics asked for by name. */
export type Evaluation<M extends readonly MetricLike[] = readonly MetricLike[]> = Metrics & {
  readonly metrics: { readonly [One in M[number] as NameOf<One>]: ValueOf<One> };
};

/** Outputs, their decisions and the targets, in the form that each kind of metric takes. */
interface Evaluated {
  readonly outputs: Matrix;
  /** Targets as given. */
  readonly targets: Matrix;
  /** Labels, one a row, or rows of 0 and 1 where each output is decided by itself. */
  readonly expected: TargetsLike;
  /** Probabilities where the loss takes net inputs, else the outputs. */
  readonly probabilities: () => Matrix;
  /** Labels, one a row, or rows of 0 and 1 where each output is decided by itself. */
  readonly decisions: () => readonly [predicted: TargetsLike, expected: TargetsLike];
  /** Classes of the labels; undefined where each output is decided by itself. */
  readonly classes: number | undefined;
  readonly average: ClassAverage;
}

type Compute = (evaluated: Evaluated, options: never, weights: WeightOptions) => unknown;

const onDecisions =
  (metric: (predicted: TargetsLike, expected: TargetsLike, options: never) => unknown): Compute =>
  ({ decisions }, options, weights) =>
    metric(...decisions(), { ...(options as object), ...weights } as never);

const onClasses =
  (metric: (predicted: TargetsLike, expected: TargetsLike, options: never) => unknown): Compute =>
  ({ decisions, average }, options, weights) =>
    metric(...decisions(), { average, ...(options as object), ...weights } as never);

const onScores =
  (metric: (scores: TargetsLike, expected: TargetsLike, options: never) => unknown): Compute =>
  ({ outputs, expected }, options, weights) =>
    metric(outputs, expected, { ...(options as object), ...weights } as never);

const onTargets =
  (metric: (outputs: TargetsLike, targets: TargetsLike, options: never) => unknown): Compute =>
  ({ outputs, targets }, options, weights) =>
    metric(outputs, targets, { ...(options as object), ...weights } as never);

const onProbabilities =
  (metric: (probabilities: TargetsLike, expected: TargetsLike, options: never) => unknown): Compute =>
  ({ probabilities, expected }, options, weights) =>
    metric(probabilities(), expected, { ...(options as object), ...weights } as never);

const metrics: Readonly<Record<MetricName, Compute>> = {
  accuracy: onDecisions(accuracy),
  balancedAccuracy: onDecisions(balancedAccuracy),
  matthews: onDecisions(matthews),
  precision: onClasses(precision as typeof precision<ClassAverage>),
  recall: onClasses(recall as typeof recall<ClassAverage>),
  f1: onClasses(f1 as typeof f1<ClassAverage>),
  confusionMatrix: ({ decisions, classes }, options: ConfusionOptions, weights) =>
    confusionMatrix(...decisions(), { ...options, ...weights, classes }),
  topK: onScores(topK),
  rocAuc: onScores(rocAuc as typeof rocAuc<RankingAverage>),
  prAuc: onScores(prAuc as typeof prAuc<RankingAverage>),
  logLoss: onProbabilities(logLoss),
  calibrationError: onProbabilities(calibrationError),
  mae: onTargets(mae),
  rmse: onTargets(rmse),
  mape: onTargets(mape),
  r2: onTargets(r2 as typeof r2<'uniform' | 'variance' | 'none'>),
};

const metricNames = Object.keys(metrics) as MetricName[];

interface Checked {
  readonly name: string;
  readonly compute: (evaluated: Evaluated, t: TargetsLike, weights: WeightOptions) => unknown;
}

function checkMetric(action: string, metric: unknown): Checked {
  if (typeof metric === 'string') return checkMetric(action, { metric });
  if (typeof metric !== 'object' || metric === null) {
    throw typeError(action, 'a metric must be a name, { metric, ...options } or { name, compute }', metric);
  }
  if ('compute' in metric) {
    const { name, compute } = metric as OwnMetric;
    requireKnownKeys(`${action}: metric`, metric, ['name', 'compute']);
    if (typeof name !== 'string' || typeof compute !== 'function') {
      throw typeError(action, 'a metric of your own must have a name and a function compute', metric);
    }
    return { name, compute: ({ outputs }, t) => compute.call(metric, outputs, t) };
  }
  const { metric: kind, name, ...options } = metric as MetricWithOptions;
  requireName(action, 'a metric', kind, metricNames);
  const compute = metrics[kind] as (
    evaluated: Evaluated,
    options: unknown,
    weights: WeightOptions,
  ) => unknown;
  return { name: name ?? kind, compute: (evaluated, _, weights) => compute(evaluated, options, weights) };
}

function checkMetrics(action: string, options: unknown): Checked[] {
  requireKnownKeys(action, options, ['metrics', 'sampleWeight']);
  const { metrics: list } = options as EvaluateOptions;
  if (!Array.isArray(list)) throw typeError(action, 'metrics must be an array', list);
  const checked = list.map((metric) => checkMetric(action, metric));
  const names = new Set<string>();
  for (const { name } of checked) {
    if (names.has(name)) throw rangeError(action, 'metrics must have different names', name);
    names.add(name);
  }
  return checked;
}

/** The metrics of `evaluate`: checked at once, computed by `of` from the outputs. */
export class MetricRun {
  readonly #metrics: Checked[];
  readonly #weights: WeightOptions;

  constructor(
    readonly action: string,
    options: EvaluateOptions,
  ) {
    this.#metrics = checkMetrics(action, options);
    const { sampleWeight } = options;
    this.#weights = sampleWeight === undefined ? {} : { sampleWeight };
  }

  /** The metrics of outputs. */
  of(engine: Engine, rows: Rows, outputs: Matrix, t: TargetsLike): Record<string, unknown> {
    const { data, columns } = outputs;
    // Infinities are as good as other numbers, but rarer.
    const index = engine.executor.firstNonFinite(data) < 0 ? -1 : indexOfNaN(data);
    if (index >= 0) {
      const place = `NaN in row ${Math.floor(index / columns)}, column ${index % columns}`;
      throw rangeError(this.action, 'outputs must be numbers to have metrics', fact(place));
    }
    const evaluated = evaluatedOf(this.action, engine, rows, outputs);
    const values = this.#metrics.map(
      ({ name, compute }) => [name, compute(evaluated, t, this.#weights)] as const,
    );
    return Object.fromEntries(values);
  }
}

function evaluatedOf(action: string, { model }: Engine, rows: Rows, outputs: Matrix): Evaluated {
  const { loss, decision, layers } = model;
  const isMultiLabel = decision !== 'argmax' && outputs.columns > 1;
  const threshold = loss.includes || decision === 'sign' ? 0 : 0.5;
  const targets = rows.labels
    ? new Matrix(new Float64Array(rows.labels), rows.count, 1)
    : new Matrix(rows.targets as Numbers, rows.count, outputs.columns);
  const expected = rows.labels ?? expectedOf(decision === 'sign' ? withoutSigns(targets) : targets, decision);
  return {
    outputs,
    targets,
    expected,
    probabilities: () => (loss.includes ? probabilitiesOf(outputs, loss.includes) : outputs),
    decisions: () => {
      if (decision === null) {
        const rule = 'metrics of classes need a loss or an output activation that decides for classes';
        const { name } = layers[layers.length - 1].activation;
        throw rangeError(action, rule, fact(`${loss.name} on ${name}`));
      }
      return [isMultiLabel ? indicators(outputs, threshold) : decide(outputs, threshold), expected];
    },
    classes: isMultiLabel ? undefined : Math.max(2, outputs.columns),
    average: outputs.columns === 1 ? 'binary' : 'macro',
  };
}

function expectedOf(targets: Matrix, decision: Decision): TargetsLike {
  if (decision === null) return targets;
  if (decision === 'argmax' || targets.columns === 1) return decide(targets, 0.5);
  return indicators(targets, 0.5);
}

/** Classes of rows: the first largest of several columns, or whether the only one reaches the threshold. */
const decide = ({ data, columns }: Matrix, threshold: number): Int32Array =>
  columns === 1 ? binaryOfRows(data, threshold) : argmaxOfRows(data, columns);

const indicators = ({ data, rows, columns }: Matrix, threshold: number): Matrix =>
  new Matrix(Float32Array.from(binaryOfRows(data, threshold)), rows, columns);

/** Targets −1 and 1 as 0 and 1. */
const withoutSigns = ({ data, rows, columns }: Matrix): Matrix =>
  new Matrix(
    Float64Array.from(data, (target) => Number(target > 0)),
    rows,
    columns,
  );

/** Softmax or sigmoid of net inputs, in float64. */
function probabilitiesOf({ data, rows, columns }: Matrix, activation: 'softmax' | 'sigmoid'): Matrix {
  const p = Float64Array.from(data);
  if (activation === 'sigmoid')
    return new Matrix(
      p.map((z) => 1 / (1 + Math.exp(-z))),
      rows,
      columns,
    );
  for (let row = 0; row < rows; row++) {
    const own = p.subarray(row * columns, (row + 1) * columns);
    const largest = own.reduce((a, b) => Math.max(a, b));
    const sum = own.reduce((total, z) => total + Math.exp(z - largest), 0);
    own.forEach((z, column) => {
      own[column] = Math.exp(z - largest) / sum;
    });
  }
  return new Matrix(p, rows, columns);
}
