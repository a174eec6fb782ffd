import type { Numbers, Rows } from './backends/backend.js';
import { fact, rangeError } from './errors.js';
import type { Model } from './model.js';

/** Losses that take logarithms of outputs, and the output activations that cannot leave their domain. */
const positiveOutputs: Readonly<Record<string, readonly string[]>> = {
  crossEntropy: ['softmax', 'sigmoid', 'exp', 'softplus', 'gaussian'],
  binaryCrossEntropy: ['softmax', 'sigmoid'],
  poisson: ['softmax', 'sigmoid', 'exp', 'softplus', 'gaussian'],
  kullbackLeibler: ['softmax', 'sigmoid', 'exp', 'softplus', 'gaussian'],
};

/** Whether outputs may leave the domain of the loss, so that they have to be looked at before it is computed. */
export function mayLeaveDomain({ loss, layers }: Model): boolean {
  const safe = positiveOutputs[loss.name];
  return safe !== undefined && !safe.includes(layers[layers.length - 1].activation.name);
}

/** Throws if the loss would take the logarithm of an output that is not positive. */
export function requireOutputDomain(
  action: string,
  { loss, outputs }: Model,
  rows: Rows,
  output: Numbers,
): void {
  const isBinary = loss.name === 'binaryCrossEntropy';
  for (let index = 0; index < output.length; index++) {
    const row = Math.floor(index / outputs);
    const column = index % outputs;
    const x = output[index];
    const t = rows.labels ? Number(rows.labels[row] === column) : (rows.targets?.[index] ?? 0);
    const place = `output ${x} in row ${row}, column ${column}`;
    if (t > 0 && !(x > 0))
      throw rangeError(action, `${loss.name} needs outputs > 0 where targets are`, fact(place));
    if (isBinary && t < 1 && !(x < 1))
      throw rangeError(action, `${loss.name} needs outputs < 1 where targets are`, fact(place));
  }
}
