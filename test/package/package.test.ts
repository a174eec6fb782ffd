import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addonIsBuilt,
  checkTypes,
  installTarball,
  packTarball,
  removeFolder,
  runInstallScript,
  runScript,
  temporaryFolder,
} from './consumer.js';

const xor = `
async function trainXor({ adam, availableBackends, createTrainer, dense }) {
  const inputs = [[0, 0], [0, 1], [1, 0], [1, 1]];
  const targets = [[0], [1], [1], [0]];
  const trainer = await createTrainer({
    inputs: 2,
    layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })],
    loss: 'binaryCrossEntropy',
    optimizer: adam({ learningRate: 0.05 }),
    seed: 1,
  });
  for (let step = 0; step < 500; step++) trainer.trainBatch(inputs, targets);
  const outputs = Array.from(trainer.predict(inputs).data, Math.round);
  const { kind, rejected } = trainer.backend;
  trainer.dispose();
  return { outputs, kind, rejected, backends: await availableBackends() };
}
`;
const consumers = {
  'train.mjs': `import * as fastmlp from 'fastmlp';\n${xor}console.log(JSON.stringify(await trainXor(fastmlp)));\n`,
  'train.cjs': `const fastmlp = require('fastmlp');\n${xor}trainXor(fastmlp).then((r) => console.log(JSON.stringify(r)));\n`,
  'typed.mts': `import { availableBackends, createTrainer, dense, sgd, type Trainer } from 'fastmlp';
const trainer: Trainer = await createTrainer({ inputs: 2, layers: [dense({ units: 1 })], loss: 'halfSquaredError', optimizer: sgd({ learningRate: 0.1 }) });
const loss: number = trainer.trainBatch([[0, 1]], [[1]]).loss;
const ids: string[] = (await availableBackends()).map((backend) => backend.id);
// @ts-expect-error units are a number, so the declarations are not any.
dense({ units: 'three' });
export { ids, loss };
`,
  'typed.cts': `import fastmlp = require('fastmlp');
const layer = fastmlp.dense({ units: 1, activation: 'sigmoid' });
const trained: Promise<fastmlp.Trainer> = fastmlp.createTrainer({ inputs: 2, layers: [layer], loss: 'halfSquaredError', optimizer: fastmlp.adam() });
// @ts-expect-error units are a number, so the declarations are not any.
fastmlp.dense({ units: 'three' });
export = trained;
`,
};

interface Report {
  outputs: number[];
  kind: string;
  rejected: { id: string; reason: string }[];
  backends: { id: string; kind: string; usable: boolean; reason: string | null }[];
}

let folder: string;
const project = (name: string): string => join(folder, name);

function createConsumer(name: string, options: { prebuild: boolean }): void {
  const packing = project(`${name}-packing`);
  mkdirSync(packing);
  installTarball(project(name), packTarball(packing, options));
  for (const [file, content] of Object.entries(consumers)) writeFileSync(join(project(name), file), content);
}

function train(name: string, file: string): Report {
  const { status, stdout, stderr } = runScript(project(name), [file]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as Report;
}

beforeAll(() => {
  folder = temporaryFolder();
  createConsumer('plain', { prebuild: false });
  if (addonIsBuilt) createConsumer('prebuilt', { prebuild: true });
});

afterAll(() => removeFolder(folder));

describe('the tarball without an addon', () => {
  test.each(['train.mjs', 'train.cjs'])(
    'trains exclusive or on WebAssembly and says why, from %s',
    (file) => {
      const { outputs, kind, rejected } = train('plain', file);
      expect(outputs).toEqual([0, 1, 1, 0]);
      expect(kind).toBe('wasm');
      const native = rejected.filter(({ id }) => id.startsWith('native-'));
      expect(native.length).toBeGreaterThan(0);
      for (const { reason } of native) expect(reason).not.toBe('');
    },
  );

  test('declares its types for ES modules and CommonJS without skipLibCheck', () => {
    expect(checkTypes(project('plain'))).toMatchObject({ status: 0, stdout: '' });
  });

  test('installs with one line of explanation when there is no compiler', () => {
    const { status, stdout, stderr } = runInstallScript(project('plain'));
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/^fastmlp: native backend not built: no .*WebAssembly takes over\n$/);
  });

  test.skipIf(process.platform === 'win32')(
    'installs with one line of explanation when the compiler fails',
    () => {
      const broken = { PATH: process.env.PATH, CXX: '/bin/false', CC: '/bin/false' };
      const { status, stdout, stderr } = runInstallScript(project('plain'), broken);
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
      expect(stderr).toMatch(/^fastmlp: native backend not built: .*WebAssembly takes over\n$/);
    },
  );
});

describe.skipIf(!addonIsBuilt)('the tarball with a prebuilt addon', () => {
  test.each(['train.mjs', 'train.cjs'])('trains exclusive or natively from %s', (file) => {
    const { outputs, kind, backends } = train('prebuilt', file);
    expect(outputs).toEqual([0, 1, 1, 0]);
    expect(kind).toBe('native');
    expect(backends.some((backend) => backend.kind === 'native' && backend.usable)).toBe(true);
  });

  test('compiles nothing when it is installed', () => {
    const { status, stdout, stderr } = runInstallScript(project('prebuilt'), { CXX: '/bin/false' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
