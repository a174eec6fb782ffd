import {
  adam,
  createTrainer,
  decodeSafetensors,
  dense,
  earlyStopping,
  encodeSafetensors,
  FormatError,
  modelCheckpoint,
  schedules,
  sgd,
  type Tensor,
  type TrainerConfig,
} from '../../../src/index.js';
import { decodeModel } from '../../../src/model-decoding.js';
import type { FuzzTarget } from './fuzz.js';

const tensors: [string, Tensor][] = [
  ['weight', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['scalar', { dtype: 'F64', shape: [], data: Float64Array.of(0.5) }],
  ['none', { dtype: 'I32', shape: [0, 4], data: new Int32Array(0) }],
  ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
  ['long é "name"', { dtype: 'I64', shape: [1, 1, 1], data: BigInt64Array.of(-1n) }],
];

const isExpected = (error: unknown): boolean => error instanceof FormatError;

/** Any file that is read must be written back as it reads, and its tensors must not be larger than it. */
export const safetensorsTarget: FuzzTarget = {
  corpus: [
    encodeSafetensors([]),
    encodeSafetensors(tensors),
    encodeSafetensors(tensors.slice(0, 2), { format: 'pt', note: 'é\n"' }),
  ],
  read(bytes) {
    const { tensors: read, metadata } = decodeSafetensors(bytes);
    let total = 0;
    for (const { data } of read.values()) total += data.byteLength;
    if (total > bytes.length) throw new Error(`${total} bytes of tensors in a file of ${bytes.length}`);
    const again = decodeSafetensors(encodeSafetensors(read, metadata));
    if (again.tensors.size !== read.size) throw new Error('tensors were lost');
  },
  isExpected,
};

const configs: TrainerConfig[] = [
  {
    inputs: 3,
    inputTransform: { scale: [1, 2, 3], offset: 0.5 },
    layers: [dense({ units: 4, activation: 'relu' }), dense({ units: 2, activation: 'softmax' })],
    loss: 'crossEntropy',
    optimizer: adam(),
    seed: 1,
    backend: 'reference',
  },
  {
    inputs: 2,
    layers: [dense({ units: 1, bias: false })],
    loss: 'huber',
    optimizer: sgd({ learningRate: schedules.reduceOnPlateau({ learningRate: 0.1 }), momentum: 0.9 }),
    seed: 2,
    backend: 'reference',
  },
];

/** Model files, also without a checksum, which would keep nearly all changes from what lies behind it. */
export async function modelTarget(): Promise<FuzzTarget> {
  const corpus: Uint8Array[] = [];
  for (const config of configs) {
    const trainer = await createTrainer(config);
    const files = [trainer.toBytes({ metadata: { note: 'of the user' } })];
    const x = new Float64Array(4 * config.inputs).fill(0.5);
    const t = new Float64Array(4 * trainer.model.outputs).fill(0.5);
    const checkpoint = modelCheckpoint((bytes) => files.push(bytes), { everySteps: 3 });
    await trainer.fit(x, t, { epochs: 2, batchSize: 2, callbacks: [checkpoint, earlyStopping()] });
    trainer.dispose();
    for (const bytes of files) {
      const { tensors: read, metadata } = decodeSafetensors(bytes);
      const { 'fastmlp.checksum': _, ...rest } = metadata;
      const bare = encodeSafetensors(read, rest);
      corpus.push(bytes, bare, bare);
    }
  }
  return { corpus, read: (bytes) => void decodeModel(bytes), isExpected };
}
