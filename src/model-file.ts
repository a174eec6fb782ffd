/**
 * The model file: safetensors that PyTorch reads as the state_dict of an `nn.Sequential`.
 *
 * Layer by layer, `<n>.weight` (units × inputs) and `<n>.bias`, where n counts the modules of the sequence: every dense
 * layer is one, and every activation but `linear` another, so that `Linear, ReLU, Linear, Softmax` has `0.weight`,
 * `0.bias`, `2.weight` and `2.bias`. Beside them `optimizer.<state>.<n>.weight` and so on, such as
 * `optimizer.moment1.0.bias`, and `optimizer.scalars` in float64: `load_state_dict(..., strict=False)` passes over them.
 * Numbers are F32, or F64 from the reference backend.
 *
 * The metadata has `format` ("pt"), and as JSON what `ModelHeader` says. Without `fastmlp.checksum`, as after a change
 * in another program, the numbers are taken as they are.
 */
import type { ActivationLike } from './activation-choice.js';
import type { Numbers } from './backends/backend.js';
import { fact, requireKnownKeys } from './errors.js';
import { TracedActivation } from './expression/activation.js';
import { TracedLoss } from './expression/loss.js';
import { crc32 } from './io/crc32.js';
import { FormatError, formatError, quoted } from './io/format-error.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from './io/safetensors.js';
import type { LossLike } from './loss-choice.js';
import { createModel, type Layer, type Model, type ModelConfig } from './model.js';
import { ScalarCode } from './opcodes.js';
import { transpose } from './parameters.js';
import type { PlanBuffer } from './plan/layout.js';
import { createPlan, type Plan } from './plan/plan.js';
import { isRandomState, type RandomState } from './random.js';
import { VERSION } from './version.js';

/** Everything that makes a trainer what it is, apart from the backend. */
export interface ModelState {
  readonly model: Model;
  /** The plan whose places the numbers have; of any batch capacity. */
  readonly plan: Pick<Plan, 'buffers' | 'scalars'>;
  readonly seed: number;
  /** Numbers of a buffer of the plan. */
  readonly read: (buffer: PlanBuffer) => Numbers;
  readonly scalars: Float64Array;
  readonly random: RandomState;
  readonly steps: number;
  readonly epochs: number;
}

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
  /** Library that wrote the file. */
  readonly library: string;
  /** Where a run in the middle stands, as JSON; null in a file between runs. */
  readonly run: string | null;
}

/** Functions that a file cannot hold: those of `defineActivation` and `defineLoss`, by the names they were given. */
export interface ModelFunctions {
  readonly activations?: Readonly<Record<string, TracedActivation>>;
  readonly losses?: Readonly<Record<string, TracedLoss>>;
}

const FORMAT = '1';
const SCALARS = 'optimizer.scalars';

/** Keys of the metadata. `version` is that of this format. */
const keys = {
  version: 'fastmlp.version',
  library: 'fastmlp.library',
  model: 'fastmlp.model',
  training: 'fastmlp.training',
  run: 'fastmlp.run',
  checksum: 'fastmlp.checksum',
} as const;

/** A function by its name: built in, or defined by the user. */
type Named = string | { readonly defined: string };

interface ModelHeader extends Omit<ModelConfig, 'layers' | 'loss'> {
  readonly layers: readonly (Omit<Layer, 'activation' | 'inputs' | 'parameterCount'> & {
    readonly activation: Named;
  })[];
  readonly loss: Named;
  readonly seed: number;
}

interface TrainingHeader {
  /** Names of the scalars, in the order of their tensor. */
  readonly scalars: readonly string[];
  readonly random: RandomState;
  readonly steps: number;
  readonly epochs: number;
}

/** Where a tensor of the file has its place in a plan. */
interface TensorPlace {
  readonly name: string;
  readonly buffer: PlanBuffer;
  /** Weights lie as inputs × units in the arena and as units × inputs in the file. */
  readonly transposed: boolean;
  readonly shape: readonly number[];
}

/** Parameters and optimizer state as tensors. */
function tensorPlaces(model: Model, { buffers }: Pick<Plan, 'buffers'>): TensorPlace[] {
  const modules = moduleIndices(model);
  return buffers
    .filter(({ role }) => role === 'parameter' || role === 'state')
    .map((buffer) => {
      const [, state, kind, layer] = /^(?:(.+)\.)?([Wb])(\d+)$/.exec(buffer.name) ?? [];
      const { rows, columns } = buffer;
      if (kind === undefined) {
        return { name: `optimizer.${buffer.name}`, buffer, transposed: false, shape: [rows, columns] };
      }
      const prefix = state === undefined ? '' : `optimizer.${state}.`;
      const name = `${prefix}${modules[Number(layer) - 1]}.${kind === 'W' ? 'weight' : 'bias'}`;
      return kind === 'W'
        ? { name, buffer, transposed: true, shape: [columns, rows] }
        : { name, buffer, transposed: false, shape: [columns] };
    });
}

/** Index of each dense layer among the modules of an `nn.Sequential`. */
function moduleIndices({ layers }: Model): number[] {
  let next = 0;
  return layers.map(({ activation }) => {
    const index = next;
    next += activation.name === 'linear' ? 1 : 2;
    return index;
  });
}

