import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadFurther } from '../../src/further.js';
import { adam, dense, rmsprop, sgd } from '../../src/index.js';
import { createModel } from '../../src/model.js';
import { furtherOperations, operations } from '../../src/plan/operations.js';
import { createPlan, type Plan } from '../../src/plan/plan.js';

await loadFurther();

/** Names of the operations that only the whole WebAssembly module has. */
const further = new Set(
  [
    ...readFileSync(new URL('../../assembly/further.ts', import.meta.url), 'utf8').matchAll(
      /case Opcode\.(\w+):/g,
    ),
  ].map(([, name]) => name),
);

const namesIn = ({ operations: words }: Plan): string[] =>
  Array.from({ length: words.length / 12 }, (_, index) => operations[words[12 * index]].name);

const options = fc.record({
  units: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
  activation: fc.constantFrom('linear', 'sigmoid', 'tanh', 'relu', 'exp', 'gelu'),
  output: fc.constantFrom('linear', 'sigmoid', 'softmax'),
  loss: fc.constantFrom('meanSquaredError', 'crossEntropy', 'binaryCrossEntropy', 'huber'),
  optimizer: fc.constantFrom(sgd(), sgd({ momentum: 0.9 }), adam(), adam({ amsgrad: true }), rmsprop()),
  rules: fc.constantFrom({}, {}, { averaging: { decay: 0.9 } }, { gradientClipping: { norm: 1 } }),
  l2: fc.constantFrom(0, 0, 0.1),
  frozen: fc.boolean(),
  extras: fc.record({ weighted: fc.boolean(), accumulating: fc.boolean(), storing: fc.boolean() }),
});

describe('a basic plan', () => {
  it('finds its operations in the first part of the list', () => {
    const second = Object.values(furtherOperations).map(({ name }) => name);
    expect(second.sort()).toEqual([...further, 'train_rows'].sort());
  });

  it('has no operation of the whole module alone, whatever is asked of its model', () => {
    let basic = 0;
    fc.assert(
      fc.property(options, ({ units, activation, output, loss, optimizer, rules, l2, frozen, extras }) => {
        const layers = units.map((count, index) =>
          dense({ units: count, activation: index === units.length - 1 ? output : activation, l2 }),
        );
        const model = createModel({ inputs: 3, layers, loss: loss as 'huber', optimizer, ...rules });
        if (frozen) model.layers[0].trainable = false;
        const plans = [createPlan(model, 4, 'train', extras), createPlan(model, 4, 'inspect')];
        const names = new Set(plans.flatMap(namesIn));
        expect(plans[0].isBasic).toBe(plans[1].isBasic);
        if (!plans[0].isBasic) return;
        basic++;
        expect([...names].filter((name) => further.has(name) || name === 'train_rows')).toEqual([]);
      }),
      { numRuns: 500 },
    );
    expect(further.size).toBeGreaterThan(10);
    expect(basic).toBeGreaterThan(20);
  });
});
