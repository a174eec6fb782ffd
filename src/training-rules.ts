import { fact, rangeError, requireBoolean, requireKnownKeys, requireNumber, typeError } from './errors.js';
import type { Loss } from './loss-choice.js';
import { LossCode } from './opcodes.js';
import type { Averaging, Clipping, GradientClipping } from './regularisation.js';

export function checkClipping(action: string, clipping: unknown): Clipping {
  const caller = `${action}: gradientClipping`;
  requireKnownKeys(caller, clipping, ['value', 'norm', 'globalNorm']);
  const given = Object.entries(clipping as GradientClipping).filter(([, limit]) => limit !== undefined);
  if (given.length !== 1) {
    const names = given.map(([name]) => name).join(', ');
    throw typeError(caller, 'one of value, norm and globalNorm must be given', fact(names || 'none'));
  }
  const [[kind, limit]] = given;
  requireNumber(caller, kind, limit, 'finite and > 0', (value) => value > 0);
  return { kind: kind as Clipping['kind'], limit };
}

export function checkAveraging(action: string, averaging: unknown): Averaging {
  requireKnownKeys(`${action}: averaging`, averaging, ['decay', 'validate']);
  const { decay, validate = false } = averaging as Averaging;
  requireNumber(action, 'averaging.decay', decay, 'in [0, 1)', (value) => value >= 0 && value < 1);
  requireBoolean(action, 'averaging.validate', validate);
  return { decay, validate };
}

const smoothed: readonly (LossCode | null)[] = [LossCode.cross_entropy, LossCode.binary_cross_entropy];

export function checkSmoothing(action: string, smoothing: unknown, loss: Loss): number {
  requireNumber(action, 'labelSmoothing', smoothing, 'in [0, 1)', (value) => value >= 0 && value < 1);
  if (smoothing > 0 && !smoothed.includes(loss.code)) {
    throw rangeError(action, 'labelSmoothing needs a cross-entropy', loss.name);
  }
  return smoothing;
}
