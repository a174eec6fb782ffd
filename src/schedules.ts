import {
  fact,
  rangeError,
  requireBoolean,
  requireInteger,
  requireKnownKeys,
  requireName,
  requireNumber,
  typeError,
} from './errors.js';

interface Based {
  /** Rate that the schedule begins with; for `oneCycle` the largest. */
  readonly learningRate: number;
}

/** The same rate at every step. */
export interface ConstantSchedule extends Based {
  readonly type: 'constant';
}

/** learningRate factor^floor(step / every). */
export interface StepSchedule extends Based {
  readonly type: 'step';
  readonly every: number;
  /** Default 0.1. */
  readonly factor?: number;
}

/** learningRate factor^(milestones reached). */
export interface MultiStepSchedule extends Based {
  readonly type: 'multiStep';
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly factor?: number;
}

/** learningRate factor^(step / every). */
export interface ExponentialSchedule extends Based {
  readonly type: 'exponential';
  readonly factor: number;
  /** Default 1. */
  readonly every?: number;
}

/** minimum + (learningRate - minimum) (1 - step / steps)^power, then the minimum. */
export interface PolynomialSchedule extends Based {
  readonly type: 'polynomial';
  readonly steps: number;
  /** Default 1: a straight line. */
  readonly power?: number;
  /** Default 0. */
  readonly minimum?: number;
}

/** learningRate / (1 + factor step / every). */
export interface InverseTimeSchedule extends Based {
  readonly type: 'inverseTime';
  readonly factor: number;
  /** Default 1. */
  readonly every?: number;
}

/** Half a cosine from the rate down to the minimum (Loshchilov and Hutter, 2017), where it stays or begins again. */
export interface CosineSchedule extends Based {
  readonly type: 'cosine';
  /** Steps until the minimum; of the first period with `restarts`. */
  readonly steps: number;
  /** Default 0. */
  readonly minimum?: number;
  /** Begins again from the rate after each period; default false. */
  readonly restarts?: boolean;
  /** Factor of the length of each period to that before; default 1. */
  readonly stretch?: number;
}

/** Up to the rate and far down again (Smith and Topin, 2018), as in PyTorch; the momentum stays as it is. */
export interface OneCycleSchedule extends Based {
  readonly type: 'oneCycle';
  readonly steps: number;
  /** Share of the steps on the way up; default 0.3. */
  readonly rise?: number;
  /** The first rate is learningRate / startDivisor; default 25. */
  readonly startDivisor?: number;
  /** The last rate is the first / endDivisor; default 10000. */
  readonly endDivisor?: number;
  /** Default `'cosine'`. */
  readonly shape?: 'cosine' | 'linear';
}

/** A straight line up to the first rate of another schedule, which begins at its end. */
export interface WarmUpSchedule {
  readonly type: 'warmUp';
  readonly steps: number;
  /** Share of that rate to begin with; default 1 / (steps + 1), so that no step is without effect. */
  readonly from?: number;
  readonly schedule: LearningRate;
}

/** The rate times `factor` whenever a loss has not fallen for more than `patience` epochs of `fit`; as in PyTorch. */
export interface ReduceOnPlateauSchedule extends Based {
  readonly type: 'reduceOnPlateau';
  /** Default `'val_loss'` where there is one, else `'loss'`. */
  readonly monitor?: 'loss' | 'val_loss';
  /** Default 0.1. */
  readonly factor?: number;
  /** Default 10. */
  readonly patience?: number;
  /** A loss has fallen if it is below (1 - threshold) times the best so far; default 1e-4. */
  readonly threshold?: number;
  /** Epochs after a reduction that are not counted; default 0. */
  readonly cooldown?: number;
  /** Default 0. */
  readonly minimum?: number;
}

/** A learning rate for each optimizer step, counted from 0. Plain data, as the functions of `schedules` return it. */
export type Schedule =
  | ConstantSchedule
  | StepSchedule
  | MultiStepSchedule
  | ExponentialSchedule
  | PolynomialSchedule
  | InverseTimeSchedule
  | CosineSchedule
  | OneCycleSchedule
  | WarmUpSchedule
  | ReduceOnPlateauSchedule;

/** A rate, a schedule, or a function of the number of optimizer steps done. */
export type LearningRate = number | Schedule | ((step: number) => number);

