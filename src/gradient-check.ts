import type { RowsLike, TargetsLike } from './data.js';
import type { LayerWeights } from './parameters.js';
import type { Trainer } from './trainer.js';

/** A parameter by its place: layer, unit and input count from 0; `input` is null for a bias. */
export interface ParameterPlace {
  readonly layer: number;
  readonly unit: number;
  readonly input: number | null;
}

/** How far the gradients of a backend are from finite differences. */
export interface GradientCheck {
  /** The parameter whose gradient is farthest off. */
  readonly worst: ParameterPlace & { readonly computed: number; readonly numeric: number };
  /** |computed − numeric| of it, relative to the larger of 1 and |numeric|. */
  readonly error: number;
  /** Parameters checked. */
  readonly count: number;
  readonly passed: boolean;
}

export interface GradientCheckOptions {
  /** Distance of the two evaluations from a parameter; default 1e-5. */
  readonly step?: number;
  /** Largest error that passes; default 1e-6 on the reference backend, 1e-3 on the others. */
  readonly tolerance?: number;
}

/**
 * Compares the gradients that a trainer computes with central differences (E(w + h) − E(w − h)) / 2h in float64.
 *
 * @param x rows × inputs
 * @param t rows × outputs or labels
 */
export async function gradientCheck(
  trainer: Trainer,
  x: RowsLike,
  t: TargetsLike,
  options: GradientCheckOptions = {},
): Promise<GradientCheck> {
  const isExact = trainer.backend.id === 'reference';
  const { step = 1e-5, tolerance = isExact ? 1e-6 : 1e-3 } = options;
  const { layers } = trainer.inspect(x, t);
  const reference = await trainer.clone({ backend: 'reference' });
  try {
    const weights = reference.getWeights();
    let worst: GradientCheck['worst'] = { layer: 0, unit: 0, input: null, computed: 0, numeric: 0 };
    let error = -1;
    let count = 0;
    for (const { place, values, index } of parametersOf(weights)) {
      const original = values[index];
      const lossWith = (value: number): number => {
        values[index] = value;
        reference.setWeights(weights);
        return reference.inspect(x, t).loss as number;
      };
      const numeric = (lossWith(original + step) - lossWith(original - step)) / (2 * step);
      values[index] = original;
      const { weightGradient, biasGradient } = layers[place.layer];
      const gradients = place.input === null ? biasGradient : weightGradient?.data;
      const computed = gradients?.[index] ?? Number.NaN;
      const distance = Math.abs(computed - numeric) / Math.max(1, Math.abs(numeric));
      count++;
      if (distance <= error) continue;
      error = distance;
      worst = { ...place, computed, numeric };
    }
    return { worst, error, count, passed: error <= tolerance };
  } finally {
    reference.dispose();
  }
}

function* parametersOf(
  layers: readonly LayerWeights[],
): Generator<{ place: ParameterPlace; values: Float32Array | Float64Array; index: number }> {
  for (const [layer, { weights, biases }] of layers.entries()) {
    for (let index = 0; index < weights.data.length; index++) {
      const unit = Math.floor(index / weights.columns);
      yield { place: { layer, unit, input: index % weights.columns }, values: weights.data, index };
    }
    if (!biases) continue;
    for (let unit = 0; unit < biases.length; unit++) {
      yield { place: { layer, unit, input: null }, values: biases, index: unit };
    }
  }
}
