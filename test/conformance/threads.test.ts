import { describe, expect, it } from 'vitest';
import { availableThreads, cgroupProcessors } from '../../src/backends/native/available-threads.js';
import {
  adam,
  type BackendId,
  createTrainer,
  defineActivation,
  dense,
  sgd,
  type Trainer,
  type TrainerConfig,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { reports } from '../support/backends.js';
import { flatWeights } from '../support/compare.js';

const native = reports.filter(({ kind, usable }) => kind === 'native' && usable).map(({ id }) => id);

const swish = defineActivation('swish', (z, e) => e.mul(z, e.sigmoid(z)));
const smoothMax = defineActivation('smoothMax', (z, e) => e.div(e.exp(z), e.add(1, e.rowSum(e.exp(z)))));

interface Shape {
  readonly sizes: readonly number[];
  readonly rows: number;
  readonly batch: number;
  readonly config: Omit<TrainerConfig, 'inputs' | 'layers'>;
  readonly hidden: NonNullable<Parameters<typeof dense>[0]['activation']>;
  readonly labels: boolean;
}

const classes = (optimizer: TrainerConfig['optimizer']): Shape['config'] => ({
  loss: 'crossEntropy',
  optimizer,
});
const regression = (optimizer: TrainerConfig['optimizer']): Shape['config'] => ({
  loss: 'meanSquaredError',
  optimizer,
});

/** Large enough to be divided, along rows, columns and both, with remainders everywhere. */
const shapes: Record<string, Shape> = {
  'primes, adam': {
    ...{ sizes: [131, 257, 67, 5], rows: 211, batch: 97, hidden: 'relu', labels: true },
    config: { ...classes(adam({ learningRate: 0.01 })), inputTransform: { scale: 2, offset: -0.1 } },
  },
  'wide, momentum': {
    ...{ sizes: [17, 1033, 3], rows: 130, batch: 64, hidden: 'tanh', labels: false },
    config: classes(sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 })),
  },
  'deep and thin, large batches': {
    ...{ sizes: [7, 11, 13, 11, 2], rows: 6007, batch: 4001, hidden: 'sigmoid', labels: false },
    config: regression(sgd({ learningRate: 0.1 })),
  },
  'one row at a time': {
    ...{ sizes: [521, 1031, 9], rows: 3, batch: 1, hidden: 'relu', labels: true },
    config: classes(adam({ learningRate: 0.001 })),
  },
  'few rows': {
    ...{ sizes: [601, 777, 601, 4], rows: 14, batch: 7, hidden: 'sigmoid', labels: false },
    config: regression(adam({ learningRate: 0.001 })),
  },
  'traced activation': {
    ...{ sizes: [61, 300, 129, 6], rows: 300, batch: 150, hidden: swish, labels: true },
    config: classes(sgd({ learningRate: 0.05 })),
  },
  'traced activation over rows': {
    ...{ sizes: [61, 300, 129, 6], rows: 300, batch: 150, hidden: smoothMax, labels: false },
    config: regression(sgd({ learningRate: 0.05 })),
  },
};

function dataOf({ sizes, rows, labels }: Shape): { x: Float32Array; t: Float32Array | Int32Array } {
  const random = new Random(11);
  const outputs = sizes[sizes.length - 1];
  const x = Float32Array.from({ length: rows * sizes[0] }, () => random.uniform() - 0.5);
  if (labels) return { x, t: Int32Array.from({ length: rows }, () => random.integer(outputs)) };
  return { x, t: Float32Array.from({ length: rows * outputs }, () => random.uniform() / outputs) };
}

const create = ({ sizes, config, hidden }: Shape, backend: BackendId, threads: number): Promise<Trainer> =>
  createTrainer({
    ...config,
    inputs: sizes[0],
    layers: sizes.slice(1).map((units, index) => {
      const last = index === sizes.length - 2;
      if (!last) return dense({ units, activation: hidden });
      return dense({ units, activation: config.loss === 'crossEntropy' ? 'softmax' : 'linear' });
    }),
    ...{ seed: 4, backend, threads },
  });

