import type { Numbers } from './backends/backend.js';
import { type RowsLike, readRows, type TargetsLike } from './data.js';
import type { Engine, Metrics } from './engine.js';
import { fact, stateError } from './errors.js';
import { requireTrainable } from './model.js';
import { type LayerWeights, readLayers } from './parameters.js';

/** Gradients of every layer, weights units × inputs, with the loss (and accuracy) of the rows they are of. */
export type Gradients = Metrics & { readonly layers: readonly LayerWeights[] };

/** Gradients computed apart from the update, and summed over calls until they are applied. */
export class GradientStore {
  readonly #engine: Engine;
  #sum: Float64Array | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Gradients of some rows; with `add`, added to those before, else in their place. */
  compute(action: string, x: RowsLike, t: TargetsLike, add: boolean): Gradients {
    const engine = this.#engine;
    const { model, executor } = engine;
    requireTrainable(action, model);
    const rows = readRows(action, x, t, model, engine.reader);
    engine.requireOutputs(action, rows);
    return engine.atRest(() => {
      const metrics = engine.runNow(rows.labels ? 'gradientsLabels' : 'gradients', rows, rows.count);
      const { offset, length } = engine.plan.gradients;
      const computed = executor.read(offset, length);
      const layers = readLayers(executor, engine.plan, model, 'd');
      this.#sum = add && this.#sum ? added(this.#sum, computed) : Float64Array.from(computed);
      return { ...metrics, layers };
    });
  }

  /** One optimizer step with the gradients summed so far, which are gone afterwards. */
  apply(action: string): void {
    requireTrainable(action, this.#engine.model);
    const sum = this.#sum;
    if (!sum) throw stateError(action, 'gradients must have been computed', fact('none'));
    this.#engine.atRest(() => {
      this.#engine.executor.write(this.#engine.plan.gradients.offset, sum);
      const rows = { count: 1, inputs: new Float32Array(1), targets: null, labels: null, shared: true };
      this.#engine.runNow('update', rows, 1);
    });
    this.#sum = null;
  }
}

function added(sum: Float64Array, more: Numbers): Float64Array {
  for (let index = 0; index < sum.length; index++) sum[index] += more[index];
  return sum;
}
