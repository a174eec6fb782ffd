import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adam,
  adamw,
  type BackendId,
  createTrainer,
  decodeSafetensors,
  defineActivation,
  defineLoss,
  dense,
  encodeSafetensors,
  FormatError,
  loadTrainer,
  type Optimizer,
  sgd,
  type Tensor,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { VERSION } from '../../src/version.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';

const x = Float32Array.from({ length: 40 * 5 }, (_, index) => Math.sin(3 * index));
const t = Int32Array.from({ length: 40 }, (_, row) => (row * 7) % 3);

const configured = (backend: BackendId, changes: Partial<TrainerConfig> = {}): TrainerConfig => ({
  inputs: 5,
  inputTransform: { scale: [0.1, 1, 2, 3, 4], offset: -0.5 },
  layers: [
    dense({ units: 17, activation: 'mish' }),
    dense({ units: 6, bias: false, initializer: { type: 'normal', standardDeviation: 0.3 } }),
    dense({ units: 4, activation: 'relu', trainable: false }),
    dense({ units: 3, activation: 'softmax' }),
  ],
  loss: 'crossEntropy',
  optimizer: adam({ learningRate: 0.01 }),
  seed: 5,
  backend,
  ...changes,
});

const create = (backend: BackendId, changes?: Partial<TrainerConfig>): Promise<Trainer> =>
  createTrainer(configured(backend, changes));

const optimizers: [string, Optimizer][] = [
  ['sgd', sgd({ learningRate: 0.05 })],
  ['sgd with momentum', sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-3 })],
  ['adam', adam({ learningRate: 0.01 })],
  ['adamw', adamw({ learningRate: 0.01 })],
];

const numbersOf = ({ tensors }: ReturnType<typeof decodeSafetensors>): [string, Tensor][] => [...tensors];

describe.each(usableIds)('a model file on %s', (backend) => {
  it.each(optimizers)('goes on with %s as if nothing had happened', async (_, optimizer) => {
    const trainer = await create(backend, { optimizer });
    await trainer.fit(x, t, { epochs: 3, batchSize: 7, validationSplit: 0.2 });
    trainer.setLearningRate(0.007);
    const bytes = trainer.toBytes();
    const again = await loadTrainer(bytes, { backend });
    expect(again.backend.id).toBe(backend);
    expect(again.seed).toBe(5);
    expect(again.layers).toEqual(trainer.layers);
    expect({ steps: again.steps, epochs: again.epochs }).toEqual({ steps: 15, epochs: 3 });
    expect(again.getWeights()).toEqual(trainer.getWeights());
    expect(again.toBytes()).toEqual(bytes);
    const histories = [];
    for (const one of [trainer, again]) {
      histories.push(await one.fit(x, t, { epochs: 2, batchSize: 6, validationSplit: 0.2 }));
      one.trainBatch(x, t);
    }
    expect(withoutTimes(histories[1])).toEqual(withoutTimes(histories[0]));
    expect(again.getWeights()).toEqual(trainer.getWeights());
    expect(again.toBytes()).toEqual(trainer.toBytes());
    expect(again.steps).toBe(15 + 12 + 1);
    trainer.dispose();
    again.dispose();
  });

  it('goes on on the reference, and back', async () => {
    const trainer = await create(backend);
    await trainer.fit(x, t, { epochs: 2, batchSize: 7 });
    const reference = await loadTrainer(trainer.toBytes(), { backend: 'reference' });
    for (const one of [trainer, reference]) one.trainBatch(x, t);
    expectAgree('weights', flatWeights(trainer.getWeights()), flatWeights(reference.getWeights()), 1e-5);
    const back = await loadTrainer(reference.toBytes(), { backend });
    expectAgree('weights', flatWeights(back.getWeights()), flatWeights(reference.getWeights()), 1e-6);
    for (const one of [trainer, reference, back]) one.dispose();
  });
});

