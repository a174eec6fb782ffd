import { rangeError, requireBoolean, requireKnownKeys, requireNumber, typeError } from './errors.js';
import { further } from './further.js';
import type { Preset } from './presets.js';
import { checkLearningRate, type LearningRate } from './schedules.js';

/** What every optimizer takes. */
interface Shared {
  readonly learningRate: LearningRate;
  /** Times the parameters, added to the gradient; where it is decoupled, learningRate weightDecay w is taken from w. */
  readonly weightDecay: number;
}

/** Stochastic gradient descent, as `sgd()` returns it. */
export interface SgdOptimizer extends Shared {
  readonly type: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
}

export interface Moments extends Shared {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Adam or AdamW, as `adam()` and `adamw()` return it. */
export interface AdamOptimizer extends Moments {
  readonly type: 'adam' | 'adamw';
  /** Divides by the root of the largest mean square so far. */
  readonly amsgrad: boolean;
}

/** Adam with Nesterov's momentum, as `nadam()` returns it. */
export interface NadamOptimizer extends Moments {
  readonly type: 'nadam';
  /** The momentum of step t is beta1 (1 - 0.96^(t momentumDecay) / 2). */
  readonly momentumDecay: number;
  readonly decoupledWeightDecay: boolean;
}

/** Rectified Adam, as `radam()` returns it. */
export interface RadamOptimizer extends Moments {
  readonly type: 'radam';
  readonly decoupledWeightDecay: boolean;
}

/** Adam by the largest gradient, as `adamax()` returns it. */
export interface AdamaxOptimizer extends Moments {
  readonly type: 'adamax';
}

/** RMSprop, as `rmsprop()` returns it. */
export interface RmspropOptimizer extends Shared {
  readonly type: 'rmsprop';
  /** How much of the mean square is kept: alpha in PyTorch, rho in Keras. */
  readonly decay: number;
  readonly momentum: number;
  /** Takes the square of the mean gradient from the mean square. */
  readonly centered: boolean;
  readonly epsilon: number;
}

/** Adagrad, as `adagrad()` returns it. */
export interface AdagradOptimizer extends Shared {
  readonly type: 'adagrad';
  /** The rate of step t is learningRate / (1 + (t - 1) learningRateDecay). */
  readonly learningRateDecay: number;
  /** Where the sums of squares begin. */
  readonly initialAccumulator: number;
  readonly epsilon: number;
}

/** Adadelta, as `adadelta()` returns it. */
export interface AdadeltaOptimizer extends Shared {
  readonly type: 'adadelta';
  /** How much of the mean squares is kept: rho. */
  readonly decay: number;
  readonly epsilon: number;
}

/** Lion, as `lion()` returns it. */
export interface LionOptimizer extends Shared {
  readonly type: 'lion';
  readonly beta1: number;
  readonly beta2: number;
}

/** Resilient propagation, as `rprop()` returns it. */
export interface RpropOptimizer {
  readonly type: 'rprop';
  /** Where the step sizes begin; nothing else depends on it. */
  readonly learningRate: number;
  /** Factor of a step size after a change of sign. */
  readonly decrease: number;
  /** Factor of a step size after an equal sign. */
  readonly increase: number;
  readonly smallestStep: number;
  readonly largestStep: number;
}

export type Optimizer =
  | SgdOptimizer
  | AdamOptimizer
  | NadamOptimizer
  | RadamOptimizer
  | AdamaxOptimizer
  | RmspropOptimizer
  | AdagradOptimizer
  | AdadeltaOptimizer
  | LionOptimizer
  | RpropOptimizer;

/** Whether a step is w -= learningRate g and nothing else. */
export const isPlainSgd = (optimizer: Optimizer): boolean =>
  optimizer.type === 'sgd' && optimizer.momentum === 0 && optimizer.weightDecay === 0;

/** Whether the step of an optimizer is an operation of its own, not a rule of `optimizer_step`. */
export const hasOwnStep = (optimizer: Optimizer): optimizer is SgdOptimizer | AdamOptimizer =>
  optimizer.type === 'sgd' ||
  ((optimizer.type === 'adam' || optimizer.type === 'adamw') && !optimizer.amsgrad);

type Options<T> = Partial<Omit<T, 'type'>>;

export type SgdOptions = Options<SgdOptimizer>;
export type AdamOptions = Options<AdamOptimizer>;
export type NadamOptions = Options<NadamOptimizer>;
export type RadamOptions = Options<RadamOptimizer>;
export type AdamaxOptions = Options<AdamaxOptimizer>;
export type RmspropOptions = Options<RmspropOptimizer>;
export type AdagradOptions = Options<AdagradOptimizer>;
export type AdadeltaOptions = Options<AdadeltaOptimizer>;
export type LionOptions = Options<LionOptimizer>;
export type RpropOptions = Options<RpropOptimizer>;

type OptimizerType = Optimizer['type'];

/** The optimizer of a type. */
type OptimizerBy<T, O = Optimizer> = O extends { type: infer Type } ? (T extends Type ? O : never) : never;

const moments = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

/**
 * What is taken for an option that is left out: the defaults of PyTorch; the rate of sgd is that of Keras, and what lion
 * takes that of its paper.
 */
const defaults: { readonly [T in OptimizerType]: Omit<OptimizerBy<T>, 'type'> } = {
  sgd: { learningRate: 0.01, momentum: 0, nesterov: false, weightDecay: 0 },
  adam: { learningRate: 1e-3, ...moments, amsgrad: false },
  adamw: { learningRate: 1e-3, ...moments, weightDecay: 0.01, amsgrad: false },
  nadam: { learningRate: 2e-3, ...moments, momentumDecay: 4e-3, decoupledWeightDecay: false },
  radam: { learningRate: 1e-3, ...moments, decoupledWeightDecay: false },
  adamax: { learningRate: 2e-3, ...moments },
  rmsprop: { learningRate: 0.01, decay: 0.99, momentum: 0, centered: false, epsilon: 1e-8, weightDecay: 0 },
  adagrad: {
    learningRate: 0.01,
    learningRateDecay: 0,
    initialAccumulator: 0,
    epsilon: 1e-10,
    weightDecay: 0,
  },
  adadelta: { learningRate: 1, decay: 0.9, epsilon: 1e-6, weightDecay: 0 },
  lion: { learningRate: 1e-4, beta1: 0.9, beta2: 0.99, weightDecay: 0 },
  rprop: { learningRate: 0.01, decrease: 0.5, increase: 1.2, smallestStep: 1e-6, largestStep: 50 },
};

type OptionName = { [T in OptimizerType]: keyof (typeof defaults)[T] }[OptimizerType];

const nonNegative = ['finite and >= 0', (value: number) => value >= 0] as const;
const positive = ['> 0', (value: number) => value > 0] as const;
const fraction = ['in [0, 1)', (value: number) => value >= 0 && value < 1] as const;

/** What an option must be; null for a boolean. */
const rules: Readonly<
  Record<Exclude<OptionName, 'learningRate'>, readonly [string, (value: number) => boolean] | null>
> = {
  weightDecay: nonNegative,
  momentum: fraction,
  nesterov: null,
  beta1: fraction,
  beta2: fraction,
  epsilon: positive,
  amsgrad: null,
  momentumDecay: nonNegative,
  decoupledWeightDecay: null,
  decay: fraction,
  centered: null,
  learningRateDecay: nonNegative,
  initialAccumulator: nonNegative,
  decrease: ['in (0, 1)', (value) => value > 0 && value < 1],
  increase: ['> 1', (value) => value > 1],
  smallestStep: positive,
  largestStep: positive,
};

/**
 * Stochastic gradient descent: v = momentum v + g, w -= learningRate v; with `nesterov` the step is g + momentum v
 * (Sutskever et al., 2013, in the form of PyTorch). Weight decay adds weightDecay w to the gradient.
 *
 * @throws RangeError for a negative rate or a momentum outside [0, 1)
 */
export const sgd = (options: SgdOptions = {}): SgdOptimizer => create('sgd', options);

/**
 * Adam (Kingma and Ba, 2015): steps by the bias-corrected mean of the gradient over the root of that of its square;
 * with `amsgrad`, over that of the largest mean square so far (Reddi et al., 2018). Weight decay adds weightDecay w to
 * the gradient.
 *
 * @throws RangeError for a negative rate, or a beta outside [0, 1)
 */
export const adam = (options: AdamOptions = {}): AdamOptimizer => create('adam', options);

/**
 * AdamW (Loshchilov and Hutter, 2019): Adam with decoupled weight decay, w -= learningRate weightDecay w.
 * As in PyTorch, weightDecay is 0.01 by default.
 *
 * @throws RangeError for a negative rate, or a beta outside [0, 1)
 */
export const adamw = (options: AdamOptions = {}): AdamOptimizer => create('adamw', options);

/** Adam with Nesterov's momentum (Dozat, 2016), in the form of PyTorch 2. */
export const nadam = (options: NadamOptions = {}): NadamOptimizer => create('nadam', options);

/** Rectified Adam (Liu et al., 2020): plain momentum until the variance of the mean square is known well enough. */
export const radam = (options: RadamOptions = {}): RadamOptimizer => create('radam', options);

/** Adamax (Kingma and Ba, 2015): Adam by the decayed largest gradient instead of the mean square. */
export const adamax = (options: AdamaxOptions = {}): AdamaxOptimizer => create('adamax', options);

/**
 * RMSprop (Tieleman and Hinton, 2012): v = decay v + (1 - decay) g², b = momentum b + g / (sqrt(v) + epsilon),
 * w -= learningRate b; `centered` takes the square of the mean gradient from v (Graves, 2013), which rounding never
 * makes negative here.
 */
export const rmsprop = (options: RmspropOptions = {}): RmspropOptimizer => create('rmsprop', options);

/** Adagrad (Duchi et al., 2011): steps by the gradient over the root of the sum of its squares. */
export const adagrad = (options: AdagradOptions = {}): AdagradOptimizer => create('adagrad', options);

/** Adadelta (Zeiler, 2012): steps by the gradient times the root of the mean squares of steps over that of gradients. */
export const adadelta = (options: AdadeltaOptions = {}): AdadeltaOptimizer => create('adadelta', options);

/** Lion (Chen et al., 2023): steps by the sign of a blend of momentum and gradient; weight decay is decoupled. */
export const lion = (options: LionOptions = {}): LionOptimizer => create('lion', options);

/**
 * Resilient propagation in the form iRprop- (Igel and Hüsken, 2003): a step size for each parameter, by the signs of
 * its gradients alone. For training on all rows at once.
 */
export const rprop = (options: RpropOptions = {}): RpropOptimizer => create('rprop', options);

/** Options as they were given, without defaults, by what the functions above returned for them. */
const given = new WeakMap<object, object>();

function create<T extends OptimizerType>(type: T, options: object): OptimizerBy<T> {
  const optimizer = checkOptimizer(`Cannot create ${type}`, { type, ...options });
  given.set(optimizer, { type, ...options });
  return optimizer as OptimizerBy<T>;
}

/**
 * Fills in defaults, those of the preset first, and checks every number; takes what the functions above return, or the
 * like by hand.
 */
export function checkOptimizer(action: string, optimizer: unknown, preset?: Preset): Optimizer {
  const type = (optimizer as Partial<Optimizer> | null | undefined)?.type;
  if (typeof type !== 'string' || !Object.hasOwn(defaults, type)) {
    throw typeError(action, `optimizer must come from one of ${names.join(', ')}`, optimizer);
  }
  requireKnownKeys(action, optimizer, ['type', ...Object.keys(defaults[type])]);
  const own = (given.get(optimizer as object) ?? optimizer) as Record<string, unknown>;
  const preferred = preset ? (further().presetOptimizer(preset, type) as Record<string, unknown>) : {};
  const checked: Record<string, unknown> = { type };
  for (const [name, byDefault] of Object.entries(defaults[type])) {
    const value = own[name] ?? preferred[name] ?? byDefault;
    checked[name] = value;
    if (name === 'learningRate') {
      checkLearningRate(action, value);
      continue;
    }
    const rule = rules[name as Exclude<OptionName, 'learningRate'>];
    if (rule) requireNumber(action, name, value, ...rule);
    else requireBoolean(action, name, value);
  }
  checkTogether(action, checked as unknown as Optimizer);
  return checked as unknown as Optimizer;
}

const names = Object.keys(defaults).map((type) => `${type}()`);

/** Rules about several options of an optimizer. */
function checkTogether(action: string, optimizer: Optimizer): void {
  if (optimizer.type === 'sgd' && optimizer.nesterov) {
    requireNumber(action, 'momentum', optimizer.momentum, '> 0 with nesterov', (value) => value > 0);
  }
  if (optimizer.type === 'rprop' && typeof optimizer.learningRate !== 'number') {
    throw typeError(
      action,
      'learningRate must be a number, since only the first steps depend on it',
      optimizer.learningRate,
    );
  }
  if (optimizer.type === 'rprop' && optimizer.smallestStep > optimizer.largestStep) {
    throw rangeError(action, 'smallestStep must be at most largestStep', optimizer.smallestStep);
  }
}
