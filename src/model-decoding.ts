import type { ActivationLike } from './activation-choice.js';
import type { Numbers } from './backends/backend.js';
import { fact, requireKnownKeys } from './errors.js';
import type { TracedActivation } from './expression/activation.js';
import { ActivationDefinition, LossDefinition } from './expression/definition.js';
import type { TracedLoss } from './expression/loss.js';
import { FormatError } from './io/format-error.js';
import { formatError, quoted } from './io/format-wording.js';
import { decodeSafetensors } from './io/safetensors-decoding.js';
import type { Tensor } from './io/safetensors-layout.js';
import type { LossLike } from './loss-choice.js';
import { createModel, type ModelConfig } from './model.js';
import {
  checksumOf,
  FORMAT,
  keptScalars,
  keys,
  type ModelHeader,
  type Named,
  SCALARS,
  type TensorPlace,
  type TrainingHeader,
  tensorPlaces,
  USER,
} from './model-file.js';
import { ScalarCode } from './opcodes.js';
import { transpose } from './parameters.js';
import { createPlan, type Plan } from './plan/plan.js';
import type { PlateauState } from './plateau.js';
import type { RandomState } from './random.js';
import type { RunPosition } from './run-position.js';
import { decodePosition, isRandomState } from './run-position-decoding.js';

/** What a file says, checked whole. */
export interface DecodedModel {
  readonly config: ModelConfig & { readonly seed: number };
  /** Numbers to be written at places of the arena. */
  readonly numbers: readonly { readonly offset: number; readonly values: Numbers }[];
  /** Scalars by index in the plan. */
  readonly scalars: ReadonlyMap<number, number>;
  readonly random: RandomState;
  readonly steps: number;
  readonly epochs: number;
  readonly plateau: PlateauState | null;
  /** Texts of the user's, by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Library that wrote the file. */
  readonly library: string;
  /** Where a run in the middle stands; null in a file between runs. */
  readonly run: RunPosition | null;
}

/** Functions that a file cannot hold: those of `defineActivation` and `defineLoss`, by the names they were given. */
export interface ModelFunctions {
  readonly activations?: Readonly<Record<string, TracedActivation>>;
  readonly losses?: Readonly<Record<string, TracedLoss>>;
}

/**
 * Reads a model file. All of it is checked, and shapes against the numbers there are, before anything of the size of
 * the network is made.
 *
 * @param functions activations and losses of `defineActivation` and `defineLoss` that the network has
 * @throws FormatError for malformed content, RangeError for a function that is missing
 */
export function decodeModel(
  bytes: Uint8Array,
  functions: ModelFunctions = {},
  action = 'Cannot load model',
): DecodedModel {
  const { tensors, metadata } = decodeSafetensors(bytes, 'model');
  const texts = checkMetadata(action, metadata);
  const checksum = checksumOf(tensors, metadata);
  if (texts.checksum !== undefined && texts.checksum !== checksum) {
    throw formatError(action, `the content must have the checksum ${quoted(texts.checksum)}`, checksum);
  }
  const { seed, ...config } = configOf(action, parseObject(action, keys.model, texts.model), functions);
  const model = checked(action, () => createModel(config));
  const numberCount = bytes.length / Float32Array.BYTES_PER_ELEMENT;
  if (model.parameterCount > numberCount) {
    const rule = `a network of ${model.parameterCount} parameters must have as many numbers`;
    throw formatError(action, rule, fact(`a file of ${bytes.length} bytes`));
  }
  const plan = createPlan(model, 1);
  const places = tensorPlaces(model, plan);
  const wanted = new Set([SCALARS, ...places.map(({ name }) => name)]);
  const ofRun = new Map([...tensors].filter(([name]) => texts.run !== undefined && name.startsWith('run.')));
  for (const name of tensors.keys()) {
    if (!wanted.has(name) && !ofRun.has(name))
      throw formatError(action, 'every tensor must belong to the network', fact(quoted(name)));
  }
  const training = checkTraining(action, parseObject(action, keys.training, texts.training));
  return {
    config: { ...config, seed },
    numbers: places.map((place) => ({
      offset: place.buffer.offset,
      values: numbersOf(action, tensors, place),
    })),
    scalars: scalarsOf(action, tensors.get(SCALARS), training.scalars, plan),
    random: training.random,
    steps: training.steps,
    epochs: training.epochs,
    plateau: training.plateau
      ? { ...training.plateau, best: training.plateau.best ?? Number.POSITIVE_INFINITY }
      : null,
    library: texts.library,
    metadata: Object.fromEntries(
      Object.entries(metadata)
        .filter(([key]) => key.startsWith(USER))
        .map(([key, text]) => [key.slice(USER.length), text]),
    ),
    run:
      texts.run === undefined
        ? null
        : decodePosition(action, keys.run, parseObject(action, keys.run, texts.run), ofRun),
  };
}