describe('names and shapes', () => {
  it('are those of the state_dict of nn.Sequential, every activation but linear counting as a module', async () => {
    const trainer = await create('reference');
    const file = decodeSafetensors(trainer.toBytes());
    const shapes = Object.fromEntries(numbersOf(file).map(([name, { shape }]) => [name, shape]));
    const layers = {
      '0.weight': [17, 5],
      '0.bias': [17],
      '2.weight': [6, 17],
      '3.weight': [4, 6],
      '3.bias': [4],
      '5.weight': [3, 4],
      '5.bias': [3],
    };
    const moment = (name: string): [string, number[]][] =>
      Object.entries(layers).map(([key, shape]) => [`optimizer.${name}.${key}`, shape]);
    expect(shapes).toEqual({
      ...layers,
      ...Object.fromEntries([...moment('moment1'), ...moment('moment2')]),
      'optimizer.scalars': [7],
    });
    const [first] = trainer.getWeights();
    expect((file.tensors.get('0.weight') as Tensor).data).toEqual(first.weights.data);
    trainer.dispose();
  });

  it('the header says what the file is', async () => {
    const trainer = await create('reference');
    trainer.trainBatch(x, t);
    const { metadata } = decodeSafetensors(trainer.toBytes());
    expect(metadata).toMatchObject({ format: 'pt', 'fastmlp.version': '1', 'fastmlp.library': VERSION });
    expect(JSON.parse(metadata['fastmlp.model'])).toEqual({
      inputs: 5,
      inputTransform: { scale: [0.1, 1, 2, 3, 4], offset: -0.5 },
      layers: trainer.model.layers.map(({ config }) => config),
      loss: 'crossEntropy',
      optimizer: adam({ learningRate: 0.01 }),
      reduction: 'mean',
      seed: 5,
    });
    const { scalars, steps, epochs } = JSON.parse(metadata['fastmlp.training']);
    expect({ steps, epochs }).toEqual({ steps: 1, epochs: 0 });
    expect(scalars).toEqual(['learningRate', 'beta1', 'beta2', 'epsilon', 'power1', 'power2', 'batches']);
    trainer.dispose();
  });

  it('keeps texts of the user, of any name, and gives them back', async () => {
    const trainer = await create('reference');
    const metadata = { note: 'é "quoted"\n', '': 'of no name', ['__proto__']: 'own', 'fastmlp.version': '9' };
    const bytes = trainer.toBytes({ metadata });
    expect(decodeSafetensors(bytes).metadata['user.note']).toBe(metadata.note);
    const again = await loadTrainer(bytes, { backend: 'reference' });
    expect(Object.entries(again.metadata)).toEqual(Object.entries(metadata));
    expect((await loadTrainer(again.toBytes())).metadata).toEqual(again.metadata);
    expect((await loadTrainer(again.toBytes({ metadata: {} }))).metadata).toEqual({});
    expect(trainer.metadata).toEqual({});
    const wrong = { metadata: { note: 1 } } as unknown as { metadata: Record<string, string> };
    expect(() => trainer.toBytes(wrong)).toThrow(
      'Cannot save trainer: metadata.note must be a text: received 1',
    );
    const file = decodeSafetensors(bytes);
    const stray = encodeSafetensors(file.tensors, { ...file.metadata, users: 'no' });
    await expect(loadTrainer(stray)).rejects.toThrow("and user.…: received 'users'");
    for (const one of [trainer, again]) one.dispose();
  });

  it('VERSION is that of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(VERSION).toBe(version);
  });
});

describe('activations and losses of the user', () => {
  const swish = defineActivation('swish', (z, e) => e.mul(z, e.sigmoid(z)));
  const quartic = defineLoss('quartic', (out, target, e) => {
    const square = e.mul(e.sub(out, target), e.sub(out, target));
    return e.rowSum(e.mul(square, square));
  });

  it('are given back by name', async () => {
    const layers = [dense({ units: 3 }), dense({ units: 2, activation: swish })];
    const trainer = await create('reference', { layers, loss: quartic, optimizer: sgd() });
    const bytes = trainer.toBytes();
    await expect(loadTrainer(bytes, { losses: { quartic } })).rejects.toThrow(
      "Cannot load trainer: layer 2 has the activation 'swish' of defineActivation(), which activations must have under this name: received none",
    );
    await expect(loadTrainer(bytes, { activations: { swish }, losses: { other: quartic } })).rejects.toThrow(
      "the network has the loss 'quartic' of defineLoss(), which losses must have under this name: received other",
    );
    const again = await loadTrainer(bytes, {
      backend: 'reference',
      activations: { swish },
      losses: { quartic },
    });
    for (const one of [trainer, again]) one.trainBatch(x, x.subarray(0, 80));
    expect(again.getWeights()).toEqual(trainer.getWeights());
    trainer.dispose();
    again.dispose();
  });
});

