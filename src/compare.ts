import type { RowsLike, TargetsLike } from './data.js';
import { accuracy, classesOfTargets } from './decisions.js';
import { rangeError, typeError } from './errors.js';
import type { Matrix } from './matrix.js';
import { readMatrix } from './rows.js';
import type { Trainer } from './trainer.js';

/** What one trainer makes of the rows of a comparison. */
export interface ComparedTrainer {
  readonly loss: number;
  /** Share of the rows that are classified right; null where the targets are no classes. */
  readonly accuracy: number | null;
  /** Rows × outputs, as `predict` returns them. */
  readonly outputs: Matrix;
  /** Classes counted from 0, as `predictClasses` returns them. */
  readonly labels: Int32Array;
}

export interface Comparison<Name extends string> {
  readonly trainers: Readonly<Record<Name, ComparedTrainer>>;
  /** The trainer with the lowest loss; null on a tie, and where the trainers do not measure the same loss. */
  readonly lowerLoss: Name | null;
  /** The trainer with the best accuracy; null on a tie, and where one has none. */
  readonly betterAccuracy: Name | null;
}

const action = 'Cannot compare trainers';

/**
 * Loss and accuracy of several trainers on the same rows, and which of them is best.
 *
 * The accuracy is that of `predictClasses`: of several outputs the first largest against that of the targets, of one
 * output the threshold. It is null with one output for which `evaluate` has no accuracy, such as a linear one, unless
 * all targets are 0 or 1. With binary cross-entropy on several outputs it is that of `evaluate`, the share of right
 * outputs.
 *
 * @param trainers by the name that the result refers to them with
 * @example
 * const { lowerLoss, trainers } = await compareTrainers({ sgd, adam }, testX, testT);
 * console.log(`${lowerLoss}: ${trainers.sgd.loss} against ${trainers.adam.loss}`);
 */
export async function compareTrainers<Name extends string>(
  trainers: Readonly<Record<Name, Trainer>>,
  x: RowsLike,
  t: TargetsLike,
): Promise<Comparison<Name>> {
  const entries = checkTrainers(trainers);
  const compared: [Name, ComparedTrainer][] = [];
  for (const [name, trainer] of entries) compared.push([name, await assess(trainer, x, t)]);
  const measures = new Set(entries.map(([, { loss, reduction }]) => `${loss} ${reduction}`));
  return {
    trainers: Object.fromEntries(compared) as Record<Name, ComparedTrainer>,
    lowerLoss: measures.size > 1 ? null : bestOf(compared.map(([name, { loss }]) => [name, -loss])),
    betterAccuracy: bestOf(compared.map(([name, one]) => [name, one.accuracy])),
  };
}

/** The name with the highest score; null on a tie and where a score is missing. A diverged loss, NaN, is the lowest. */
function bestOf<Name extends string>(scores: readonly [Name, number | null][]): Name | null {
  if (scores.some(([, score]) => score === null)) return null;
  const numbers = scores.map(([, score]) =>
    Number.isNaN(score) ? Number.NEGATIVE_INFINITY : (score as number),
  );
  const highest = Math.max(...numbers);
  const best = scores.filter((_, index) => numbers[index] === highest);
  return best.length === 1 ? best[0][0] : null;
}

function checkTrainers<Name extends string>(trainers: Readonly<Record<Name, Trainer>>): [Name, Trainer][] {
  const rule = 'trainers must be an object of trainers by name';
  if (typeof trainers !== 'object' || trainers === null) throw typeError(action, rule, trainers);
  const entries = Object.entries(trainers) as [Name, Trainer][];
  if (entries.length === 0) throw rangeError(action, 'there must be at least one trainer', trainers);
  for (const [name, trainer] of entries) {
    if (typeof trainer?.evaluate !== 'function')
      throw typeError(action, `${name} must be a trainer`, trainer);
  }
  return entries;
}

async function assess(trainer: Trainer, x: RowsLike, t: TargetsLike): Promise<ComparedTrainer> {
  const metrics = await trainer.evaluate(x, t);
  const outputs = trainer.predict(x);
  const labels = trainer.predictClasses(x);
  return {
    loss: metrics.loss,
    accuracy: accuracyOf(trainer, metrics.accuracy, labels, outputs, t),
    outputs,
    labels,
  };
}

function accuracyOf(
  trainer: Trainer,
  evaluated: number | undefined,
  labels: Int32Array,
  { rows, columns }: Matrix,
  t: TargetsLike,
): number | null {
  const { loss } = trainer;
  const isMultiLabel = loss === 'binaryCrossEntropy' || loss === 'binaryCrossEntropyWithLogits';
  if (evaluated !== undefined && (columns === 1 || isMultiLabel)) return evaluated;
  if (
    columns === 1 &&
    !readMatrix(action, 'targets', t).data.every((target) => target === 0 || target === 1)
  ) {
    return null;
  }
  return accuracy(labels, classesOfTargets(action, t, rows, columns));
}
