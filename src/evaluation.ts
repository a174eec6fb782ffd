import type { Dataset, Rows } from './backends/backend.js';
import { numbersOf, type RowsLike, readRows, type TargetsLike } from './data.js';
import type { Engine, Metrics } from './engine.js';
import { requireKnownKeys } from './errors.js';
import { Turns } from './event-loop.js';
import { Matrix } from './matrix.js';
import type { EvaluateOptions, Evaluation } from './metrics/evaluate.js';
import { type RowWeights, rowWeightKeys, weighRows } from './row-weights.js';

/** Asking for a module again takes longer than evaluating a few rows. */
let loading: Promise<typeof import('./metrics/evaluate.js')> | undefined;
const metricsModule = () => {
  loading ??= import('./metrics/evaluate.js');
  return loading;
};

/** Of evaluations on the caller's thread, however many follow one another. */
const turns = new Turns();

/** `Trainer.evaluate`: the loss and, from the outputs of the same pass, the metrics. */
export async function evaluate(
  engine: Engine,
  x: RowsLike,
  t: TargetsLike,
  options: RowWeights | (EvaluateOptions & RowWeights) = {},
): Promise<Metrics | Evaluation> {
  const action = 'Cannot evaluate';
  const { classWeight, ...others } = options;
  const asked =
    'metrics' in others ? new (await metricsModule()).MetricRun(action, others as EvaluateOptions) : null;
  engine.requireAlive(action);
  const { model } = engine;
  if (!asked) requireKnownKeys(action, others, rowWeightKeys);
  const unweighted = readRows(action, x, t, model, engine.reader);
  engine.requireOutputs(action, unweighted);
  const rows = weighRows(action, unweighted, model, options);
  const result = asked ? numbersOf(engine.backend.precision, rows.count * model.outputs) : undefined;
  const brief = engine.evaluateNow(rows, result);
  if (brief) await turns.take();
  const metrics =
    brief ??
    ((await overRows(engine, rows, (dataset) => engine.evaluate(rows, dataset, { result }))) as Metrics);
  engine.requireAlive(action);
  if (!asked || !result) return metrics;
  const outputs = new Matrix(result, rows.count, model.outputs);
  return { ...metrics, metrics: asked.of(engine, unweighted, outputs, t) as Evaluation['metrics'] };
}

/** One run over rows, as they are now; they are copied while it begins. */
export async function overRows<T>(
  { executor }: Engine,
  rows: Rows,
  run: (dataset: Dataset) => Promise<T>,
): Promise<T> {
  const dataset = executor.createDataset(rows, true, true);
  try {
    const running = run(dataset);
    // Where the run waits for another one.
    dataset.complete?.();
    return await running;
  } finally {
    dataset.dispose();
  }
}
