import type { InputTransform, Model } from '../model.js';
import { ScalarCode } from '../opcodes.js';

/** What a buffer of the arena is for. */
export type BufferRole =
  | 'parameter'
  | 'gradient'
  | 'state'
  | 'statistics'
  | 'constant'
  | 'activation'
  | 'scratch';

/** A matrix in the arena. `perRow` buffers have room for one row of `columns` per row of a batch. */
export interface PlanBuffer {
  readonly name: string;
  readonly role: BufferRole;
  /** First element in the arena. */
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly perRow: boolean;
  /** What a buffer of the roles `state` and `statistics` holds in all its elements before the first step. */
  readonly initial?: number;
  /** What a buffer of the role `constant` holds. */
  readonly values?: ArrayLike<number>;
}

/** A float64 number outside the arena: a hyperparameter, a power of it, or a running metric. */
export interface PlanScalar {
  readonly name: string;
  readonly initial: number;
}

/** Buffers from this size on begin on a cache line; smaller ones lie packed, so that tiny models are one short array. */
const ALIGNED_FROM_ELEMENTS = 256;
const LINE_ELEMENTS = 16;

/** Hands out places in the arena, one after the other. */
export class Layout {
  readonly buffers: PlanBuffer[] = [];
  readonly scalars: PlanScalar[] = [];
  readonly #byName = new Map<string, PlanBuffer>();
  /** Elements handed out so far. */
  length = 0;

  constructor(readonly batchCapacity: number) {
    for (let code = 0; code < ScalarCode.first_free; code++) this.addScalar(ScalarCode[code], 0);
  }

  /** Adds a buffer; returns its offset. */
  add(name: string, role: BufferRole, rows: number, columns: number, initial?: number): number {
    return this.#place({ name, role, rows, columns, perRow: false, initial });
  }

  /** Adds numbers that never change; returns their offset. */
  addConstant(name: string, values: ArrayLike<number>): number {
    return this.#place({ name, role: 'constant', rows: 1, columns: values.length, perRow: false, values });
  }

  /** Adds a buffer with one row of `columns` per row of a batch; returns its offset. */
  addPerRow(name: string, columns: number, role: BufferRole = 'activation'): number {
    return this.#place({ name, role, rows: this.batchCapacity, columns, perRow: true });
  }

  /** Adds a scalar; returns its index. */
  addScalar(name: string, initial: number): number {
    return this.scalars.push({ name, initial }) - 1;
  }

  /** The next buffer begins on a cache line. */
  align(): void {
    this.length = Math.ceil(this.length / LINE_ELEMENTS) * LINE_ELEMENTS;
  }

  find(name: string): PlanBuffer | undefined {
    return this.#byName.get(name);
  }

  #place(buffer: Omit<PlanBuffer, 'offset'>): number {
    const size = buffer.rows * buffer.columns;
    if (size >= ALIGNED_FROM_ELEMENTS) this.align();
    const placed = { ...buffer, offset: this.length };
    this.buffers.push(placed);
    this.#byName.set(buffer.name, placed);
    this.length += size;
    return placed.offset;
  }
}

/** A block of optimizer state: one number for each parameter, and where they begin. */
export interface StateBlock {
  readonly name: string;
  readonly initial: number;
}

/** Places of one layer's buffers that outlive a batch, −1 for what it has not; gamma and beta are weights and biases. */
export interface LayerPlaces {
  readonly weights: number;
  readonly biases: number;
  readonly weightGradient: number;
  readonly biasGradient: number;
  readonly runningMean: number;
  readonly runningVariance: number;
}

/** Places of everything that outlives a batch. */
export interface PersistentPlaces {
  readonly layers: readonly LayerPlaces[];
  /** First element and length of the block of all parameters; gradients and optimizer state mirror its layout. */
  readonly parameters: number;
  readonly parameterLength: number;
  readonly gradients: number;
  /** One block per kind of optimizer state, by name. */
  readonly state: ReadonlyMap<string, number>;
  readonly scale: number;
  readonly offset: number;
  readonly perColumn: boolean;
  /** Constants that targets are smoothed with; null without smoothing. */
  readonly smoothing: Smoothing | null;
}

/** Places of 1 - amount, of what is added to each target, and of the numbers of the classes (−1 without labels). */
export interface Smoothing {
  readonly kept: number;
  readonly added: number;
  readonly classes: number;
}

function placeSmoothing(layout: Layout, { labelSmoothing: amount, loss, outputs }: Model): Smoothing | null {
  if (amount === 0) return null;
  const among = loss.decides === 'argmax' ? outputs : 2;
  return {
    kept: layout.addConstant('smoothing.kept', [1 - amount]),
    added: layout.addConstant('smoothing.added', [amount / among]),
    classes: loss.takesLabels
      ? layout.addConstant(
          'smoothing.classes',
          Array.from({ length: outputs }, (_, index) => index),
        )
      : -1,
  };
}

/**
 * Lays out parameters, gradients, optimizer state and running statistics: first in the arena and independent of the batch and of what is
 * frozen, so that a plan for a larger batch finds them where they were. Every block has the layout of the parameters
 * (W1 b1 W2 b2 …), so that one step operation can cover all layers.
 */
export function placePersistent(
  layout: Layout,
  model: Model,
  states: readonly StateBlock[],
): PersistentPlaces {
  const block = (
    prefix: string,
    role: BufferRole,
    initial?: number,
  ): { begin: number; places: { weights: number; biases: number }[] } => {
    layout.align();
    const begin = layout.length;
    const add = (name: string, rows: number, columns: number): number =>
      rows > 0 ? layout.add(`${prefix}${name}`, role, rows, columns, initial) : -1;
    const places = model.layers.map(({ weightRows, units, bias }, index) => ({
      weights: add(`W${index + 1}`, weightRows, units),
      biases: add(`b${index + 1}`, Number(bias), units),
    }));
    return { begin, places };
  };
  const parameters = block('', 'parameter');
  const parameterLength = layout.length - parameters.begin;
  const gradients = block('d', 'gradient');
  const state = new Map<string, number>();
  for (const { name, initial } of states) state.set(name, block(`${name}.`, 'state', initial).begin);
  const running = (name: string, initial: number): number[] =>
    model.layers.map(({ config, units }, index) =>
      config.type === 'batchNorm' ? layout.add(`${name}${index + 1}`, 'statistics', 1, units, initial) : -1,
    );
  const means = running('runningMean', 0);
  const variances = running('runningVariance', 1);
  const { scale, offset } = model.inputTransform ?? {};
  const perColumn = typeof scale === 'object' || typeof offset === 'object';
  const transform = (name: string, value: InputTransform['scale'] | undefined): number => {
    if (value === undefined) return -1;
    const single = typeof value === 'number';
    return layout.addConstant(name, single ? new Array(perColumn ? model.inputs : 1).fill(value) : value);
  };
  return {
    layers: model.layers.map((_, index) => ({
      ...parameters.places[index],
      weightGradient: gradients.places[index].weights,
      biasGradient: gradients.places[index].biases,
      runningMean: means[index],
      runningVariance: variances[index],
    })),
    parameters: parameters.begin,
    parameterLength,
    gradients: gradients.begin,
    state,
    scale: transform('scale', scale),
    offset: transform('offset', offset),
    perColumn,
    smoothing: placeSmoothing(layout, model),
  };
}
