/** How far to go along a direction of descent. */

/** A point of a function of many numbers. */
export interface Point {
  readonly at: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** Decrease and curvature that a step must have (Nocedal and Wright, 2006, section 3.1). */
const DECREASE = 1e-4;
const CURVATURE = 0.9;

export type LineSearch = (line: Line, length: number) => Point | null;

/** The points from one of them on along a direction. */
export class Line {
  readonly slope: number;

  constructor(
    readonly from: Point,
    readonly direction: Float64Array,
    readonly evaluate: (at: Float64Array) => Point,
  ) {
    this.slope = dot(from.gradient, direction);
  }

  at(length: number): Trial {
    const point = this.evaluate(combine(this.from.at, length, this.direction));
    return { length, point, loss: point.loss, slope: dot(point.gradient, this.direction) };
  }

  get begin(): Trial {
    return { length: 0, point: this.from, loss: this.from.loss, slope: this.slope };
  }

  /** Whether the loss has fallen as far as the slope at the beginning promises; not for NaN. */
  falls({ length, loss }: Trial): boolean {
    return loss <= this.from.loss + DECREASE * length * this.slope;
  }
}

/** A point of a line, and the slope there. */
interface Trial {
  readonly length: number;
  readonly point: Point;
  readonly loss: number;
  readonly slope: number;
}

/** The point at the length given, whatever its loss is. */
export const fixedStep: LineSearch = (line, length) => line.at(length).point;

const MOST_BISECTIONS = 30;

/**
 * A point that satisfies the weak Wolfe conditions, by bisection (Lewis and Overton, 2013), or the best with the first of
 * them; null without one.
 */
export const weakWolfe: LineSearch = (line, first) => {
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let length = first;
  let best: Point | null = null;
  for (let count = 0; count < MOST_BISECTIONS; count++) {
    const trial = line.at(length);
    if (!line.falls(trial)) high = length;
    else {
      best = trial.point;
      if (trial.slope >= CURVATURE * line.slope) return best;
      low = length;
    }
    length = high === Number.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
  }
  return best;
};

/** As in PyTorch, like the rules of `strongWolfe` that the book leaves open. */
const MOST_TRIALS = 25;
const NEAREST = 1.01;
const FARTHEST = 10;
const SMALLEST_CHANGE = 1e-9;
const MARGIN = 0.1;

/**
 * A point that satisfies the strong Wolfe conditions, bracketed and then narrowed down by cubic interpolation (Nocedal
 * and Wright, 2006, algorithms 3.5 and 3.6); the lowest of the last bracket if too many were tried.
 */
export const strongWolfe: LineSearch = (line, first) => {
  const isFlat = ({ slope }: Trial): boolean => Math.abs(slope) <= -CURVATURE * line.slope;
  let before = line.begin;
  let trial = line.at(first);
  let trials = 0;
  for (; ; trials++) {
    if (trials === MOST_TRIALS) {
      before = line.begin;
      break;
    }
    if (!line.falls(trial) || (trials > 1 && trial.loss >= before.loss)) break;
    if (isFlat(trial)) return trial.point;
    if (trial.slope >= 0) break;
    const nearest = trial.length + (NEAREST - 1) * (trial.length - before.length);
    const length = between(before, trial, nearest, FARTHEST * trial.length);
    before = trial;
    trial = line.at(length);
  }
  let [low, high] = before.loss <= trial.loss ? [before, trial] : [trial, before];
  const longest = largest(line.direction);
  let isNear = false;
  for (; trials < MOST_TRIALS; trials++) {
    const [begin, end] = low.length < high.length ? [low.length, high.length] : [high.length, low.length];
    if ((end - begin) * longest < SMALLEST_CHANGE) break;
    let length = between(low, high, begin, end);
    const margin = MARGIN * (end - begin);
    const wasNear = isNear;
    isNear = Math.min(end - length, length - begin) < margin;
    if (isNear && (wasNear || length >= end || length <= begin)) {
      length = Math.abs(length - end) < Math.abs(length - begin) ? end - margin : begin + margin;
      isNear = false;
    }
    trial = line.at(length);
    if (!line.falls(trial) || trial.loss >= low.loss) {
      high = trial;
      if (high.loss < low.loss) [low, high] = [high, low];
      continue;
    }
    if (isFlat(trial)) return trial.point;
    if (trial.slope * (high.length - low.length) >= 0) high = low;
    low = trial;
  }
  return low.length > 0 ? low.point : null;
};

/** Where the cubic through two trials has its minimum, within bounds; the middle of them if it has none. */
function between(one: Trial, other: Trial, least: number, most: number): number {
  const [a, b] = one.length <= other.length ? [one, other] : [other, one];
  const mean = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.length - b.length);
  const square = mean * mean - a.slope * b.slope;
  if (!(square >= 0)) return (least + most) / 2;
  const root = Math.sqrt(square);
  const share = (b.slope + root - mean) / (b.slope - a.slope + 2 * root);
  const length = b.length - (b.length - a.length) * share;
  return Number.isNaN(length) ? (least + most) / 2 : Math.min(Math.max(length, least), most);
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index] * b[index];
  return sum;
}

/** a += factor b. */
export function add(a: Float64Array, factor: number, b: Float64Array): void {
  for (let index = 0; index < a.length; index++) a[index] += factor * b[index];
}

/** a + factor b. */
export function combine(a: Float64Array, factor: number, b: Float64Array): Float64Array {
  const sum = a.slice();
  add(sum, factor, b);
  return sum;
}

const largest = (values: Float64Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