type ScheduleType = Schedule['type'];
type ScheduleBy<T extends ScheduleType> = Extract<Schedule, { type: T }>;
type Given<T extends ScheduleType> = Omit<ScheduleBy<T>, 'type'>;

const create =
  <T extends ScheduleType>(type: T) =>
  (options: Given<T>): ScheduleBy<T> => {
    const schedule = { type, ...options } as unknown as ScheduleBy<T>;
    checkSchedule(`Cannot create schedule ${type}`, schedule);
    return schedule;
  };

/**
 * Schedules of the learning rate over the steps of a trainer, for the option `learningRate` of any optimizer.
 *
 * @example adam({ learningRate: schedules.warmUp({ steps: 100, schedule: schedules.cosine({ learningRate: 1e-3, steps: 5000 }) }) })
 */
export const schedules = {
  constant: /* @__PURE__ */ create('constant'),
  step: /* @__PURE__ */ create('step'),
  multiStep: /* @__PURE__ */ create('multiStep'),
  exponential: /* @__PURE__ */ create('exponential'),
  polynomial: /* @__PURE__ */ create('polynomial'),
  inverseTime: /* @__PURE__ */ create('inverseTime'),
  cosine: /* @__PURE__ */ create('cosine'),
  oneCycle: /* @__PURE__ */ create('oneCycle'),
  warmUp: /* @__PURE__ */ create('warmUp'),
  reduceOnPlateau: /* @__PURE__ */ create('reduceOnPlateau'),
} as const;

type Rule = (action: string, name: string, value: unknown) => void;

const number =
  (rule: string, allowed: (value: number) => boolean): Rule =>
  (action, name, value) =>
    requireNumber(action, name, value, rule, allowed);
const nonNegative = number('finite and >= 0', (value) => value >= 0);
const positive = number('finite and > 0', (value) => value > 0);
const share = number('in [0, 1]', (value) => value >= 0 && value <= 1);
const whole =
  (minimum: number): Rule =>
  (action, name, value) =>
    requireInteger(action, name, value, minimum);
const oneOf =
  (...names: string[]): Rule =>
  (action, name, value) =>
    requireName(action, name, value, names);

const learningRate = nonNegative;

/** What each schedule must be given, and what it may be given. */
const rules: Readonly<
  Record<ScheduleType, readonly [Readonly<Record<string, Rule>>, Readonly<Record<string, Rule>>]>
> = {
  constant: [{ learningRate }, {}],
  step: [{ learningRate, every: whole(1) }, { factor: nonNegative }],
  multiStep: [{ learningRate, milestones: checkMilestones }, { factor: nonNegative }],
  exponential: [{ learningRate, factor: nonNegative }, { every: whole(1) }],
  polynomial: [
    { learningRate, steps: whole(1) },
    { power: positive, minimum: nonNegative },
  ],
  inverseTime: [{ learningRate, factor: nonNegative }, { every: whole(1) }],
  cosine: [
    { learningRate, steps: whole(1) },
    { minimum: nonNegative, restarts: requireBoolean, stretch: whole(1) },
  ],
  oneCycle: [
    { learningRate, steps: whole(2) },
    { rise: share, startDivisor: positive, endDivisor: positive, shape: oneOf('cosine', 'linear') },
  ],
  warmUp: [{ steps: whole(1), schedule: checkFollowing }, { from: share }],
  reduceOnPlateau: [
    { learningRate },
    {
      ...{
        monitor: oneOf('loss', 'val_loss'),
        factor: number('in (0, 1)', (value) => value > 0 && value < 1),
      },
      ...{ patience: whole(0), threshold: nonNegative, cooldown: whole(0), minimum: nonNegative },
    },
  ],
};

function checkMilestones(action: string, name: string, value: unknown): void {
  if (!Array.isArray(value)) throw typeError(action, `${name} must be an array of step numbers`, value);
  value.forEach((milestone, index) => {
    requireInteger(action, `${name}[${index}]`, milestone, index === 0 ? 1 : value[index - 1] + 1);
  });
}

function checkFollowing(action: string, name: string, value: unknown): void {
  checkLearningRate(action, value, name);
  const type = typeof value === 'object' && (value as Schedule).type;
  if (type === 'reduceOnPlateau' || type === 'warmUp') {
    throw rangeError(action, `${name} must be a schedule of steps without a warm-up`, fact(type));
  }
}

