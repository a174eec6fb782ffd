import type { Numbers, Rows } from './backends/backend.js';
import { numbersOf, type Reader, type RowsLike, readRows, type TargetsLike } from './data.js';
import { fact, rangeError, typeError } from './errors.js';
import { readWeights } from './metrics/weights.js';
import type { Model } from './model.js';

/** How much rows count in the loss, which stays divided by their number: sum(weight loss) / rows, as in Keras. */
export interface RowWeights {
  /** One weight a row. */
  readonly sampleWeight?: ArrayLike<number>;
  /**
   * One weight a class, which multiplies that of the row; `'balanced'` for rows / (classes × rows of the class), as in
   * scikit-learn. The class of a row is its label, its largest target, or with one output whether its target is at
   * least 0.5.
   */
  readonly classWeight?: 'balanced' | readonly number[] | Readonly<Record<number, number>>;
}

export const rowWeightKeys: readonly (keyof RowWeights)[] = ['sampleWeight', 'classWeight'];

/** The rows with their weights behind the targets; as they are without weights. */
export function weighRows(
  action: string,
  rows: Rows,
  { outputs }: Model,
  { sampleWeight, classWeight }: RowWeights,
): Rows {
  if (sampleWeight === undefined && classWeight === undefined) return rows;
  const { count, targets } = rows;
  const given = readWeights(action, sampleWeight, count);
  const ofClass = classWeight === undefined ? () => 1 : classWeights(action, rows, outputs, classWeight);
  const own = rows.labels ? 0 : outputs;
  const width = own + 1;
  const precision =
    rows.inputs instanceof Float64Array || targets instanceof Float64Array ? 'float64' : 'float32';
  const weighed = numbersOf(precision, count * width);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < own; column++) {
      weighed[row * width + column] = (targets as Numbers)[row * own + column];
    }
    weighed[row * width + own] = given.of(row) * ofClass(row);
  }
  // Inputs that are not shared are copied with everything else.
  return { ...rows, targets: weighed, weighted: true };
}

/** Reads rows for validation, which may come with weights. */
export function readValidation(
  action: string,
  [x, t, sampleWeight]: readonly [x: RowsLike, t: TargetsLike, sampleWeight?: ArrayLike<number>],
  model: Model,
  reader: Reader,
): Rows {
  const caller = `${action}: validationData`;
  return weighRows(caller, readRows(caller, x, t, model, reader), model, { sampleWeight });
}

/** The weight of a row by its class. */
function classWeights(
  action: string,
  { count, labels, targets }: Rows,
  outputs: number,
  weights: NonNullable<RowWeights['classWeight']>,
): (row: number) => number {
  const classes = Math.max(2, outputs);
  const classOf = (row: number): number => {
    if (labels) return labels[row];
    const own = targets as Numbers;
    if (outputs === 1) return own[row] >= 0.5 ? 1 : 0;
    let largest = 0;
    for (let column = 1; column < outputs; column++) {
      if (own[row * outputs + column] > own[row * outputs + largest]) largest = column;
    }
    return largest;
  };
  if (weights === 'balanced') {
    const counts = new Float64Array(classes);
    for (let row = 0; row < count; row++) counts[classOf(row)]++;
    const present = counts.filter((one) => one > 0).length;
    return (row) => count / (present * counts[classOf(row)]);
  }
  if (typeof weights !== 'object' || weights === null) {
    throw typeError(action, "classWeight must be 'balanced' or one number a class", weights);
  }
  const given = weights as Readonly<Record<number, number>>;
  for (const [name, weight] of Object.entries(given)) {
    const index = Number(name);
    if (!Number.isInteger(index) || index < 0 || index >= classes) {
      throw rangeError(
        action,
        `classWeight must be of the classes 0 to ${classes - 1}`,
        fact(`class ${name}`),
      );
    }
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw rangeError(action, 'classWeight must be finite and >= 0', fact(`${weight} of class ${name}`));
    }
  }
  return (row) => given[classOf(row)] ?? 1;
}
