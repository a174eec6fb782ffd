import { ClipCode } from '../../opcodes.js';
import type { Batch, Operands } from './kernels.js';

/** What happens to gradients before an update, and to parameters after it. */
export const gradientKernels = {
  count_batches({ scalars }: Batch, { batches, first }: Operands): void {
    scalars[batches] = first ? 1 : scalars[batches] + 1;
  },

  gradient_squares({ arena }: Batch, { gradient, count, block, sums }: Operands): void {
    for (let begin = 0, place = sums; begin < count; begin += block, place++) {
      let sum = 0;
      for (let index = begin; index < Math.min(count, begin + block); index++) {
        sum += arena[gradient + index] ** 2;
      }
      arena[place] = sum;
    }
  },

  gradient_norm({ arena, scalars }: Batch, { sums, count, norm }: Operands): void {
    let sum = 0;
    for (let index = 0; index < count; index++) sum += arena[sums + index];
    scalars[norm] = Math.sqrt(sum);
  },

  clip_gradient({ arena, scalars }: Batch, { gradient, count, kind, limit, measure }: Operands): void {
    const most = limit < 0 ? 0 : scalars[limit];
    for (let index = gradient; index < gradient + count; index++) {
      if (kind === ClipCode.value) arena[index] = Math.min(most, Math.max(-most, arena[index]));
      else if (kind === ClipCode.mean) arena[index] /= scalars[measure];
      else if (scalars[measure] > most) arena[index] *= most / scalars[measure];
    }
  },

  penalty({ arena, scalars, rows }: Batch, o: Operands): void {
    const scale = o.perRow ? 1 / rows : 1;
    const l1 = o.l1 < 0 ? 0 : scalars[o.l1] * scale;
    const l2 = o.l2 < 0 ? 0 : scalars[o.l2] * scale;
    for (let index = 0; index < o.count; index++) {
      const w = arena[o.parameters + index];
      arena[o.gradient + index] += l1 * Math.sign(w) + l2 * w;
    }
  },

  max_norm({ arena, scalars }: Batch, { weights, inputs, units, limit }: Operands): void {
    for (let u = 0; u < units; u++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += arena[weights + i * units + u] ** 2;
      const norm = Math.sqrt(sum);
      if (!(norm > scalars[limit])) continue;
      for (let i = 0; i < inputs; i++) arena[weights + i * units + u] *= scalars[limit] / norm;
    }
  },

  average_step({ arena, scalars }: Batch, { parameters, average, count, decay }: Operands): void {
    for (let index = 0; index < count; index++) {
      const kept = arena[average + index];
      arena[average + index] = kept + (1 - scalars[decay]) * (arena[parameters + index] - kept);
    }
  },
};
