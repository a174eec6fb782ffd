/** Derivatives of the net inputs of a layer, for one row of what enters it, with norms as `inspect` computes them. */
import { isMask, type Layer } from './layers.js';
import type { LayerWeights } from './parameters.js';

type Row = ArrayLike<number>;

/** (x - mean) / deviation, and 1 / deviation, of each unit. */
function normalised({ config }: Layer, { runningMean, runningVariance }: LayerWeights, x: Row): [Row, Row] {
  const epsilon = 'epsilon' in config ? config.epsilon : 0;
  const row = Array.from(x);
  const average = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const mean = average(row);
  const means = runningMean ?? row.map(() => mean);
  const variance = average(row.map((value) => (value - mean) ** 2));
  const inverse = row.map((_, unit) => 1 / Math.sqrt((runningVariance?.[unit] ?? variance) + epsilon));
  return [row.map((value, unit) => (value - means[unit]) * inverse[unit]), inverse];
}

/** What the weights of each unit are multiplied with: what enters a dense layer, what a norm has made of it. */
export function weightFactors(layer: Layer, own: LayerWeights, x: Row): (unit: number) => Row {
  if (layer.config.type === 'dense') return () => x;
  if (layer.weightRows === 0) return () => [];
  const [normal] = normalised(layer, own, x);
  return (unit) => [normal[unit]];
}

/** ∂z_i / ∂x_j, units × inputs. */
export function netInputJacobian(layer: Layer, own: LayerWeights, x: Row): number[][] {
  const { type } = layer.config;
  if (type === 'dense') return own.weights.toArrays();
  const { units } = layer;
  const [normal, inverse] = isMask(layer) ? [] : normalised(layer, own, x);
  return Array.from({ length: units }, (_, i) =>
    Array.from({ length: units }, (_, j) => {
      if (!normal || !inverse) return Number(i === j);
      const throughMoments = type === 'layerNorm' ? (1 + normal[i] * normal[j]) / units : 0;
      return (own.weights.data[i] ?? 1) * inverse[i] * (Number(i === j) - throughMoments);
    }),
  );
}