/** Every number that comes out of every kind of run. */
async function everything(
  shape: Shape,
  backend: BackendId,
  threads: number,
): Promise<Record<string, number[]>> {
  const { x, t } = dataOf(shape);
  const trainer = await create(shape, backend, threads);
  expect(trainer.backend.threads).toBe(threads);
  try {
    const { history } = await trainer.fit(x, t, {
      ...{ epochs: 2, batchSize: shape.batch, validationData: [x, t] },
    });
    const step = trainer.trainBatch(x, t);
    const { loss, accuracy } = await trainer.evaluate(x, t);
    const { layers, inputGradient, sampleLosses } = trainer.inspect(x, t);
    return {
      losses: [...history.loss, ...(history.val_loss ?? []), step.loss ?? 0, loss ?? 0, accuracy ?? 0],
      weights: flatWeights(trainer.getWeights()),
      outputs: [...trainer.predict(x).data],
      single: [...trainer.predict(x.subarray(0, shape.sizes[0])).data],
      gradients: trainer.computeGradients(x, t).layers.flatMap(({ weights }) => [...weights.data]),
      inspected: layers.flatMap(({ delta, weightGradient }) => [
        ...(delta?.data ?? []),
        ...(weightGradient?.data ?? []),
      ]),
      rows: [...(inputGradient?.data ?? []), ...(sampleLosses ?? [])],
    };
  } finally {
    trainer.dispose();
  }
}

describe.each(native)('threads on %s', (backend) => {
  it.each(Object.keys(shapes))('make the same bits in any number: %s', async (name) => {
    const alone = await everything(shapes[name], backend, 1);
    expect(alone.weights.every(Number.isFinite)).toBe(true);
    for (const threads of [2, 3, 5, 8]) {
      const shared = await everything(shapes[name], backend, threads);
      for (const [what, numbers] of Object.entries(alone)) {
        const differs = numbers.findIndex((value, index) => !Object.is(value, shared[what][index]));
        expect(`${what} of ${threads} threads differ at ${differs}`).toBe(
          `${what} of ${threads} threads differ at -1`,
        );
      }
    }
  });

  it('are one for a model too small to divide, else what the machine has', async () => {
    const threadsOf = async (units: number): Promise<number> => {
      const layers = [dense({ units, activation: 'tanh' }), dense({ units: 1 })];
      const optimizer = sgd({ learningRate: 0.1 });
      const trainer = await createTrainer({
        inputs: units,
        layers,
        loss: 'meanSquaredError',
        optimizer,
        backend,
      });
      const { threads } = trainer.backend;
      trainer.dispose();
      return threads;
    };
    expect(await threadsOf(2)).toBe(1);
    expect(await threadsOf(64)).toBe(availableThreads());
  });
});

describe('processors of a control group', () => {
  const read = (files: Record<string, string>) => (path: string) => files[path];

  it('are unlimited without one, or without a quota', () => {
    expect(cgroupProcessors(read({}))).toBe(Infinity);
    expect(
      cgroupProcessors(read({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' })),
    ).toBe(Infinity);
    expect(
      cgroupProcessors(
        read({
          '/proc/self/cgroup': '3:cpu:/\n',
          '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
          '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
        }),
      ),
    ).toBe(Infinity);
  });

  it('are the least quota on the way up, in version 2', () => {
    expect(
      cgroupProcessors(
        read({
          '/proc/self/cgroup': '0::/a.slice/b\n',
          '/sys/fs/cgroup/a.slice/b/cpu.max': '400000 100000\n',
          '/sys/fs/cgroup/a.slice/cpu.max': '150000 100000\n',
        }),
      ),
    ).toBe(1.5);
  });

  it('are the quota of the cpu controller, in version 1', () => {
    expect(
      cgroupProcessors(
        read({
          '/proc/self/cgroup': '5:memory:/x\n4:cpu,cpuacct:/docker/c\n',
          '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000\n',
          '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
        }),
      ),
    ).toBe(3);
  });
});
