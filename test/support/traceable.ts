import fc from 'fast-check';
import type { ExpressionOperations, Operand, Traced } from '../../src/index.js';

export type Traceable = (z: Traced, e: ExpressionOperations) => Operand;

/** Random smooth functions of z, as a tree of choices; `mixing` ones may sum over the row. */
export const smoothFunctions = (mixing: boolean): fc.Arbitrary<Traceable> =>
  fc.letrec<{ fn: Traceable }>((tie) => ({
    fn: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constant<Traceable>((z) => z),
      fc.integer({ min: -16, max: 16 }).map(
        (eighths): Traceable =>
          () =>
            eighths / 8,
      ),
      fc.tuple(fc.constantFrom('sin', 'cos', 'tanh', 'sigmoid', 'softplus', 'erf', 'neg'), tie('fn')).map(
        ([name, a]): Traceable =>
          (z, e) =>
            e[name as 'sin'](a(z, e)),
      ),
      fc.tuple(fc.constantFrom('add', 'sub', 'mul'), tie('fn'), tie('fn')).map(
        ([name, a, b]): Traceable =>
          (z, e) =>
            e[name as 'add'](a(z, e), b(z, e)),
      ),
      ...(mixing
        ? [
            tie('fn').map(
              (a): Traceable =>
                (z, e) =>
                  e.mul(0.125, e.rowSum(a(z, e))),
            ),
          ]
        : []),
    ),
  })).fn;
