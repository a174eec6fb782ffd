/** The worked cases that the example goes through: exercises of lecture notes with their exact results. */
import { readFileSync } from 'node:fs';

export type Rows = number[][];

export interface Tolerance {
  readonly float64: number;
  readonly float32: number;
}

export interface CaseNetwork {
  readonly layer_sizes: number[];
  readonly activations: string[];
  readonly custom_activations?: Record<string, string>;
  readonly loss?: { readonly name: string; readonly reduction: 'sum' | 'mean'; readonly formula: string };
  readonly learning_rate?: number;
  /** Absent where only the architecture is asked for. */
  readonly weights?: Rows[];
  readonly biases?: (number[] | null)[];
  readonly trainable?: boolean[];
}

export interface CaseLayer {
  readonly z: Rows;
  readonly x: Rows;
  readonly dE_dx?: Rows;
  readonly delta?: Rows;
  readonly dW?: Rows;
  readonly db?: number[] | null;
  readonly per_sample_dW?: Rows[];
  readonly per_sample_db?: Rows;
}

export interface CaseQuery {
  readonly id: string;
  readonly params: 'updated' | 'initial';
  readonly x: number[];
  readonly t?: number[];
  readonly layers: { readonly z: number[]; readonly x: number[] }[];
  readonly label_argmax_0based?: number;
  readonly loss?: number;
}

/** What every case has; the rest depends on the kind. */
export interface WorkedCase {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly source: { readonly doc: string[]; readonly exercise: string };
  readonly notes?: string[];
}

/** A network and what it computes for some rows. */
export interface NetworkCase extends WorkedCase {
  readonly network: CaseNetwork;
  readonly inputs: Rows;
  readonly targets: Rows;
  readonly queries?: CaseQuery[];
  readonly tolerance: Tolerance;
  readonly expected: {
    readonly layers: CaseLayer[];
    readonly dX?: Rows;
    readonly per_sample_loss?: number[];
    readonly loss?: number;
    readonly updated_weights?: Rows[];
    readonly updated_biases?: (number[] | null)[];
    readonly loss_after_update?: number;
    readonly argmax_0based?: number[];
    readonly argmax_is_tie?: boolean[];
    readonly label_argmax_0based?: number[];
    readonly hard_decision?: number[];
    readonly hard_decision_from_logit?: number[];
    readonly y_hat?: number[];
    readonly y?: number[];
    readonly class_probabilities?: Rows;
    readonly class_probability?: Rows;
    readonly output_softmax_jacobian_dx_dz?: Rows[];
    readonly folded_weights?: Rows[];
  };
}

export interface Checkpoint {
  readonly epoch: number;
  readonly weights: Rows[];
  readonly biases: number[][];
  readonly loss: number;
  readonly outputs: Rows;
  readonly decisions: Rows;
  readonly tolerance: Tolerance;
}

/** Training over many epochs in a fixed order of rows. */
export interface TrajectoryCase extends Omit<NetworkCase, 'expected'> {
  readonly mode: 'incremental' | 'batch';
  readonly initial_loss: number;
  readonly expected: {
    readonly first_epoch_steps: {
      readonly sample: number;
      readonly y: Rows;
      readonly delta_dE_dz: Rows;
      /** Bias in column 0; null where the whole batch makes one step. */
      readonly weights_after: Rows[] | null;
    }[];
    readonly loss_after_epoch_1_to_20: number[];
    readonly checkpoints: Checkpoint[];
    readonly first_epoch_with_loss_below: Record<string, { readonly epoch: number } | null>;
  };
}

const file = new URL('../../test/golden/golden.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: WorkedCase[];
  sources: Record<string, string>;
};

export const workedCases: readonly WorkedCase[] = golden.cases;

/** The case of that name. */
export function caseNamed<Case extends WorkedCase>(id: string): Case {
  const found = workedCases.find((one) => one.id === id);
  if (!found) throw new RangeError(`there is no case ${id}`);
  return found as Case;
}

/** Title of lecture notes by their number. */
export const sourceTitle = (doc: string): string => golden.sources[doc] ?? doc;
