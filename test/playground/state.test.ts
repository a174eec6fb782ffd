import { adam, createTrainer, dense } from 'fastmlp';
import { describe, expect, it } from 'vitest';
import { planeDataSet } from '../../examples/playground/data/data-set.js';
import { RunHistory } from '../../examples/playground/model/history.js';
import { modelToBytes, stateOfModel, trainerOfModel } from '../../examples/playground/model/model-file.js';
import {
  hiddenActivations,
  lossNames,
  outputActivations,
  trainerConfig,
} from '../../examples/playground/model/network.js';
import { Session } from '../../examples/playground/model/session.js';
import { activationForLoss, defaultState, type State } from '../../examples/playground/model/state.js';
import {
  classShares,
  decideClasses,
  encodeTargets,
  lossesFor,
  scoreForm,
  targetForm,
} from '../../examples/playground/model/task.js';
import { snapped, stateFromHash, stateToHash } from '../../examples/playground/model/url-state.js';
import { parseHex } from '../../examples/playground/ui/colors.js';

const unusual: State = {
  data: 'spiral',
  count: 440,
  noise: 0.13,
  dataSeed: 5,
  testShare: 0.35,
  drawn: [snapped({ x: 0.1234, y: -0.9, label: 1 }), snapped({ x: -1, y: 0, label: 3 })],
  layers: [
    { units: 7, activation: '=z * sigmoid(z) + 0.1' },
    { units: 3, activation: 'gelu' },
  ],
  outputActivation: 'softmax',
  loss: 'crossEntropy',
  reduction: 'sum',
  optimizer: 'sgd',
  learningRate: 0.25,
  momentum: 0.8,
  nesterov: true,
  weightDecay: 0.001,
  batchSize: 33,
  scaling: 'standard',
  seed: 99,
};

const noDigits = async (): Promise<ArrayBuffer> => {
  throw new Error('no digits here');
};

it('colours are read as style sheets have them, minified or not', () => {
  expect(parseHex('#4a4fc4')).toEqual([0x4a, 0x4f, 0xc4]);
  expect(parseHex('#fff')).toEqual([255, 255, 255]);
  expect(parseHex('#1af')).toEqual([0x11, 0xaa, 0xff]);
});

describe('the address', () => {
  it('is empty for the defaults and holds everything else', () => {
    expect(stateToHash(defaultState)).toBe('');
    expect(stateFromHash('')).toEqual({ state: defaultState, problems: [] });
    const { state, problems } = stateFromHash(`#${stateToHash(unusual)}`);
    expect(problems).toEqual([]);
    expect(state).toEqual(unusual);
  });

  it('holds a network without hidden layers', () => {
    expect(stateFromHash(stateToHash({ ...defaultState, layers: [] })).state.layers).toEqual([]);
  });

  it.each([
    'data=unknown',
    'count=-5',
    'count=1e9',
    'seed=1.5',
    'learningRate=NaN',
    'learningRate=',
    'layers=0 tanh',
    'layers=4 unknown',
    'layers=4 =alert(1)',
    'layers=1 tanh;1 tanh;1 tanh;1 tanh;1 tanh;1 tanh;1 tanh',
    'drawn=A1',
    'drawn=Z1_1',
    'loss=none',
    'nesterov=maybe',
    'unknown=1',
    '__proto__=1',
  ])('leaves out %s and says so', (hash) => {
    const { state, problems } = stateFromHash(`#${hash}&batchSize=8`);
    expect(problems).toHaveLength(1);
    expect(state).toEqual({ ...defaultState, batchSize: 8 });
  });
});

describe('the library', () => {
  const twoUnits = { inputs: 2, optimizer: adam(), seed: 1 };

  it('knows every activation and loss that the page offers', async () => {
    for (const activation of hiddenActivations)
      expect(dense({ units: 2, activation }).activation).toBe(activation);
    for (const activation of outputActivations)
      expect(dense({ units: 2, activation }).activation).toBe(activation);
    for (const loss of lossNames) {
      const layers = [dense({ units: 2, activation: activationForLoss(loss, 2) })];
      const trainer = await createTrainer({ ...twoUnits, layers, loss });
      expect(trainer.loss).toBe(loss);
      trainer.dispose();
    }
  });

  it.each([2, 3])('trains every loss that the page offers for %i classes', async (classes) => {
    const data = planeDataSet(classes === 2 ? 'circles' : 'gaussians', {
      count: 60,
      noise: 0,
      seed: 1,
      testShare: 0,
      drawn: [],
    });
    for (const loss of lossesFor(classes)) {
      const state = { ...defaultState, loss, outputActivation: activationForLoss(loss, classes) };
      const trainer = await createTrainer(trainerConfig(state, data));
      const targets = encodeTargets(data.train.y, targetForm(state, classes), classes);
      const { history } = await trainer.fit(data.train.x, targets, { epochs: 60, batchSize: 16 });
      const shares = classShares(trainer.predict(data.train.x), scoreForm(state, classes), classes);
      const sums = Array.from({ length: 60 }, (_, row) =>
        shares.slice(row * classes, (row + 1) * classes).reduce((a, b) => a + b),
      );
      for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
      const right = decideClasses(shares, classes).filter((label, row) => label === data.train.y[row]).length;
      expect(right / 60, loss).toBeGreaterThan(loss === 'perceptron' ? 0.4 : 0.75);
      expect(history.loss[59], loss).toBeLessThan(history.loss[0]);
      trainer.dispose();
    }
  });
});