type Texts = Record<'version' | 'library' | 'model' | 'training', string> & {
  run?: string;
  checksum?: string;
};

function checkMetadata(action: string, metadata: Readonly<Record<string, string>>): Texts {
  const known = new Map(Object.entries(keys).map(([name, key]) => [key as string, name]));
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(metadata)) {
    const name = known.get(key);
    if (name !== undefined) texts[name] = text;
    else if (key !== 'format' && !key.startsWith(USER)) {
      // Ignoring what is unknown would let a damaged key of the checksum pass.
      throw formatError(
        action,
        `metadata may be format, ${[...known.keys()].join(', ')} and ${USER}…`,
        fact(quoted(key)),
      );
    }
  }
  if (texts.version !== FORMAT) {
    throw formatError(
      action,
      `metadata '${keys.version}' must be '${FORMAT}'`,
      texts.version ?? fact('none'),
    );
  }
  for (const name of ['library', 'model', 'training'] as const) {
    if (texts[name] === undefined)
      throw formatError(action, `metadata must have '${keys[name]}'`, fact('none'));
  }
  return texts as Texts;
}

function parseObject(action: string, key: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw formatError(action, `metadata '${key}' must be JSON`, fact((error as Error).message));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw formatError(action, `metadata '${key}' must be an object`, value);
}

/** What a check of the configuration throws, as an error of the file. */
function checked<T>(action: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError) || error instanceof FormatError)
      throw error;
    throw formatError(action, `metadata '${keys.model}' must describe a network`, fact(error.message));
  }
}

const modelKeys = [
  ...['inputs', 'inputTransform', 'layers', 'loss', 'optimizer', 'reduction', 'seed'],
  ...['gradientClipping', 'labelSmoothing', 'averaging'],
];

function configOf(
  action: string,
  header: Record<string, unknown>,
  { activations = {}, losses = {} }: ModelFunctions,
): ModelConfig & { seed: number } {
  checked(action, () => requireKnownKeys(action, header, modelKeys));
  const { layers, loss, seed } = header as unknown as ModelHeader;
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw formatError(action, 'seed must be an integer >= 0', seed);
  if (!Array.isArray(layers)) throw formatError(action, 'layers must be an array', layers);
  const configured = layers.map((layer: unknown, index) => {
    const place = `layer ${index + 1}`;
    if (typeof layer !== 'object' || layer === null)
      throw formatError(action, `${place} must be an object`, layer);
    const { activation, type } = layer as ModelHeader['layers'][number];
    if (type === 'dropout' || type === 'gaussianNoise') return layer;
    const subject = `${place} has the activation`;
    const chosen = functionNamed(
      action,
      subject,
      activation,
      'activations',
      activations,
      ActivationDefinition,
    );
    return { ...layer, activation: chosen as ActivationLike };
  });
  const chosen = functionNamed(
    action,
    'the network has the loss',
    loss,
    'losses',
    losses,
    LossDefinition,
  ) as LossLike;
  return { ...header, layers: configured, loss: chosen } as unknown as ModelConfig & { seed: number };
}

