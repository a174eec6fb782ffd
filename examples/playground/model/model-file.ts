/** The one place that knows how a model is kept in a file. */
import {
  decodeSafetensors,
  encodeSafetensors,
  loadTrainer,
  type TracedActivation,
  type Trainer,
} from 'fastmlp';
import { activationOf, parseExpression } from './expression.js';
import { isExpression } from './network.js';
import type { State } from './state.js';
import { stateFromHash, stateToHash } from './url-state.js';

export const modelFileName = 'fastmlp-model.safetensors';

/** Where the metadata of the file has the settings of the page. */
const STATE = 'playground';

/** A trainer as the library saves it, with the settings of the page added to the metadata. */
export function modelToBytes(trainer: Trainer, state: State): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(trainer.toBytes());
  return encodeSafetensors(tensors, { ...metadata, [STATE]: stateToHash(state) });
}

/**
 * The settings in a model file.
 *
 * @throws Error with a message for the user
 */
export function stateOfModel(bytes: Uint8Array): State {
  const fail = (rule: string, received: string): never => {
    throw new Error(`Cannot load model: ${rule}: received ${received}`);
  };
  const { metadata } = decodeSafetensors(bytes);
  const text = metadata[STATE];
  if (text === undefined) return fail('the file must have been saved by this page', 'no settings in it');
  const { state, problems } = stateFromHash(text);
  return problems.length > 0 ? fail('every setting must be known', problems.join('; ')) : state;
}

/**
 * The trainer in a model file: weights, optimizer and order of rows go on where they were.
 *
 * @throws Error (as a rejection) if the library refuses the file, as where its checksum is wrong
 */
export async function trainerOfModel(
  bytes: Uint8Array,
  { layers, outputActivation }: State,
): Promise<Trainer> {
  const typed = [...layers.map(({ activation }) => activation), outputActivation].filter(isExpression);
  const activations: Record<string, TracedActivation> = {};
  for (const text of typed) {
    const activation = activationOf(parseExpression(text.slice(1)));
    activations[activation.name] = activation;
  }
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { [STATE]: _, ...own } = metadata;
  return loadTrainer(encodeSafetensors(tensors, own), { activations });
}
