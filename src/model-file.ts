/**
 * The model file: safetensors that PyTorch reads as the state_dict of an `nn.Sequential`.
 *
 * Layer by layer, `<n>.weight` (units × inputs, or units of a norm) and `<n>.bias`, and of `batchNorm` `<n>.running_mean`
 * and `<n>.running_var`, where n counts the modules of the sequence: every layer is one, and every activation but
 * `linear` another, so that `Linear, ReLU, Linear, Softmax` has `0.weight`,
 * `0.bias`, `2.weight` and `2.bias`. Beside them `optimizer.<state>.<n>.weight` and so on, such as
 * `optimizer.moment1.0.bias`, and `optimizer.scalars` in float64: `load_state_dict(..., strict=False)` passes over them.
 * Numbers are F32, or F64 from the reference backend. A file written in the middle of `fit` has tensors `run.…` besides.
 *
 * The metadata has `format` ("pt"), texts of the user's as `user.<name>`, and as JSON what `ModelHeader` says. Without `fastmlp.checksum`, as after a change
 * in another program, the numbers are taken as they are.
 */
import type { Numbers } from './backends/backend.js';
import { crc32 } from './io/crc32.js';
import type { Tensor } from './io/safetensors-layout.js';
import { writeSafetensors } from './io/safetensors-writing.js';
import type { LayerConfig } from './layers.js';
import type { Model, ModelConfig } from './model.js';
import { ScalarCode } from './opcodes.js';
import { transpose } from './parameters.js';
import type { PlanBuffer } from './plan/layout.js';
import type { Plan } from './plan/plan.js';
import type { PlateauState } from './plateau.js';
import type { RandomState } from './random.js';
import { encodePosition, type RunPosition } from './run-position.js';
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
  readonly plateau: PlateauState | null;
  /** Texts of the user's, by name. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where a run in the middle stands. */
  readonly run: RunPosition | null;
}

export const FORMAT = '1';
export const SCALARS = 'optimizer.scalars';

/** Keys of the metadata. `version` is that of this format. */
export const keys = {
  version: 'fastmlp.version',
  library: 'fastmlp.library',
  model: 'fastmlp.model',
  training: 'fastmlp.training',
  run: 'fastmlp.run',
  checksum: 'fastmlp.checksum',
} as const;

/** What keys of the user's texts begin with. */
export const USER = 'user.';

/** A function by its name: built in, or defined by the user. */
export type Named = string | { readonly defined: string };

export interface ModelHeader extends Omit<ModelConfig, 'layers' | 'loss'> {
  /** What the layers were made of; without a type they are dense. */
  readonly layers: readonly (Omit<LayerConfig, 'activation'> & { readonly activation?: Named })[];
  readonly loss: Named;
  readonly seed: number;
}

export interface TrainingHeader {
  /** Names of the scalars, in the order of their tensor. */
  readonly scalars: readonly string[];
  readonly random: RandomState;
  readonly steps: number;
  readonly epochs: number;
  /** What a rate that follows the losses has learnt; null for a best of infinity. */
  readonly plateau?: Omit<PlateauState, 'best'> & { readonly best: number | null };
}

/** Where a tensor of the file has its place in a plan. */
export interface TensorPlace {
  readonly name: string;
  readonly buffer: PlanBuffer;
  /** Weights lie as inputs × units in the arena and as units × inputs in the file. */
  readonly transposed: boolean;
  readonly shape: readonly number[];
}

const statistics: Readonly<Record<string, string>> = {
  runningMean: 'running_mean',
  runningVariance: 'running_var',
};

