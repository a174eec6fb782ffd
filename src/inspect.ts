import type { Executor, Numbers } from './backends/backend.js';
import { numbersLike, type RowsLike, readInputs, readRows, type TargetsLike } from './data.js';
import type { Engine } from './engine.js';
import { requireKnownKeys } from './errors.js';
import { weightFactors } from './layer-derivatives.js';
import { Matrix } from './matrix.js';
import { type Model, requireDifferentiable } from './model.js';
import { type LayerWeights, readLayers } from './parameters.js';
import { bufferNamed, type Plan } from './plan/plan.js';

/**
 * What a layer computed for some rows, with its parameters and statistics as they were then. Nothing is dropped, and
 * batches are normalised by the running statistics. The gradients are null when no targets were given.
 */
export interface LayerInspection extends LayerWeights {
  /** z = W x + b or what has been normalised, rows × units; what enters a layer that acts in training only. */
  readonly netInput: Matrix;
  /** x = f(z), rows × units. */
  readonly output: Matrix;
  /** ∂E/∂x, rows × units. */
  readonly outputGradient: Matrix | null;
  /** ∂E/∂z, rows × units. */
  readonly delta: Matrix | null;
  /** ∂E/∂W, units × inputs, over all rows. */
  readonly weightGradient: Matrix | null;
  /** ∂E/∂b over all rows; null for a layer without biases. */
  readonly biasGradient: Float32Array | Float64Array | null;
}

/** Everything computed on the way to the loss E and back; E is reduced over the rows as the trainer reduces it. */
export interface Inspection {
  readonly layers: readonly LayerInspection[];
  /** x of the first layer, rows × inputs, after the input transform. */
  readonly inputs: Matrix;
  /** Rows × outputs, or one label a row; null when none were given. */
  readonly targets: Matrix | Int32Array | null;
  /** ∂E/∂x of these inputs. */
  readonly inputGradient: Matrix | null;
  /** Loss of each row by itself. */
  readonly sampleLosses: Float32Array | Float64Array | null;
  readonly loss: number | null;
  /** Gradients of each row by itself, `[row][layer]`, where they were asked for; their sums are those of the layers. */
  readonly sampleGradients: readonly (readonly LayerWeights[])[] | null;
}

export interface InspectOptions {
  /** Also compute the gradients of each row by itself; default false. */
  readonly sampleGradients?: boolean;
}

const action = 'Cannot inspect';

/** Copies per-row buffers of a plan out of the arena. */
class BatchReader {
  constructor(
    readonly executor: Executor,
    readonly plan: Plan,
    readonly rows: number,
  ) {}

  numbers(name: string): Numbers {
    const { offset, columns } = bufferNamed(this.plan, name);
    return this.executor.read(offset, this.rows * columns);
  }

  matrix(name: string): Matrix {
    return new Matrix(this.numbers(name), this.rows, bufferNamed(this.plan, name).columns);
  }
}

/** Runs forward, and with targets backward, keeping everything; changes no parameter. */
export function inspect(
  engine: Engine,
  x: RowsLike,
  t: TargetsLike | undefined,
  options: InspectOptions = {},
): Inspection {
  requireKnownKeys(action, options, ['sampleGradients']);
  const { model, executor, reader } = engine;
  if (t === undefined) {
    const rows = readInputs(action, x, model, reader);
    return engine.runInspection('forward', rows, (plan) => {
      const batch = new BatchReader(executor, plan, rows.count);
      return {
        layers: forwardOf(batch, model),
        inputs: batch.matrix('x0'),
        targets: null,
        inputGradient: null,
        sampleLosses: null,
        loss: null,
        sampleGradients: null,
      };
    });
  }
  requireDifferentiable(action, model, 0);
  const rows = readRows(action, x, t, model, reader);
  engine.requireOutputs(action, rows);
  return engine.runInspection(rows.labels ? 'inspectLabels' : 'inspect', rows, (plan, { loss }) => {
    const batch = new BatchReader(executor, plan, rows.count);
    const gradients = readLayers(executor, plan, model, 'd');
    const layers = forwardOf(batch, model).map((layer, index) => ({
      ...layer,
      outputGradient: batch.matrix(`dx${index + 1}`),
      delta: batch.matrix(`delta${index + 1}`),
      weightGradient: gradients[index].weights,
      biasGradient: gradients[index].biases,
    }));
    const inputs = batch.matrix('x0');
    return {
      layers,
      inputs,
      sampleGradients: options.sampleGradients ? sampleGradientsOf(model, layers, inputs) : null,
      targets: rows.labels ? rows.labels.slice() : batch.matrix('t'),
      inputGradient: batch.matrix('dx0'),
      sampleLosses: batch.numbers('rowLosses'),
      loss,
    };
  });
}

const forwardOf = (batch: BatchReader, model: Model): LayerInspection[] =>
  readLayers(batch.executor, batch.plan, model).map((parameters, index) => ({
    ...parameters,
    netInput: batch.matrix(`z${index + 1}`),
    output: batch.matrix(`x${index + 1}`),
    outputGradient: null,
    delta: null,
    weightGradient: null,
    biasGradient: null,
  }));

/** Gradients of each row: its delta, times what the weights of each unit are multiplied with. */
const sampleGradientsOf = (
  model: Model,
  layers: readonly LayerInspection[],
  inputs: Matrix,
): LayerWeights[][] =>
  Array.from({ length: inputs.rows }, (_, row) =>
    layers.map((layer, index): LayerWeights => {
      const entering = (index === 0 ? inputs : layers[index - 1].output).row(row);
      const factors = weightFactors(model.layers[index], layer, entering);
      const own = (layer.delta as Matrix).row(row);
      const { rows, columns } = layer.weights;
      const data = numbersLike(own, rows * columns);
      own.forEach((delta, unit) => {
        const row = factors(unit);
        for (let other = 0; other < columns; other++) data[unit * columns + other] = delta * row[other];
      });
      return { weights: new Matrix(data, rows, columns), biases: layer.biasGradient ? own.slice() : null };
    }),
  );
