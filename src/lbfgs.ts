import type { RowsLike, TargetsLike } from './data.js';
import {
  fact,
  requireInteger,
  requireKnownKeys,
  requireName,
  requireNumber,
  stateError,
  typeError,
} from './errors.js';
import { yieldToEventLoop } from './event-loop.js';
import { isMask } from './layers.js';
import { add, combine, dot, fixedStep, Line, type Point, strongWolfe, weakWolfe } from './line-search.js';
import { Matrix } from './matrix.js';
import { requireTrainable } from './model.js';
import type { LayerWeights } from './parameters.js';
import type { Trainer } from './trainer.js';

export interface LbfgsOptions {
  /** Default 100. */
  readonly iterations?: number;
  /** Pairs of steps and changes of the gradient that are remembered; default 10. */
  readonly memory?: number;
  /** Ends when no number of the gradient is larger; default 1e-7. */
  readonly gradientTolerance?: number;
  /** Ends when the loss falls by no more than this share of it; default 1e-9. */
  readonly lossTolerance?: number;
  /**
   * `'weakWolfe'` (default) by bisection; `'strongWolfe'` by cubic interpolation, as `line_search_fn='strong_wolfe'` of
   * PyTorch; `'none'` takes every step of `learningRate`, down or not, as long as the loss is a number.
   */
  readonly lineSearch?: 'weakWolfe' | 'strongWolfe' | 'none';
  /** Share of each suggested step to try first, and of the first step, which is at most 1 in all; default 1. */
  readonly learningRate?: number;
  /** Aborting ends the run after the iteration under way. */
  readonly signal?: AbortSignal;
}

/** What `fitLbfgs` resolves with. */
export interface LbfgsResult {
  /** Loss before the first iteration and after each. */
  readonly loss: readonly number[];
  readonly iterations: number;
  /** How often loss and gradient were computed. */
  readonly evaluations: number;
  readonly reason: 'gradient' | 'loss' | 'iterations' | 'lineSearch' | 'aborted';
}

const searches = { weakWolfe, strongWolfe, none: fixedStep };

/**
 * Trains on all rows at once by L-BFGS (Liu and Nocedal, 1989) with a line search: for small problems, where it finds in
 * tens of iterations what steps of fixed length take thousands for. It is no step of the trainer's optimizer, whose state,
 * rate and number of steps stay.
 *
 * @throws Error for a trainer with penalties, clipping or averages, which belong to steps of the optimizer, or with
 *   layers that compute something else in every step
 */
export async function fitLbfgs(
  trainer: Trainer,
  x: RowsLike,
  t: TargetsLike,
  options: LbfgsOptions = {},
): Promise<LbfgsResult> {
  const action = 'Cannot fit by L-BFGS';
  const tolerances = ['gradientTolerance', 'lossTolerance'];
  const names = ['iterations', 'memory', ...tolerances, 'lineSearch', 'learningRate', 'signal'];
  requireKnownKeys(action, options, names);
  const { iterations = 100, memory = 10, gradientTolerance = 1e-7, lossTolerance = 1e-9, signal } = options;
  const { lineSearch = 'weakWolfe', learningRate = 1 } = options;
  requireName(action, 'lineSearch', lineSearch, Object.keys(searches) as (keyof typeof searches)[]);
  requireNumber(action, 'learningRate', learningRate, 'finite and > 0', (rate) => rate > 0);
  requireInteger(action, 'iterations', iterations, 1);
  requireInteger(action, 'memory', memory, 1);
  for (const [name, value] of Object.entries({ gradientTolerance, lossTolerance })) {
    requireNumber(action, name, value, 'finite and >= 0', (number) => number >= 0);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw typeError(action, 'signal must be an AbortSignal', signal);
  }
  const { model } = trainer;
  requireTrainable(action, model);
  const ruled = model.layers.some(({ l1, l2, maxNorm }) => l1 > 0 || l2 > 0 || maxNorm !== null);
  if (ruled || model.gradientClipping || model.averaging) {
    throw stateError(action, 'penalties, bounds, clipping and averages must be off', fact('some of them'));
  }
  const changing = model.layers.find((layer) => isMask(layer) || layer.config.type === 'batchNorm');
  if (changing) {
    const rule =
      'the loss of the same weights must be the same, without dropout, noise and batch normalisation';
    throw stateError(action, rule, changing.config.type);
  }
  const shape = trainer.getWeights();
  let evaluations = 0;
  const evaluate = (at: Float64Array): Point => {
    trainer.setWeights(unflatten(at, shape));
    const { loss, layers } = trainer.computeGradients(x, t);
    evaluations++;
    const frozen = layers.map((layer, index) => (model.layers[index].trainable ? layer : zerosLike(layer)));
    return { at, loss, gradient: flatten(frozen) };
  };
  let point = evaluate(flatten(shape));
  const loss = [point.loss];
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  const ended = (reason: LbfgsResult['reason']): LbfgsResult => {
    trainer.setWeights(unflatten(point.at, shape));
    return { loss, iterations: loss.length - 1, evaluations, reason };
  };
  while (loss.length <= iterations) {
    if (signal?.aborted) return ended('aborted');
    if (point.gradient.every((g) => Math.abs(g) <= gradientTolerance)) return ended('gradient');
    const direction = descent(point.gradient, pairs);
    const line = new Line(point, direction, evaluate);
    // Of the first direction only the sign is known to be right.
    const scale =
      loss.length > 1 ? 1 : Math.min(1, 1 / point.gradient.reduce((sum, g) => sum + Math.abs(g), 0));
    const next = line.slope < 0 ? searches[lineSearch](line, scale * learningRate) : null;
    if (next === null || !Number.isFinite(next.loss)) return ended('lineSearch');
    const s = combine(next.at, -1, point.at);
    const y = combine(next.gradient, -1, point.gradient);
    const curvature = dot(s, y);
    if (curvature > 0) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    const fall = point.loss - next.loss;
    point = next;
    loss.push(point.loss);
    if (Math.abs(fall) <= lossTolerance * Math.abs(point.loss)) return ended('loss');
    await yieldToEventLoop();
  }
  return ended('iterations');
}

/** The step that the remembered pairs suggest, by the two loops of Nocedal and Wright, algorithm 7.4. */
function descent(
  gradient: Float64Array,
  pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.map((g) => -g);
  const shares = pairs.map(() => 0);
  for (let index = pairs.length - 1; index >= 0; index--) {
    const { s, y, rho } = pairs[index];
    shares[index] = rho * dot(s, q);
    add(q, -shares[index], y);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let index = 0; index < q.length; index++) q[index] *= scale;
  }
  pairs.forEach(({ s, y, rho }, index) => {
    add(q, shares[index] - rho * dot(y, q), s);
  });
  return q;
}

const zerosLike = ({ weights, biases }: LayerWeights): LayerWeights => ({
  weights: new Matrix(new Float64Array(weights.data.length), weights.rows, weights.columns),
  biases: biases && new Float64Array(biases.length),
});

const flatten = (layers: readonly LayerWeights[]): Float64Array =>
  Float64Array.from(layers.flatMap(({ weights, biases }) => [...weights.data, ...(biases ?? [])]));

function unflatten(values: Float64Array, shape: readonly LayerWeights[]): LayerWeights[] {
  let begin = 0;
  const take = (length: number): Float64Array => {
    begin += length;
    return values.subarray(begin - length, begin);
  };
  return shape.map(({ weights: { data, rows, columns }, biases }) => ({
    weights: new Matrix(take(data.length), rows, columns),
    biases: biases && take(biases.length),
  }));
}