describe('save and loadTrainer', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fastmlp model-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('take paths, URLs, bytes, Blobs, streams and functions', async () => {
    const trainer = await create('reference');
    const path = join(folder, 'model.safetensors');
    const bytes = trainer.toBytes();
    await trainer.save(path);
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes);
    const chunks: Uint8Array[] = [];
    let closed = false;
    await trainer.save((written) => chunks.push(written));
    await trainer.save(
      new WritableStream({
        write: (chunk) => void chunks.push(chunk),
        close: () => {
          closed = true;
        },
      }),
    );
    expect(chunks).toEqual([bytes, bytes]);
    expect(closed).toBe(true);
    for (const source of [
      path,
      new URL(`file://${encodeURI(path)}`),
      bytes,
      bytes.slice().buffer,
      new Blob([bytes.slice()]),
    ]) {
      const again = await loadTrainer(source, { backend: 'reference' });
      expect(again.toBytes()).toEqual(bytes);
      again.dispose();
    }
    await expect(trainer.save(3 as never)).rejects.toThrow('the target must be a path');
    await expect(loadTrainer(3 as never)).rejects.toThrow('the source must be a path');
    await expect(loadTrainer(bytes, { device: 'gpu' } as never)).rejects.toThrow("unknown option 'device'");
    await expect(loadTrainer(join(folder, 'none'))).rejects.toThrow('ENOENT');
    trainer.dispose();
    await expect(trainer.save(path)).rejects.toThrow('the trainer must not be disposed');
  });

  it('save between two steps of a run', async () => {
    const trainer = await create(usableIds[0]);
    const fitted = trainer.fit(x, t, { epochs: 3000, batchSize: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const again = await loadTrainer(trainer.toBytes());
    expect(again.steps).toBeLessThanOrEqual(3000 * 40);
    expect(Number.isFinite(again.trainBatch(x, t).loss)).toBe(true);
    await fitted;
    expect(trainer.steps).toBe(3000 * 40);
    trainer.dispose();
    again.dispose();
  });

  const python = ['/usr/bin/python3', 'python3'].find(
    (one) => spawnSync(one, ['-c', 'import torch']).status === 0,
  );
  if (!python) console.info('python3 with torch is not there: it does not load the model file');

  it.skipIf(!python)('write what nn.Sequential loads and computes alike', async () => {
    const trainer = await create('reference', { inputTransform: {} });
    await trainer.fit(x, t, { epochs: 1 });
    const path = join(folder, 'torch.safetensors');
    await trainer.save(path);
    // The parser is the definition of the format: the package safetensors need not be there.
    const script = `
import json, struct, sys
import torch
from torch import nn
data = open(sys.argv[1], 'rb').read()
(length,) = struct.unpack('<Q', data[:8])
header = json.loads(data[8:8 + length])
header.pop('__metadata__')
body = bytearray(data[8 + length:])
state = {}
for name, info in header.items():
    begin, end = info['data_offsets']
    assert info['dtype'] == 'F64'
    state[name] = torch.frombuffer(body[begin:end], dtype=torch.float64).reshape(info['shape'])
model = nn.Sequential(nn.Linear(5, 17), nn.Mish(), nn.Linear(17, 6, bias=False), nn.Linear(6, 4), nn.ReLU(),
                      nn.Linear(4, 3), nn.Softmax(dim=1)).double()
result = model.load_state_dict(state, strict=False)
assert not result.missing_keys, result
assert all(name.startswith('optimizer.') for name in result.unexpected_keys), result
x = torch.sin(3 * torch.arange(200).double()).float().double().reshape(40, 5)
print(json.dumps(model(x).flatten().tolist()))
`;
    const outputs = JSON.parse(execFileSync(python as string, ['-c', script, path], { encoding: 'utf8' }));
    expectAgree('outputs', Array.from(trainer.predict(x).data), outputs, 1e-7);
    trainer.dispose();
  });
});

