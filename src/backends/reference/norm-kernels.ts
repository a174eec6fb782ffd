import type { Batch, Operands } from './kernels.js';

/** Mean of `count` numbers and of their squared distances from it. */
function moments(count: number, at: (index: number) => number): [mean: number, variance: number] {
  let sum = 0;
  for (let index = 0; index < count; index++) sum += at(index);
  const mean = sum / count;
  let squares = 0;
  for (let index = 0; index < count; index++) squares += (at(index) - mean) ** 2;
  return [mean, squares / count];
}

/** Sums over the rows: gradients of beta and of gamma, where `normal` is what gamma is multiplied with. */
function sumGradients(
  { arena, rows }: Batch,
  { delta, gammaGradient, betaGradient, units, accumulate }: Operands,
  normal: (r: number, u: number) => number,
): void {
  for (let u = 0; u < units; u++) {
    let sum = 0;
    let product = 0;
    for (let r = 0; r < rows; r++) {
      sum += arena[delta + r * units + u];
      product += arena[delta + r * units + u] * normal(r, u);
    }
    if (betaGradient >= 0) arena[betaGradient + u] = sum + (accumulate ? arena[betaGradient + u] : 0);
    if (gammaGradient >= 0) arena[gammaGradient + u] = product + (accumulate ? arena[gammaGradient + u] : 0);
  }
}

/**
 * Normalisation over the rows of a batch (Ioffe and Szegedy 2015, arXiv 1502.03167) and over the units of a row (Ba,
 * Kiros and Hinton 2016, arXiv 1607.06450).
 */
export const normKernels = {
  batch_norm_forward({ arena, scalars, rows }: Batch, o: Operands): void {
    const { input, units, momentum } = o;
    for (let u = 0; u < units; u++) {
      if (momentum >= 0) {
        const [mean, variance] = moments(rows, (r) => arena[input + r * units + u]);
        arena[o.mean + u] = mean;
        arena[o.inverseDeviation + u] = 1 / Math.sqrt(variance + scalars[o.epsilon]);
        const approach = (place: number, value: number): void => {
          arena[place] += scalars[momentum] * (value - arena[place]);
        };
        approach(o.runningMean + u, mean);
        if (rows > 1) approach(o.runningVariance + u, (variance * rows) / (rows - 1));
      } else {
        arena[o.mean + u] = arena[o.runningMean + u];
        arena[o.inverseDeviation + u] = 1 / Math.sqrt(arena[o.runningVariance + u] + scalars[o.epsilon]);
      }
      const gamma = o.gamma < 0 ? 1 : arena[o.gamma + u];
      const beta = o.beta < 0 ? 0 : arena[o.beta + u];
      for (let r = 0; r < rows; r++) {
        const normal = (arena[input + r * units + u] - arena[o.mean + u]) * arena[o.inverseDeviation + u];
        arena[o.output + r * units + u] = gamma * normal + beta;
      }
    }
  },

  batch_norm_backward(batch: Batch, o: Operands): void {
    const { arena, rows } = batch;
    const { input, delta, gradient, units } = o;
    const normal = (r: number, u: number): number =>
      (arena[input + r * units + u] - arena[o.mean + u]) * arena[o.inverseDeviation + u];
    sumGradients(batch, o, normal);
    if (gradient < 0) return;
    for (let u = 0; u < units; u++) {
      let mean = 0;
      let product = 0;
      for (let r = 0; o.throughMoments && r < rows; r++) {
        mean += arena[delta + r * units + u] / rows;
        product += (arena[delta + r * units + u] * normal(r, u)) / rows;
      }
      const factor = (o.gamma < 0 ? 1 : arena[o.gamma + u]) * arena[o.inverseDeviation + u];
      for (let r = 0; r < rows; r++) {
        const centred = arena[delta + r * units + u] - mean - normal(r, u) * product;
        arena[gradient + r * units + u] = factor * centred;
      }
    }
  },

  layer_norm_forward({ arena, scalars, rows }: Batch, o: Operands): void {
    for (let r = 0; r < rows; r++) {
      const row = r * o.units;
      const [mean, variance] = moments(o.units, (u) => arena[o.input + row + u]);
      const inverseDeviation = 1 / Math.sqrt(variance + scalars[o.epsilon]);
      arena[o.mean + r] = mean;
      arena[o.inverseDeviation + r] = inverseDeviation;
      for (let u = 0; u < o.units; u++) {
        const gamma = o.gamma < 0 ? 1 : arena[o.gamma + u];
        const beta = o.beta < 0 ? 0 : arena[o.beta + u];
        arena[o.output + row + u] = gamma * ((arena[o.input + row + u] - mean) * inverseDeviation) + beta;
      }
    }
  },

  layer_norm_backward_weights(batch: Batch, o: Operands): void {
    const { arena } = batch;
    sumGradients(
      batch,
      o,
      (r, u) => (arena[o.input + r * o.units + u] - arena[o.mean + r]) * arena[o.inverseDeviation + r],
    );
  },

  layer_norm_backward_input({ arena, rows }: Batch, o: Operands): void {
    for (let r = 0; r < rows; r++) {
      const row = r * o.units;
      const normal = (u: number): number =>
        (arena[o.input + row + u] - arena[o.mean + r]) * arena[o.inverseDeviation + r];
      const d = Array.from(
        { length: o.units },
        (_, u) => (o.gamma < 0 ? 1 : arena[o.gamma + u]) * arena[o.delta + row + u],
      );
      const mean = d.reduce((sum, value) => sum + value, 0) / o.units;
      const product = d.reduce((sum, value, u) => sum + value * normal(u), 0) / o.units;
      for (let u = 0; u < o.units; u++) {
        arena[o.gradient + row + u] = arena[o.inverseDeviation + r] * (d[u] - mean - normal(u) * product);
      }
    }
  },
};