/** A built-in function by its name, or the one given for a name that the user defined. */
function functionNamed<T>(
  action: string,
  subject: string,
  named: Named | undefined,
  option: keyof ModelFunctions,
  given: Readonly<Record<string, T>>,
  kind: abstract new () => unknown,
): string | T {
  if (typeof named === 'string') return named;
  const name: unknown = named?.defined;
  if (typeof name !== 'string') throw formatError(action, `${subject} must be named`, named);
  const define = option === 'activations' ? 'defineActivation' : 'defineLoss';
  const found = Object.hasOwn(given, name) ? given[name] : undefined;
  if (found instanceof kind) return found;
  const rule = `${subject} ${quoted(name)} of ${define}(), which ${option} must have under this name`;
  throw new RangeError(`${action}: ${rule}: received ${Object.keys(given).join(', ') || 'none'}`);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function isPlateau(value: unknown): value is NonNullable<TrainingHeader['plateau']> {
  if (typeof value !== 'object' || value === null) return false;
  const { best, waited, cooling } = value as Record<string, unknown>;
  return (best === null || typeof best === 'number') && isCount(waited) && isCount(cooling);
}

function checkTraining(action: string, header: Record<string, unknown>): TrainingHeader {
  const { scalars, random, steps, epochs, plateau } = header;
  const wrong = (name: string, rule: string): FormatError =>
    formatError(action, `${name} of '${keys.training}' must be ${rule}`, header[name]);
  if (!Array.isArray(scalars) || !scalars.every((name) => typeof name === 'string'))
    throw wrong('scalars', 'names');
  if (!isRandomState(random)) throw wrong('random', 'four integers of 32 bits, not all of them 0');
  if (!isCount(steps)) throw wrong('steps', 'an integer >= 0');
  if (!isCount(epochs)) throw wrong('epochs', 'an integer >= 0');
  if (plateau !== undefined && !isPlateau(plateau))
    throw wrong('plateau', 'a best loss and two integers >= 0');
  return { scalars, random, steps, epochs, ...(plateau ? { plateau } : {}) };
}

/** Numbers of a tensor in the layout of the arena. */
function numbersOf(action: string, tensors: ReadonlyMap<string, Tensor>, place: TensorPlace): Numbers {
  const { name, buffer, transposed, shape } = place;
  const tensor = tensors.get(name);
  if (!tensor) throw formatError(action, `there must be a tensor ${name}`, fact('none'));
  const { dtype, data } = tensor;
  if (dtype !== 'F32' && dtype !== 'F64') throw formatError(action, `${name} must be F32 or F64`, dtype);
  if (tensor.shape.length !== shape.length || tensor.shape.some((length, at) => length !== shape[at])) {
    throw formatError(
      action,
      `${name} must have the shape [${shape.join(', ')}]`,
      fact(`[${tensor.shape.slice(0, 8).join(', ')}]`),
    );
  }
  return transposed ? transpose(data, buffer.columns, buffer.rows) : data;
}

function scalarsOf(
  action: string,
  tensor: Tensor | undefined,
  names: readonly string[],
  plan: Plan,
): Map<number, number> {
  const wanted = keptScalars(plan);
  if (names.length !== wanted.length || !wanted.every((name) => names.includes(name))) {
    const received = fact(quoted(names.slice(0, 20).join(', ')));
    throw formatError(action, `the scalars must be ${wanted.join(', ')}`, received);
  }
  if (tensor?.dtype !== 'F64' || tensor.data.length !== wanted.length) {
    throw formatError(
      action,
      `${SCALARS} must be ${wanted.length} numbers in F64`,
      tensor ? fact(tensor.dtype) : fact('none'),
    );
  }
  const { data } = tensor;
  const scalars = new Map<number, number>();
  wanted.forEach((name, index) => {
    scalars.set(ScalarCode.first_free + index, data[names.indexOf(name)]);
  });
  const learningRate = scalars.get(plan.learningRate) as number;
  if (!(learningRate >= 0 && learningRate < Number.POSITIVE_INFINITY)) {
    throw formatError(action, 'the learning rate must be finite and >= 0', learningRate);
  }
  return scalars;
}