describe('loadTrainer refuses', () => {
  let bytes: Uint8Array;
  beforeAll(async () => {
    const trainer = await create('reference');
    bytes = trainer.toBytes();
    trainer.dispose();
  });

  /** The file with other metadata and tensors, without its checksum. */
  function changed(
    change: (metadata: Record<string, string>, tensors: Map<string, Tensor>) => void,
  ): Uint8Array {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const { 'fastmlp.checksum': _, ...rest } = metadata;
    const copy = new Map(tensors);
    change(rest, copy);
    return encodeSafetensors(copy, rest);
  }

  const withModel = (change: (model: Record<string, unknown>) => unknown): Uint8Array =>
    changed((metadata) => {
      const model = JSON.parse(metadata['fastmlp.model']);
      change(model);
      metadata['fastmlp.model'] = JSON.stringify(model);
    });
  const withTraining = (training: Record<string, unknown>): Uint8Array =>
    changed((metadata) => {
      metadata['fastmlp.training'] = JSON.stringify({
        ...JSON.parse(metadata['fastmlp.training']),
        ...training,
      });
    });
  const layer = (model: Record<string, unknown>, index = 0): Record<string, unknown> =>
    (model.layers as Record<string, unknown>[])[index];

  it('every flipped bit of a file', async () => {
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = bytes.slice();
      flipped[at] ^= 1 << (at % 8);
      const refused = await loadTrainer(flipped, { backend: 'reference' }).catch((error) => error);
      expect(refused instanceof FormatError, `byte ${at}`).toBe(true);
    }
  });

  it('a file without a checksum only for its content', async () => {
    const again = await loadTrainer(
      changed(() => {}),
      { backend: 'reference' },
    );
    again.dispose();
  });

  it.each<[string, () => Uint8Array]>([
    ["metadata 'fastmlp.version' must be '1': received none", () => encodeSafetensors([])],
    [
      "must be '1': received '2'",
      () => changed((metadata) => Object.assign(metadata, { 'fastmlp.version': '2' })),
    ],
    [
      "metadata must have 'fastmlp.model': received none",
      () => changed((metadata) => delete metadata['fastmlp.model']),
    ],
    [
      'metadata may be format, fastmlp.version',
      () => changed((metadata) => Object.assign(metadata, { 'fastmlp.extra': '' })),
    ],
    [
      "metadata 'fastmlp.model' must be JSON",
      () => changed((metadata) => Object.assign(metadata, { 'fastmlp.model': '{' })),
    ],
    [
      "metadata 'fastmlp.model' must be an object",
      () => changed((metadata) => Object.assign(metadata, { 'fastmlp.model': '[]' })),
    ],
    [
      'every tensor must belong to the network',
      () =>
        changed(
          (_, tensors) => void tensors.set('extra', { dtype: 'F32', shape: [0], data: new Float32Array(0) }),
        ),
    ],
    [
      'there must be a tensor 0.bias: received none',
      () => changed((_, tensors) => void tensors.delete('0.bias')),
    ],
    [
      'there must be a tensor optimizer.moment1.5.weight',
      () => changed((_, tensors) => void tensors.delete('optimizer.moment1.5.weight')),
    ],
    [
      "0.bias must be F32 or F64: received 'I32'",
      () =>
        changed(
          (_, tensors) => void tensors.set('0.bias', { dtype: 'I32', shape: [17], data: new Int32Array(17) }),
        ),
    ],
    [
      '0.bias must have the shape [17]: received [1, 17]',
      () =>
        changed(
          (_, tensors) =>
            void tensors.set('0.bias', { dtype: 'F64', shape: [1, 17], data: new Float64Array(17) }),
        ),
    ],
    [
      'optimizer.scalars must be 7 numbers in F64: received none',
      () => changed((_, tensors) => void tensors.delete('optimizer.scalars')),
    ],
    [
      'the learning rate must be finite and >= 0: received -1',
      () =>
        changed(
          (_, tensors) =>
            void tensors.set('optimizer.scalars', {
              dtype: 'F64',
              shape: [7],
              data: new Float64Array(7).fill(-1),
            }),
        ),
    ],
    [
      '0.weight must have the shape [16, 5]',
      () => withModel((model) => Object.assign(layer(model), { units: 16 })),
    ],
    [
      'a model may have at most 2^28 parameters',
      () => withModel((model) => Object.assign(layer(model), { units: 2 ** 30 })),
    ],
    [
      'a network of 12000043 parameters must have as many numbers',
      () => withModel((model) => Object.assign(layer(model), { units: 1_000_000 })),
    ],
    [
      'activation must be one of',
      () => withModel((model) => Object.assign(layer(model), { activation: 'relv' })),
    ],
    [
      'layer 1 has the activation must be named',
      () => withModel((model) => Object.assign(layer(model), { activation: 3 })),
    ],
    [
      'layer 1 must be an object: received null',
      () => withModel((model) => Object.assign(model.layers as object, { 0: null })),
    ],
    ['loss must be one of', () => withModel((model) => Object.assign(model, { loss: 'toString' }))],
    ['layers must be an array', () => withModel((model) => Object.assign(model, { layers: {} }))],
    ['optimizer must come from', () => withModel((model) => Object.assign(model, { optimizer: null }))],
    [
      'inputTransform.scale must have 5 numbers',
      () => withModel((model) => Object.assign(model, { inputTransform: { scale: [1] } })),
    ],
    ["unknown option 'depth'", () => withModel((model) => Object.assign(model, { depth: 1 }))],
    [
      'seed must be an integer >= 0: received -1',
      () => withModel((model) => Object.assign(model, { seed: -1 })),
    ],
    ["random of 'fastmlp.training' must be four integers", () => withTraining({ random: [0, 0, 0, 0] })],
    ["steps of 'fastmlp.training' must be an integer >= 0", () => withTraining({ steps: 0.5 })],
    ['the scalars must be learningRate, beta1', () => withTraining({ scalars: ['learningRate'] })],
  ])('%s', async (message, file) => {
    const loaded = loadTrainer(file(), { backend: 'reference' });
    await expect(loaded).rejects.toThrow(message);
    await expect(loaded).rejects.toThrow(FormatError);
  });
});
