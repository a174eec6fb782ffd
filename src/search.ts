import { fact, rangeError, requireInteger, requireNumber, typeError } from './errors.js';
import { Random } from './random.js';

type Choices = Readonly<Record<string, readonly unknown[]>>;
type Choice<C extends Choices> = { readonly [Name in keyof C]: C[Name][number] };

/**
 * Every combination of the values of each name, the last name changing fastest.
 *
 * @example
 * grid({ learningRate: [0.01, 0.1], units: [16, 64] }).map(({ learningRate, units }) => ({ ... }))
 */
export function grid<const C extends Choices>(choices: C): Choice<C>[] {
  let combined: Record<string, unknown>[] = [{}];
  for (const [name, values] of Object.entries(choices)) {
    if (!Array.isArray(values) || values.length === 0)
      throw typeError('Cannot make grid', `${name} must be an array of values`, values);
    combined = combined.flatMap((one) => values.map((value) => ({ ...one, [name]: value })));
  }
  return combined as Choice<C>[];
}

/** Numbers between `from` and `to`: evenly, evenly in their logarithm, or integers with both ends. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly scale?: 'linear' | 'log';
  readonly integer?: boolean;
}

type Space = Readonly<Record<string, readonly unknown[] | Range>>;
type Drawn<S extends Space> = {
  readonly [Name in keyof S]: S[Name] extends readonly (infer Value)[] ? Value : number;
};

/** `count` random points of a space; the same seed draws the same. */
export function randomSearch<const S extends Space>(
  space: S,
  count: number,
  options: { readonly seed?: number } = {},
): Drawn<S>[] {
  const action = 'Cannot search at random';
  requireInteger(action, 'count', count, 1);
  const random = new Random(options.seed ?? 0);
  for (const [name, of] of Object.entries(space)) checkDimension(action, name, of);
  return Array.from({ length: count }, () =>
    Object.fromEntries(Object.entries(space).map(([name, of]) => [name, drawn(of, random)])),
  ) as Drawn<S>[];
}

function checkDimension(action: string, name: string, of: readonly unknown[] | Range): void {
  if (Array.isArray(of)) {
    if (of.length === 0) throw rangeError(action, `${name} must have values`, of);
    return;
  }
  const { from, to, scale } = of as Range;
  requireNumber(action, `${name}.from`, from);
  requireNumber(action, `${name}.to`, to, `finite and >= ${from}`, (value) => value >= from);
  if (scale === 'log' && from <= 0) throw rangeError(action, `${name}.from must be > 0 on a log scale`, from);
}

function drawn(of: readonly unknown[] | Range, random: Random): unknown {
  if (Array.isArray(of)) return of[random.integer(of.length)];
  const { from, to, scale, integer = false } = of as Range;
  const share = random.uniform();
  const end = integer ? to + 1 : to;
  const value = scale === 'log' ? from * (end / from) ** share : from + (end - from) * share;
  return integer ? Math.min(to, Math.floor(value)) : value;
}

/** A part of the rows to hold back; an option of `fit` as it stands. */
export interface Fold {
  readonly validationRows: Uint32Array;
}

/**
 * `folds` parts of the rows that together are all of them, in sizes that differ by one at most; with `labels`, each has
 * its share of every class.
 */
export function kFold(
  count: number,
  folds: number,
  options: { readonly seed?: number; readonly labels?: ArrayLike<number> } = {},
): Fold[] {
  const action = 'Cannot fold';
  requireInteger(action, 'count', count, 2);
  requireInteger(action, 'folds', folds, 2, count);
  const { seed = 0, labels } = options;
  if (labels && labels.length !== count)
    throw typeError(action, `labels must be ${count}, one a row`, fact(`${labels.length}`));
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  new Random(seed).shuffle(rows);
  // Dealt out like cards, class by class: each fold gets its share of every class.
  if (labels) rows.sort((a, b) => labels[a] - labels[b]);
  return Array.from({ length: folds }, (_, fold) => ({
    validationRows: rows.filter((_row, place) => place % folds === fold).sort(),
  }));
}

export interface HalvingOptions {
  /** One of so many candidates survives a round; default 3. */
  readonly factor?: number;
  /** Budget of the first round, such as epochs; it grows by `factor` each round. Default 1. */
  readonly budget?: number;
}

/** A candidate with its last score; the smaller the better. */
export interface Ranked<T> {
  readonly candidate: T;
  readonly score: number;
  /** Rounds it took part in. */
  readonly rounds: number;
}

/**
 * Tries all candidates with a small budget, the better ones with more, until one is left (Jamieson and Talwalkar, 2016).
 *
 * @param scores the score of each candidate for a budget, the smaller the better; NaN is the worst
 * @returns all candidates, the best first
 */
export async function successiveHalving<T>(
  candidates: readonly T[],
  scores: (candidates: readonly T[], budget: number) => Promise<readonly number[]> | readonly number[],
  options: HalvingOptions = {},
): Promise<Ranked<T>[]> {
  const action = 'Cannot halve';
  const { factor = 3, budget: first = 1 } = options;
  requireNumber(action, 'factor', factor, 'finite and > 1', (value) => value > 1);
  requireNumber(action, 'budget', first, 'finite and > 0', (value) => value > 0);
  const worth = (score: number): number => (Number.isNaN(score) ? Number.POSITIVE_INFINITY : score);
  const out: Ranked<T>[] = [];
  let left = [...candidates];
  for (let rounds = 1, budget = first; left.length > 0; rounds++, budget *= factor) {
    const given = await scores(left, Math.round(budget));
    if (given.length !== left.length)
      throw typeError(action, `there must be ${left.length} scores`, fact(`${given.length}`));
    const ranked = left
      .map((candidate, index) => ({ candidate, score: worth(given[index]), rounds }))
      .sort((a, b) => (a.score < b.score ? -1 : Number(a.score > b.score)));
    const survivors = left.length === 1 ? 0 : Math.max(1, Math.floor(left.length / factor));
    out.unshift(...ranked.slice(survivors));
    left = ranked.slice(0, survivors).map(({ candidate }) => candidate);
  }
  return out;
}