/** Parameters, running statistics and optimizer state as tensors. */
export function tensorPlaces(model: Model, { buffers }: Pick<Plan, 'buffers'>): TensorPlace[] {
  const modules = moduleIndices(model);
  return buffers
    .filter(({ role }) => role === 'parameter' || role === 'state' || role === 'statistics')
    .map((buffer) => {
      const [, state, kind = '', layer] = /^(?:(.+)\.)?([Wb]|running[A-Za-z]+)(\d+)$/.exec(buffer.name) ?? [];
      const { rows, columns } = buffer;
      if (!kind)
        return { name: `optimizer.${buffer.name}`, buffer, transposed: false, shape: [rows, columns] };
      const index = Number(layer) - 1;
      const prefix = state === undefined ? '' : `optimizer.${state}.`;
      const own = statistics[kind] ?? (kind === 'W' ? 'weight' : 'bias');
      const transposed = kind === 'W' && model.layers[index].config.type === 'dense';
      const shape = transposed ? [columns, rows] : [columns];
      return { name: `${prefix}${modules[index]}.${own}`, buffer, transposed, shape };
    });
}

/** Index of each layer among the modules of an `nn.Sequential`. */
function moduleIndices({ layers }: Model): number[] {
  let next = 0;
  return layers.map(({ activation }) => {
    const index = next;
    next += activation.name === 'linear' ? 1 : 2;
    return index;
  });
}

/** The scalars that outlive a run: all but the running metrics. */
export const keptScalars = ({ scalars }: Pick<Plan, 'scalars'>): string[] =>
  scalars.slice(ScalarCode.first_free).map(({ name }) => name);

const plainNumbers = (value: number | ArrayLike<number>): number | number[] =>
  typeof value === 'number' ? value : Array.from(value);

/** Bytes of a model file. */
export function encodeModel(state: ModelState): Uint8Array<ArrayBuffer> {
  const { model, plan, seed, scalars, random, steps, epochs, plateau } = state;
  const run = state.run && encodePosition(state.run);
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
  for (const [name, tensor] of run?.tensors ?? []) tensors.set(name, tensor);
  const training: TrainingHeader = {
    ...{ scalars: keptScalars(plan), random, steps, epochs },
    // JSON writes infinity as null.
    ...(plateau ? { plateau } : {}),
  };
  const metadata: Record<string, string> = {
    format: 'pt',
    [keys.version]: FORMAT,
    [keys.library]: VERSION,
    [keys.model]: JSON.stringify(headerOf(model, seed)),
    [keys.training]: JSON.stringify(training),
    ...(run ? { [keys.run]: run.text } : {}),
    ...Object.fromEntries(Object.entries(state.metadata).map(([name, text]) => [USER + name, text])),
  };
  metadata[keys.checksum] = checksumOf(tensors, metadata);
  return writeSafetensors('Cannot write safetensors', tensors, metadata);
}

const tensorOf = (data: Numbers, shape: readonly number[]): Tensor =>
  data instanceof Float32Array ? { dtype: 'F32', shape, data } : { dtype: 'F64', shape, data };

function headerOf(
  { inputs, inputTransform, layers, loss, optimizer, reduction, ...model }: Model,
  seed: number,
): ModelHeader {
  const { gradientClipping, labelSmoothing, averaging } = model;
  const transform = inputTransform && {
    scale: plainNumbers(inputTransform.scale),
    offset: plainNumbers(inputTransform.offset),
  };
  return {
    inputs,
    ...(transform ? { inputTransform: transform } : {}),
    layers: layers.map(({ activation, trainable, config }) => {
      if (!('activation' in config)) return config;
      const named = activation.isBuiltIn ? activation.name : { defined: activation.name };
      return { ...config, trainable, activation: named };
    }),
    loss: loss.isBuiltIn ? loss.name : { defined: loss.name },
    optimizer,
    reduction,
    ...(gradientClipping ? { gradientClipping: { [gradientClipping.kind]: gradientClipping.limit } } : {}),
    ...(labelSmoothing > 0 ? { labelSmoothing } : {}),
    ...(averaging ? { averaging } : {}),
    seed,
  };
}

/** CRC-32 over names, types, shapes and numbers of all tensors and over the metadata, whatever their order. */
export function checksumOf(
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
