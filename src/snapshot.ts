import type { Numbers } from './backends/backend.js';
import type { Engine } from './engine.js';
import { fact, typeError } from './errors.js';
import type { Model } from './model.js';
import type { PlateauState } from './plateau.js';

/** Everything that training changes: parameters, optimizer state, learning rate. Made by `trainer.snapshot()`. */
export interface Snapshot {
  /** What the network must look like for the snapshot to fit. */
  readonly shape: string;
  readonly numbers: Numbers;
  readonly scalars: Float64Array;
  /** What a rate that follows the losses has learnt from them; null where it does not. */
  readonly plateau: PlateauState | null;
  /** Optimizer steps and epochs done. */
  readonly steps: number;
  readonly epochs: number;
}

const shapeOf = ({ inputs, layers, optimizer }: Model): string =>
  [
    inputs,
    ...layers.map(({ units, bias, config: { type } }) =>
      type === 'dense' ? `${units}${bias ? '' : ' without bias'}` : type,
    ),
    optimizer.type,
  ].join('-');

/** A copy of the state of a trainer. */
export function takeSnapshot({ model, executor, plan, plateau, steps, epochs }: Engine): Snapshot {
  return {
    shape: shapeOf(model),
    numbers: executor.read(0, plan.persistentLength),
    scalars: executor.scalars.slice(),
    plateau,
    steps,
    epochs,
  };
}

/** Puts a trainer back into a state that it, or one of the same shape on any backend, was in. */
export function restoreSnapshot(action: string, engine: Engine, snapshot: Snapshot): void {
  const { model, executor, plan } = engine;
  const isSnapshot =
    typeof snapshot === 'object' && snapshot !== null && snapshot.scalars instanceof Float64Array;
  if (!isSnapshot) throw typeError(action, 'the snapshot must come from snapshot()', snapshot);
  const { shape, numbers, scalars } = snapshot;
  if (shape !== shapeOf(model))
    throw typeError(action, `the snapshot must be of ${shapeOf(model)}`, fact(shape));
  if (numbers.length !== plan.persistentLength || scalars.length !== executor.scalars.length) {
    throw typeError(
      action,
      'the snapshot must be of the same activations, loss and optimizer',
      fact('another length'),
    );
  }
  engine.restore(snapshot);
}
