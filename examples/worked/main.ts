/**
 * Exercises of lecture notes on multilayer perceptrons, worked by the library the way they are on paper:
 * `npm run example:worked [-- case ...] [-- --backend id]`. Without names all of them.
 */
import { parseArgs } from 'node:util';
import { type BackendId, createTrainer, dense, sgd, type TrainerConfig } from 'fastmlp';
import { sourceTitle, type WorkedCase, workedCases } from './cases.js';
import { workArchitecture, workComparison, workDecisions, workParameterCounts } from './choices.js';
import { workActivationTable, workDerivative, workLogisticTable, workSoftmaxTable } from './formulas.js';
import { workFunctionJacobian, workLayerJacobian } from './jacobians.js';
import { Sheet, wrapped } from './sheet.js';
import { workForward, workStep } from './steps.js';
import { workTrajectory } from './trajectories.js';

// biome-ignore lint/suspicious/noExplicitAny: each kind, and some cases by name, have a form of their own
type Work = (sheet: Sheet, golden: any, backend: BackendId) => Promise<void>;

/** How a case is worked: by its name, else by its kind. */
const workers: Readonly<Record<string, Work>> = {
  'train-step': workStep,
  gradient: workStep,
  forward: workForward,
  trajectory: workTrajectory,
  derivative: workDerivative,
  'activation-table': workActivationTable,
  'logistic-loss-stability': workLogisticTable,
  'softmax-stability': workSoftmaxTable,
  'sigmoid-layer-jacobians': workLayerJacobian,
  'jacobian-s2p1': workFunctionJacobian,
  decision: workDecisions,
  'model-comparison': workComparison,
  'parameter-counts': workParameterCounts,
  architecture: workArchitecture,
};

const { values, positionals } = parseArgs({
  options: { backend: { type: 'string', default: 'auto' } },
  allowPositionals: true,
});
const names = workedCases.map(({ id }) => id);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no case ${unknown.join(', ')}; there are:\n  ${names.join('\n  ')}`);
  process.exit(1);
}

/** The exact id of the backend that a choice comes to on this machine. */
async function backendOf(choice: string): Promise<BackendId> {
  const backend = choice as TrainerConfig['backend'];
  const trainer = await createTrainer({
    inputs: 1,
    layers: [dense({ units: 1 })],
    loss: 'squaredError',
    optimizer: sgd(),
    backend,
  });
  trainer.dispose();
  return trainer.backend.id;
}

async function workCase(golden: WorkedCase, backend: BackendId): Promise<boolean> {
  const { id, kind, title, source, notes = [] } = golden;
  const sheet = new Sheet();
  sheet.line(`${'='.repeat(80)}\n${id}  (${kind})\n${wrapped(title, '')}`);
  const documents = source.doc.map((doc) => `[${doc}] ${sourceTitle(doc)}`).join('; ');
  sheet.line(wrapped(`${documents}: ${source.exercise}`, '  '));
  for (const note of notes) sheet.line(wrapped(note, '    ', '  * '));
  sheet.line();
  const work = workers[id] ?? workers[kind];
  if (!work) throw new Error(`nothing works cases of the kind ${kind}`);
  try {
    await work(sheet, golden, backend);
  } catch (error) {
    sheet.line(`FAILED: ${error instanceof Error ? error.message : error}`);
    return false;
  }
  sheet.line(`\n${id}: ${sheet.agrees ? 'agrees' : 'DIFFERS'}\n`);
  return sheet.agrees;
}

const backend = await backendOf(values.backend);
console.log(
  `Backend ${backend}. Each line: computed | expected, and whether they agree within the tolerance.\n`,
);
const chosen = workedCases.filter(({ id }) => positionals.length === 0 || positionals.includes(id));
const wrong: string[] = [];
for (const golden of chosen) {
  if (!(await workCase(golden, backend))) wrong.push(golden.id);
}
if (wrong.length > 0) console.log(`These differ: ${wrong.join(', ')}`);
console.log(`${chosen.length - wrong.length} of ${chosen.length} cases agree on ${backend}`);
process.exitCode = wrong.length > 0 ? 1 : 0;
