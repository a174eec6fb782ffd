import type { Numbers } from './backends/backend.js';
import { requireKnownKeys, requireName, requireNumber, typeError } from './errors.js';
import type { Turns } from './event-loop.js';
import type { Random } from './random.js';

/** Names of initialisers that need no numbers of their own. */
export type InitializerName =
  | 'glorotUniform'
  | 'glorotNormal'
  | 'heUniform'
  | 'heNormal'
  | 'fanInUniform'
  | 'zeros';

/**
 * How the weights or biases of a layer begin.
 *
 * - `glorotUniform`: uniform in ±sqrt(6 / (inputs + units)); `glorotNormal`: variance 2 / (inputs + units)
 *   (Glorot and Bengio, 2010)
 * - `heUniform`: uniform in ±sqrt(6 / inputs); `heNormal`: variance 2 / inputs (He et al., 2015)
 * - `fanInUniform`: uniform in ±1 / sqrt(inputs), as PyTorch's Linear has weights and biases
 * - `uniform`: in [minimum, maximum); `normal`: mean and standard deviation; `constant`: one value; `zeros`
 */
export type Initializer =
  | InitializerName
  | { readonly type: InitializerName }
  | { readonly type: 'uniform'; readonly minimum?: number; readonly maximum?: number }
  | { readonly type: 'normal'; readonly mean?: number; readonly standardDeviation?: number }
  | { readonly type: 'constant'; readonly value: number };

/** Draws parameters unit by unit, and puts them down as inputs × units, in turns of the event loop. */
export type Sampler = (random: Random, into: Numbers, units: number, turns: Turns) => Promise<void> | void;

type Fan = { readonly inputs: number; readonly units: number };

const named: Record<InitializerName, (fan: Fan) => Sampler> = {
  glorotUniform: ({ inputs, units }) => centred(Math.sqrt(6 / (inputs + units))),
  glorotNormal: ({ inputs, units }) => gaussian(0, Math.sqrt(2 / (inputs + units))),
  heUniform: ({ inputs }) => centred(Math.sqrt(6 / inputs)),
  heNormal: ({ inputs }) => gaussian(0, Math.sqrt(2 / inputs)),
  fanInUniform: ({ inputs }) => centred(1 / Math.sqrt(inputs)),
  zeros: () => constant(0),
};

const between = (minimum: number, maximum: number): Sampler => {
  return (random, into, units, turns) => random.uniforms(into, units, minimum, maximum, turns);
};
const centred = (limit: number): Sampler => between(-limit, limit);
const gaussian = (mean: number, standardDeviation: number): Sampler => {
  return (random, into, units, turns) => random.normals(into, units, mean, standardDeviation, turns);
};
const constant = (value: number): Sampler => {
  return (_, into) => void into.fill(value);
};

const names = [...Object.keys(named), 'uniform', 'normal', 'constant'] as const;

/** Checks an initialiser and binds it to the shape of its layer. */
export function createSampler(action: string, name: string, initializer: Initializer, fan: Fan): Sampler {
  const options = typeof initializer === 'string' ? { type: initializer } : initializer;
  if (typeof options !== 'object' || options === null) {
    throw typeError(action, `${name} must be a name or an object with a type`, initializer);
  }
  requireName(action, name, options.type, names as readonly Exclude<Initializer, string>['type'][]);
  switch (options.type) {
    case 'uniform': {
      requireKnownKeys(action, options, ['type', 'minimum', 'maximum']);
      const { minimum = -0.05, maximum = 0.05 } = options;
      requireNumber(action, `${name}.minimum`, minimum);
      requireNumber(action, `${name}.maximum`, maximum, 'finite and >= minimum', (value) => value >= minimum);
      return between(minimum, maximum);
    }
    case 'normal': {
      requireKnownKeys(action, options, ['type', 'mean', 'standardDeviation']);
      const { mean = 0, standardDeviation = 0.05 } = options;
      requireNumber(action, `${name}.mean`, mean);
      requireNumber(
        action,
        `${name}.standardDeviation`,
        standardDeviation,
        'finite and >= 0',
        (value) => value >= 0,
      );
      return gaussian(mean, standardDeviation);
    }
    case 'constant': {
      requireKnownKeys(action, options, ['type', 'value']);
      const { value } = options;
      requireNumber(action, `${name}.value`, value);
      return constant(value);
    }
    default:
      requireKnownKeys(action, options, ['type']);
      return named[options.type](fan);
  }
}