describe('a model in a file', () => {
  const state = { ...unusual, drawn: [], learningRate: 0.01 };
  const data = planeDataSet('spiral', { ...state, seed: state.dataSeed });
  const targets = encodeTargets(data.train.y, 'labels', 2);

  it('goes on as if it had never been saved, typed activation and momentum included', async () => {
    const trainer = await createTrainer(trainerConfig(state, data));
    await trainer.fit(data.train.x, targets, { epochs: 3 });
    const bytes = modelToBytes(trainer, state);
    expect(stateOfModel(bytes)).toEqual(state);
    const loaded = await trainerOfModel(bytes, stateOfModel(bytes));
    for (const one of [trainer, loaded]) await one.fit(data.train.x, targets, { epochs: 2 });
    expect(loaded.epochs).toBe(5);
    expect(loaded.predict(data.train.x)).toEqual(trainer.predict(data.train.x));
    trainer.dispose();
    loaded.dispose();
  });

  it('is refused where it is broken, strange, or from elsewhere', async () => {
    const trainer = await createTrainer(
      trainerConfig(defaultState, planeDataSet('circles', { ...defaultState, seed: 1 })),
    );
    const bytes = modelToBytes(trainer, defaultState);
    expect(() => stateOfModel(new TextEncoder().encode('{}'))).toThrow();
    expect(() => stateOfModel(bytes.slice(0, -4))).toThrow();
    expect(() => stateOfModel(trainer.toBytes())).toThrow('saved by this page: received no settings');
    const strange = modelToBytes(trainer, { ...defaultState, seed: -1 });
    expect(() => stateOfModel(strange)).toThrow('every setting must be known: received seed');
    const damaged = bytes.slice();
    damaged[damaged.length - 5] ^= 1;
    await expect(trainerOfModel(damaged, defaultState)).rejects.toThrow('checksum');
    trainer.dispose();
  });
});

describe('the session', () => {
  it('says how much of a run a change touches', async () => {
    const session = new Session(noDigits);
    expect(await session.change({ seed: 1 })).toBe('none');
    expect(await session.change({ learningRate: 0.5, batchSize: 4 })).toBe('adjust');
    expect(await session.change({ drawn: [{ x: 0, y: 0, label: 1 }] })).toBe('adjust');
    expect(session.data.train.count).toBe(241);
    expect(await session.change({ layers: [] })).toBe('rebuild');
  });

  it('gives a third drawn class outputs and a loss of its own', async () => {
    const session = new Session(noDigits);
    expect(await session.change({ drawn: [{ x: 0, y: 0, label: 2 }] })).toBe('rebuild');
    expect(session.state).toMatchObject({ outputActivation: 'softmax', loss: 'crossEntropy' });
    await session.change({ drawn: [] });
    expect(session.state).toMatchObject({ outputActivation: 'sigmoid', loss: 'binaryCrossEntropy' });
  });

  it('keeps its data when others cannot be had', async () => {
    const session = new Session(noDigits);
    await expect(session.choose('digits')).rejects.toThrow('no digits here');
    await expect(session.choose('csv')).rejects.toThrow('drop its CSV file');
    await expect(session.openTable('a\n', 'a.csv')).rejects.toThrow('at least 3 rows');
    expect(session.state).toEqual(defaultState);
    await session.choose('sine');
    expect(session.data.classes).toBeNull();
    expect(session.state).toMatchObject({ outputActivation: 'linear', loss: 'meanSquaredError' });
  });
});

it('a long history is thinned and keeps first and last', () => {
  const history = new RunHistory();
  for (let epoch = 0; epoch < 5000; epoch++) {
    history.add({
      epoch,
      loss: epoch,
      accuracy: null,
      testLoss: null,
      testAccuracy: epoch % 50 === 0 ? 1 : null,
    });
  }
  expect(history.points.length).toBeLessThanOrEqual(1200);
  expect([history.points[0].epoch, history.last?.epoch, history.latest('accuracy')]).toEqual([0, 4999, null]);
});