/** The scalars that outlive a run: all but the running metrics. */
const keptScalars = ({ scalars }: Pick<Plan, 'scalars'>): string[] =>
  scalars.slice(ScalarCode.first_free).map(({ name }) => name);

const plainNumbers = (value: number | ArrayLike<number>): number | number[] =>
  typeof value === 'number' ? value : Array.from(value);

/** Bytes of a model file. */
export function encodeModel(state: ModelState): Uint8Array {
  const { model, plan, seed, scalars, random, steps, epochs } = state;
  const tensors = new Map<string, Tensor>();
  for (const { name, buffer, transposed, shape } of tensorPlaces(model, plan)) {
    const numbers = state.read(buffer);
    tensors.set(
      name,
      tensorOf(transposed ? transpose(numbers, buffer.rows, buffer.columns) : numbers, shape),
    );
  }
  const kept = scalars.slice(ScalarCode.first_free);
  tensors.set(SCALARS, { dtype: 'F64', shape: [kept.length], data: kept });
  const training: TrainingHeader = { scalars: keptScalars(plan), random, steps, epochs };
  const metadata: Record<string, string> = {
    format: 'pt',
    [keys.version]: FORMAT,
    [keys.library]: VERSION,
    [keys.model]: JSON.stringify(headerOf(model, seed)),
    [keys.training]: JSON.stringify(training),
  };
  metadata[keys.checksum] = checksumOf(tensors, metadata);
  return encodeSafetensors(tensors, metadata);
}

const tensorOf = (data: Numbers, shape: readonly number[]): Tensor =>
  data instanceof Float32Array ? { dtype: 'F32', shape, data } : { dtype: 'F64', shape, data };

function headerOf(
  { inputs, inputTransform, layers, loss, optimizer, reduction }: Model,
  seed: number,
): ModelHeader {
  const transform = inputTransform && {
    scale: plainNumbers(inputTransform.scale),
    offset: plainNumbers(inputTransform.offset),
  };
  return {
    inputs,
    ...(transform ? { inputTransform: transform } : {}),
    layers: layers.map(({ activation, units, bias, initializer, biasInitializer, trainable }) => {
      const named = activation.isBuiltIn ? activation.name : { defined: activation.name };
      return { units, activation: named, bias, initializer, biasInitializer, trainable };
    }),
    loss: loss.isBuiltIn ? loss.name : { defined: loss.name },
    optimizer,
    reduction,
    seed,
  };
}

/** CRC-32 over names, types, shapes and numbers of all tensors and over the metadata, whatever their order. */
function checksumOf(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>>,
): string {
  const encoder = new TextEncoder();
  const byName = <T>([a]: readonly [string, T], [b]: readonly [string, T]): number => (a < b ? -1 : 1);
  const texts = Object.entries(metadata).filter(([key]) => key !== keys.checksum);
  let checksum = crc32(encoder.encode(JSON.stringify(texts.sort(byName))));
  for (const [name, { dtype, shape, data }] of [...tensors].sort(byName)) {
    checksum = crc32(encoder.encode(JSON.stringify([name, dtype, shape])), checksum);
    checksum = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), checksum);
  }
  return checksum.toString(16).padStart(8, '0');
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
  for (const name of tensors.keys()) {
    if (!wanted.has(name))
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
    library: texts.library,
    run: texts.run ?? null,
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
    else if (key !== 'format') {
      // Ignoring what is unknown would let a damaged key of the checksum pass.
      throw formatError(action, `metadata may be format, ${[...known.keys()].join(', ')}`, fact(quoted(key)));
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

const modelKeys = ['inputs', 'inputTransform', 'layers', 'loss', 'optimizer', 'reduction', 'seed'];

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
    const { activation } = layer as ModelHeader['layers'][number];
    const subject = `${place} has the activation`;
    const chosen = functionNamed(action, subject, activation, 'activations', activations, TracedActivation);
    return { ...layer, activation: chosen as ActivationLike };
  });
  const chosen = functionNamed(
    action,
    'the network has the loss',
    loss,
    'losses',
    losses,
    TracedLoss,
  ) as LossLike;
  return { ...header, layers: configured, loss: chosen } as unknown as ModelConfig & { seed: number };
}

/** A built-in function by its name, or the one given for a name that the user defined. */
function functionNamed<T>(
  action: string,
  subject: string,
  named: Named,
  option: keyof ModelFunctions,
  given: Readonly<Record<string, T>>,
  kind: abstract new (...values: never[]) => T,
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

function checkTraining(action: string, header: Record<string, unknown>): TrainingHeader {
  const { scalars, random, steps, epochs } = header;
  const wrong = (name: string, rule: string): FormatError =>
    formatError(action, `${name} of '${keys.training}' must be ${rule}`, header[name]);
  if (!Array.isArray(scalars) || !scalars.every((name) => typeof name === 'string'))
    throw wrong('scalars', 'names');
  if (!isRandomState(random)) throw wrong('random', 'four integers of 32 bits, not all of them 0');
  if (!isCount(steps)) throw wrong('steps', 'an integer >= 0');
  if (!isCount(epochs)) throw wrong('epochs', 'an integer >= 0');
  return { scalars, random, steps, epochs };
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
