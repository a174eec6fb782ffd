import { further } from '../further.js';
import type { Model } from '../model.js';
import { isBasic } from './basic-plan.js';
import { placeLayerScalars } from './context.js';
import { Emitter } from './emitter.js';
import { placeKindsOf } from './known-operations.js';
import { Layout, type PlanBuffer, type PlanScalar, placePersistent } from './layout.js';
import { inspectPrograms, trainPrograms } from './lowering.js';
import { printPlan } from './print.js';
import { updateState } from './update-lowering.js';

/**
 * What rows of targets are: `Labels` takes one integer label a row; `Weighted` has the weight of the row as a further
 * column of the targets, or as their only one beside labels.
 */
export type Flavour = '' | 'Labels' | 'Weighted' | 'WeightedLabels';

/** Programs that only some trainers need. */
export interface PlanExtras {
  /** Those with weights of rows. */
  readonly weighted?: boolean;
  /**
   * Those of gradients over several batches: `accumulateFirst`, then `accumulateMore` for each further batch, then
   * `updateAccumulated`.
   */
  readonly accumulating?: boolean;
  /** `evaluateStoring`, which is `evaluate` and `predict` in one. */
  readonly storing?: boolean;
}

/**
 * Programs of a plan. `train` does what `gradients` followed by `update` does, but it may leave no gradient behind; then
 * `trainKeepingGradients` exists, which does. `trainRow` exists for tiny networks: `train` for batches of one row, quicker
 * and without a gradient. A `Labels` program takes one integer label a row instead of a row of
 * targets. Which ones exist depends on the purpose of the plan and on whether the loss takes labels.
 */
export type ProgramName =
  | `${'train' | 'evaluate' | 'evaluateAverage' | 'evaluateStoring' | 'accumulateFirst' | 'accumulateMore'}${Flavour}`
  | 'updateAccumulated'
  | 'trainKeepingGradients'
  | 'trainKeepingGradientsLabels'
  | 'trainRow'
  | 'gradients'
  | 'gradientsLabels'
  | 'update'
  | 'predict'
  | 'inspect'
  | 'inspectLabels'
  | 'forward';

/** Operations `begin` to before `end` of a plan, executed once a batch. */
export interface Program {
  readonly begin: number;
  readonly end: number;
}

/** Whether a program is an optimizer step. */
export const isStep = (name: ProgramName): boolean => name === 'update' || name.startsWith('train');

/**
 * What a backend executes: operations over one arena of numbers and a table of scalars. Plain data, complete: what is
 * computed, in which order, what is fused and where it lies is decided here.
 *
 * Memory of a training plan in elements of the arena (4 bytes each, 8 on the reference backend):
 * - per parameter 2 with sgd, 3 with momentum, 4 with adam: the parameter, its gradient, the optimizer's state;
 * - per row of `batchCapacity` inputs + outputs + 1 + 2 units of all layers: the input, its target and loss, the outputs
 *   and deltas; one for the label where the loss takes labels; the units of each layer whose net inputs are kept, which
 *   are those with softmax or a traced activation and a last one fused with its loss; for a layer that acts in training
 *   only, its outputs alone; two more for layerNorm;
 * - per unit of batchNorm 4: running statistics, and those of the batch;
 * - what a traced activation or loss computes with, and less than a cache line before each buffer.
 */
export interface Plan {
  /** `OPERATION_STRIDE` integers an operation: its opcode and operands, as listed in `operations.ts`. */
  readonly operations: Int32Array;
  /** A `PlaceKind` for each of these integers. */
  readonly placeKinds: Uint8Array;
  readonly programs: Readonly<Partial<Record<ProgramName, Program>>>;
  readonly buffers: readonly PlanBuffer[];
  readonly scalars: readonly PlanScalar[];
  /** Rows a batch may have at most. */
  readonly batchCapacity: number;
  /** Elements of the arena; the first `persistentLength` outlive a batch and do not depend on its capacity. */
  readonly arenaLength: number;
  readonly persistentLength: number;
  /** The block of the gradients of all parameters. */
  readonly gradients: { readonly offset: number; readonly length: number };
  /** Index of the learning rate among the scalars. */
  readonly learningRate: number;
  /** Index of the norm of the last step's gradient before it was clipped; −1 where it is not computed. */
  readonly gradientNorm?: number;
  /** Index of the key of the masks of layers that act in training only; −1 without such layers. */
  readonly masks?: number;
  /** No plan of the model has operations beyond those of `execute` in `assembly/executor.ts`; default false. */
  readonly isBasic?: boolean;
  /** The table of buffers and every program, one operation a line. */
  toString(): string;
}

/** `train` plans keep what training needs; `inspect` plans keep every net input, output, delta and gradient apart. */
export type PlanPurpose = 'train' | 'inspect';

/** Turns a model into a plan for batches of up to `batchCapacity` rows. */
export function createPlan(
  model: Model,
  batchCapacity: number,
  purpose: PlanPurpose = 'train',
  extras: PlanExtras = {},
): Plan {
  const basic = isBasic(model);
  const layout = new Layout(batchCapacity);
  const state = updateState(model, layout);
  const layerScalars = placeLayerScalars(model, layout);
  const places = placePersistent(layout, model, state.blocks);
  if (!basic) further().placeConstants(layout, model);
  layout.align();
  const persistentLength = layout.length;
  const emitter = new Emitter();
  if (purpose === 'inspect') inspectPrograms(model, places, layerScalars, layout, emitter);
  else trainPrograms(model, places, layerScalars, layout, emitter, state, extras);
  const { buffers, scalars } = layout;
  const operations = emitter.operations();
  const plan = {
    operations,
    placeKinds: placeKindsOf(operations),
    programs: emitter.programs,
    buffers,
    scalars,
    batchCapacity,
    arenaLength: layout.length,
    persistentLength,
    gradients: { offset: places.gradients, length: places.parameterLength },
    learningRate: state.learningRate,
    gradientNorm: state.gradientNorm,
    masks: layerScalars.masks,
    isBasic: basic,
  };
  return { ...plan, toString: () => printPlan(plan) };
}

/** The buffer of that name. */
export function bufferNamed(plan: Plan, name: string): PlanBuffer {
  const found = plan.buffers.find((buffer) => buffer.name === name);
  if (!found) throw new Error(`plan has no buffer ${name}`);
  return found;
}
