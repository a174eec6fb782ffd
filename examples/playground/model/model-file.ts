/** The one place that knows how a model is kept in a file. */
import type { Trainer } from 'fastmlp';
import type { State } from './state.js';
import { stateFromHash, stateToHash } from './url-state.js';

const FORMAT = 'fastmlp playground';
const VERSION = 1;

interface StoredLayer {
  readonly units: number;
  readonly inputs: number;
  /** units × inputs, row-major. */
  readonly weights: readonly number[];
  readonly biases: readonly number[] | null;
}

export interface StoredModel {
  readonly state: State;
  readonly layers: readonly StoredLayer[];
}

export const modelFileName = 'fastmlp-model.json';

/** The weights of a trainer and the state it was made from, as text. */
export function modelToText(trainer: Pick<Trainer, 'getWeights'>, state: State): string {
  const layers = trainer.getWeights().map(({ weights, biases }) => ({
    units: weights.rows,
    inputs: weights.columns,
    weights: Array.from(weights.data),
    biases: biases ? Array.from(biases) : null,
  }));
  return JSON.stringify({ format: FORMAT, version: VERSION, state: stateToHash(state), layers });
}

/**
 * @throws Error with a message for the user if `text` is no such file
 */
export function modelFromText(text: string): StoredModel {
  const fail = (rule: string, received: string): never => {
    throw new Error(`Cannot load model: ${rule}: received ${received}`);
  };
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(text);
  } catch (error) {
    return fail('the file must be JSON', (error as Error).message);
  }
  if (file?.format !== FORMAT) return fail(`the file must be a model of the playground`, `${file?.format}`);
  if (file.version !== VERSION) return fail(`the version must be ${VERSION}`, `${file.version}`);
  const { state, problems } = stateFromHash(String(file.state));
  if (problems.length > 0) return fail('every setting must be known', problems.join('; '));
  if (!Array.isArray(file.layers)) return fail('layers must be a list', typeof file.layers);
  file.layers.forEach((layer: Partial<StoredLayer> | null, index) => {
    const weights = layer?.weights;
    const length = (layer?.units ?? 0) * (layer?.inputs ?? 0);
    const numbers = Array.isArray(weights) && weights.length === length && weights.every(Number.isFinite);
    if (!numbers) fail(`layer ${index + 1} must have units x inputs numbers`, `${weights?.length ?? 'none'}`);
  });
  return { state, layers: file.layers };
}

/** Puts the weights of a file into a trainer made from its state. */
export function restoreWeights(trainer: Pick<Trainer, 'setWeights'>, model: StoredModel): void {
  trainer.setWeights(model.layers.map(({ weights, biases }) => ({ weights, biases })));
}
