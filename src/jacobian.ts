import { activationJacobian } from './activation-functions.js';
import type { RowsLike } from './data.js';
import { requireInteger, requireKnownKeys } from './errors.js';
import { netInputJacobian, weightFactors } from './layer-derivatives.js';
import { Matrix } from './matrix.js';
import type { Trainer } from './trainer.js';

/** Derivatives of the outputs for one row with respect to what one layer computes with. */
export interface LayerJacobian {
  /** ∂y_k / ∂z_i: outputs × units of the layer. */
  readonly netInput: Matrix;
  /** ∂y_k / ∂W_ij: for each output k a matrix units × inputs. */
  readonly weights: readonly Matrix[];
  /** ∂y_k / ∂b_i: outputs × units. */
  readonly biases: Matrix;
}

const action = 'Cannot compute Jacobian';

type Grid = number[][];

const product = (a: Grid, b: Grid): Grid =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));

const toMatrix = (grid: Grid): Matrix =>
  new Matrix(Float64Array.from(grid.flat()), grid.length, grid[0].length);

/**
 * ∂y / ∂z of each layer for each row: `[row][layer]`, outputs × units, by the chain rule from the last layer down; and
 * ∂z / ∂x of a layer for a row.
 */
function sensitivities(trainer: Trainer, x: RowsLike) {
  const { layers, inputs } = trainer.inspect(x);
  const { model } = trainer;
  const below = [inputs, ...layers.slice(0, -1).map(({ output }) => output)];
  const through = (layer: number, row: number): Grid =>
    netInputJacobian(model.layers[layer], layers[layer], below[layer].row(row));
  const rows = Array.from({ length: inputs.rows }, (_, row) => {
    let sensitivity: Grid | null = null;
    const perLayer: Grid[] = [];
    for (let layer = layers.length - 1; layer >= 0; layer--) {
      const local = activationJacobian(
        model.layers[layer].activation,
        Array.from(layers[layer].netInput.row(row)),
      );
      sensitivity = sensitivity ? product(product(sensitivity, through(layer + 1, row)), local) : local;
      perLayer.unshift(sensitivity);
    }
    return perLayer;
  });
  return { rows, layers, below, through };
}

/**
 * The Jacobian of the network for each row: ∂y_k / ∂x_j, outputs × inputs, in float64 from the trainer's net inputs.
 * The inputs are those after the input transform.
 *
 * @param x rows × inputs
 */
export function jacobian(trainer: Trainer, x: RowsLike): Matrix[];
/**
 * For each row the derivatives of the outputs with respect to the net inputs, weights and biases of a layer.
 *
 * @param options the layer, counted from 0
 */
export function jacobian(trainer: Trainer, x: RowsLike, options: { readonly layer: number }): LayerJacobian[];
export function jacobian(
  trainer: Trainer,
  x: RowsLike,
  options?: { readonly layer: number },
): Matrix[] | LayerJacobian[] {
  const { rows, layers, below, through } = sensitivities(trainer, x);
  if (options === undefined) return rows.map(([first], row) => toMatrix(product(first, through(0, row))));
  requireKnownKeys(action, options, ['layer']);
  const { layer } = options;
  requireInteger(action, 'layer', layer, 0, trainer.layers.length - 1);
  return rows.map((perLayer, row) => {
    const sensitivity = perLayer[layer];
    const factors = weightFactors(trainer.model.layers[layer], layers[layer], below[layer].row(row));
    return {
      netInput: toMatrix(sensitivity),
      weights: sensitivity.map((ofOutput) =>
        toMatrix(ofOutput.map((s, unit) => Array.from(factors(unit), (value) => s * value))),
      ),
      biases: toMatrix(sensitivity),
    };
  });
}
