/**
 * Between the layout of this library and those of textbooks.
 *
 * Here a layer has weights units × inputs and a vector of biases, samples are rows, and delta = ∂E/∂z, so that a step of
 * gradient descent is W −= learningRate · deltaᵀ X. Elsewhere one finds
 *
 * - weights inputs × units, or samples in columns (Z = W X + b): `transpose`;
 * - the bias folded into the weights as column 0, for inputs that begin with a constant 1: `weightsFromFolded` and
 *   `foldedWeights`, which serve gradients as well (`{ weights: weightGradient, biases: biasGradient }`);
 * - delta = −∂E/∂z, with which a step is W += learningRate · deltaᵀ X: the deltas and weight changes of such notes are
 *   those of `inspect` with the opposite sign;
 * - Σ(x − t)² without the ½, whose gradients are twice as large: the loss `squaredError`.
 */
import { numbersLike, type RowsLike } from './data.js';
import { rangeError, requireKnownKeys, typeError } from './errors.js';
import { Matrix } from './matrix.js';
import { type LayerWeights, type LayerWeightsLike, transpose as transposeNumbers } from './parameters.js';
import { readMatrix } from './rows.js';

/**
 * Rows as columns: inputs × units as units × inputs and back, samples in columns as samples in rows and back.
 *
 * @param matrix rows × columns; a flat array is one row
 * @returns a new matrix, columns × rows
 * @example transpose([[1, 2, 3], [4, 5, 6]]).toArrays() // [[1, 4], [2, 5], [3, 6]]
 */
export function transpose(matrix: RowsLike): Matrix {
  const { data, rows, columns } = readMatrix('Cannot transpose', 'matrix', matrix);
  return new Matrix(transposeNumbers(data, rows, columns), columns, rows);
}

/**
 * Weights and biases of a layer from the folded form, in which the bias is column 0.
 *
 * @param folded units × (inputs + 1)
 * @throws RangeError where there is no column besides the bias
 * @example trainer.setWeights([[[0.5, 1, -1]], [[0, 2]]].map((folded) => weightsFromFolded(folded)))
 */
export function weightsFromFolded(folded: RowsLike): LayerWeights {
  const action = 'Cannot unfold weights';
  const source = readMatrix(action, 'folded', folded);
  const inputs = source.columns - 1;
  if (inputs === 0)
    throw rangeError(action, 'folded must have a bias and at least one weight per unit', folded);
  const weights = new Matrix(numbersLike(source.data, source.rows * inputs), source.rows, inputs);
  const biases = numbersLike(source.data, source.rows);
  for (let unit = 0; unit < source.rows; unit++) {
    const row = source.row(unit);
    biases[unit] = row[0];
    weights.row(unit).set(row.subarray(1));
  }
  return { weights, biases };
}

/**
 * The folded form of a layer, units × (inputs + 1) with the bias as column 0; zeros there for a layer without biases.
 *
 * @throws TypeError where the numbers of units and biases differ
 * @example const folded = trainer.getWeights().map((layer) => foldedWeights(layer).toArrays());
 */
export function foldedWeights(layer: LayerWeightsLike): Matrix {
  const action = 'Cannot fold weights';
  requireKnownKeys(action, layer, ['weights', 'biases']);
  const weights = readMatrix(action, 'weights', layer.weights);
  const { rows: units, columns: inputs } = weights;
  const biases = layer.biases ? readMatrix(action, 'biases', layer.biases).data : null;
  if (biases && biases.length !== units) {
    throw typeError(action, `biases must have ${units} numbers, one per row of the weights`, biases);
  }
  const folded = new Matrix(numbersLike(weights.data, units * (inputs + 1)), units, inputs + 1);
  for (let unit = 0; unit < units; unit++) {
    const row = folded.row(unit);
    if (biases) row[0] = biases[unit];
    row.set(weights.row(unit), 1);
  }
  return folded;
}