function checkSchedule(action: string, value: unknown): asserts value is Schedule {
  const type = (value as Partial<Schedule> | null)?.type;
  requireName(action, 'the type of a schedule', type, Object.keys(rules) as ScheduleType[]);
  const [required, optional] = rules[type];
  requireKnownKeys(action, value, ['type', ...Object.keys(required), ...Object.keys(optional)]);
  const given = value as unknown as Record<string, unknown>;
  for (const [name, rule] of Object.entries(required)) rule(action, name, given[name]);
  for (const [name, rule] of Object.entries(optional)) {
    if (given[name] !== undefined) rule(action, name, given[name]);
  }
}

/** Throws unless `value` is a learning rate, a schedule, or a function. */
export function checkLearningRate(
  action: string,
  value: unknown,
  name = 'learningRate',
): asserts value is LearningRate {
  if (typeof value === 'function') return;
  if (typeof value === 'object' && value !== null) checkSchedule(`${action}: ${name}`, value);
  else nonNegative(action, name, value);
}

/** The rate of each step. */
export type RateFunction = (step: number) => number;

/** The function of a schedule; null for one rate that somebody else may change. */
export function rateFunction(rate: LearningRate): RateFunction | null {
  if (typeof rate === 'number') return null;
  if (typeof rate === 'function') {
    return (step) => {
      const value = rate(step);
      nonNegative('Cannot go on', `learningRate of step ${step}`, value);
      return value;
    };
  }
  const { type } = rate;
  if (type === 'reduceOnPlateau') return null;
  if (type === 'warmUp') {
    const { steps, from = 1 / (steps + 1), schedule } = rate;
    const following = rateFunction(schedule) ?? (() => firstRate(schedule));
    return (step) =>
      step < steps ? following(0) * (from + ((1 - from) * step) / steps) : following(step - steps);
  }
  const base = rate.learningRate;
  switch (type) {
    case 'constant':
      return () => base;
    case 'step': {
      const { every, factor = 0.1 } = rate;
      return (step) => base * factor ** Math.floor(step / every);
    }
    case 'multiStep': {
      const { milestones, factor = 0.1 } = rate;
      return (step) => base * factor ** milestones.filter((milestone) => step >= milestone).length;
    }
    case 'exponential': {
      const { factor, every = 1 } = rate;
      return (step) => base * factor ** (step / every);
    }
    case 'polynomial': {
      const { steps, power = 1, minimum = 0 } = rate;
      return (step) => minimum + (base - minimum) * (1 - Math.min(step, steps) / steps) ** power;
    }
    case 'inverseTime': {
      const { factor, every = 1 } = rate;
      return (step) => base / (1 + (factor * step) / every);
    }
    case 'cosine':
      return cosine(rate);
    case 'oneCycle':
      return oneCycle(rate);
  }
}

/** The rate that training begins with. */
export function firstRate(rate: LearningRate): number {
  if (typeof rate === 'number') return rate;
  return rateFunction(rate)?.(0) ?? (rate as ReduceOnPlateauSchedule).learningRate;
}

/** From `start` (at 0) to `end` (at 1) along half a cosine. */
const cosineBetween = (start: number, end: number, share: number): number =>
  end + ((start - end) / 2) * (Math.cos(Math.PI * share) + 1);

function cosine({
  learningRate: base,
  steps,
  minimum = 0,
  restarts = false,
  stretch = 1,
}: CosineSchedule): RateFunction {
  return (step) => {
    if (!restarts) return cosineBetween(base, minimum, Math.min(step, steps) / steps);
    let begin = 0;
    let length = steps;
    if (stretch === 1) begin = Math.floor(step / steps) * steps;
    else {
      while (step >= begin + length) {
        begin += length;
        length *= stretch;
      }
    }
    return cosineBetween(base, minimum, (step - begin) / length);
  };
}

function oneCycle(schedule: OneCycleSchedule): RateFunction {
  const { learningRate: largest, steps, rise = 0.3, startDivisor = 25, endDivisor = 1e4 } = schedule;
  const start = largest / startDivisor;
  const end = start / endDivisor;
  const top = rise * steps - 1;
  const between =
    schedule.shape === 'linear'
      ? (from: number, to: number, share: number): number => from + (to - from) * share
      : cosineBetween;
  return (step) => {
    if (step <= top) return between(start, largest, top > 0 ? step / top : 1);
    return between(largest, end, Math.min(1, (step - top) / (steps - 1 - top)));
  };
}
