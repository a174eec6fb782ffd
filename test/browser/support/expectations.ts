import { expect } from 'vitest';
import * as library from '../../../src/index.js';
import { expectAgree } from '../../support/compare.js';
import type { Library } from '../pages/report.js';
import { type SmallRun, trainSmall } from '../pages/scenarios.js';

/** Browsers that must be there, from FASTMLP_REQUIRE_BROWSERS (`chromium,firefox`). */
export const requiredBrowsers = (process.env.FASTMLP_REQUIRE_BROWSERS ?? '').split(',').filter(Boolean);

/** What float32 makes of 28 steps of adam; as in the conformance suite. */
const TRAINED = 2e-5;

const references = new Map<boolean, Promise<SmallRun>>();

function referenceRun(custom: boolean): Promise<SmallRun> {
  const known =
    references.get(custom) ?? trainSmall(library as unknown as Library, { backend: 'reference', custom });
  references.set(custom, known);
  return known;
}

/** Asserts that a run in a browser gave the numbers of the reference in Node. */
export async function expectReferenceNumbers(run: SmallRun, custom: boolean): Promise<void> {
  const reference = await referenceRun(custom);
  const name = `${run.backend.id}${custom ? ' with an activation of its own' : ''}`;
  expectAgree(`losses of ${name}`, run.losses, reference.losses, TRAINED);
  expectAgree(`weights of ${name}`, run.weights, reference.weights, TRAINED);
  expectAgree(`outputs of ${name}`, run.outputs, reference.outputs, TRAINED);
  expect(run.classes).toEqual(reference.classes);
  expect(run.evaluation.accuracy).toBe(reference.evaluation.accuracy);
  expectAgree(`loss of ${name}`, [run.evaluation.loss], [reference.evaluation.loss], TRAINED);
}
