import type { Opcode } from '../../opcodes.js';
import { mix } from '../../random.js';
import type { Batch, Operands } from './kernels.js';

const GOLDEN = 0x9e3779b9;

/** Two keys for the elements of a layer in one step. Of one layer, no two of 2^32 steps have the same first key. */
export function maskKeys(key: number, step: number, layer: number): readonly [number, number] {
  const base = mix(key ^ mix(layer + GOLDEN));
  const low = step | 0;
  return [mix(base + low), mix(mix(base ^ GOLDEN) + low)];
}

/**
 * 24 random bits for an element of a batch, counted row by row: `mix` with the second key added halfway, so that two
 * steps share no stretch of bits even where their first keys are neighbours.
 */
export function maskBits([first, second]: readonly [number, number], element: number): number {
  let mixed = element + first;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = (mixed ^ (mixed >>> 15)) + second;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 8;
}

const keysOf = ({ scalars }: Batch, { masks, layer }: Operands): readonly [number, number] =>
  maskKeys(scalars[masks], scalars[masks + 1], layer);

/** What layers do in training steps only. */
export const maskKernels = {
  next_masks({ scalars }, { masks }) {
    scalars[masks + 1] += 1;
  },

  dropout(batch, o) {
    const { arena, rows } = batch;
    const keys = keysOf(batch, o);
    const kept = 1 - o.dropped / 2 ** 24;
    for (let index = 0; index < rows * o.units; index++) {
      const isDropped = maskBits(keys, index) < o.dropped;
      arena[o.output + index] = isDropped ? 0 : arena[o.input + index] / kept;
    }
  },

  /** By Box and Muller (1958), of one pair the first: the radius from (bits + 1) / 2^24, the angle from a second mask. */
  gaussian_noise(batch, o) {
    const { arena, scalars, rows } = batch;
    const keys = keysOf(batch, o);
    const others = [mix(keys[1]), mix(keys[0])] as const;
    for (let index = 0; index < rows * o.units; index++) {
      const radius = Math.sqrt(-2 * Math.log((maskBits(keys, index) + 1) / 2 ** 24));
      const normal = radius * Math.cos((maskBits(others, index) / 2 ** 24) * 2 * Math.PI);
      arena[o.output + index] = arena[o.input + index] + scalars[o.deviation] * normal;
    }
  },
} satisfies Partial<Record<keyof typeof Opcode, (batch: Batch, operands: Operands) => void>>;
