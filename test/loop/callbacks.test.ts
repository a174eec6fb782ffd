import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createTrainer,
  csvLogger,
  dense,
  type EarlyStoppingOptions,
  type EpochLogs,
  earlyStopping,
  type FitCallbacks,
  loadTrainer,
  modelCheckpoint,
  reduceLROnPlateau,
  sgd,
  type Trainer,
  terminateOnNaN,
} from '../../src/index.js';
import { flatWeights } from '../support/compare.js';

const folder = mkdtempSync(join(tmpdir(), 'fastmlp-callbacks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const x = Float32Array.from({ length: 400 }, (_, index) => Math.sin(index));
const t = Float32Array.from({ length: 200 }, (_, row) => x[2 * row] * x[2 * row + 1]);

const create = (learningRate = 0.1): Promise<Trainer> =>
  createTrainer({
    inputs: 2,
    layers: [dense({ units: 6, activation: 'tanh' }), dense({ units: 1 })],
    loss: 'meanSquaredError',
    optimizer: sgd({ learningRate }),
    seed: 1,
    backend: 'reference',
  });

/** A callback before the one under test that gives the epochs these losses, as a stub of the network would. */
const withLosses = async (losses: readonly number[], callback: FitCallbacks, epochs = losses.length) => {
  const trainer = await create();
  const rates: number[] = [];
  const { onEpochEnd } = callback;
  const stub: FitCallbacks = {
    ...callback,
    onEpochEnd: async (epoch, _logs: EpochLogs, context) => {
      await onEpochEnd?.(epoch, { loss: losses[epoch] }, context);
      rates.push(context.learningRate);
    },
  };
  const history = await trainer.fit(x, t, { epochs, callbacks: [stub] });
  trainer.dispose();
  return { history, rates };
};

describe('earlyStopping', () => {
  const endsAfter = async (losses: readonly number[], options?: EarlyStoppingOptions): Promise<number> =>
    (await withLosses(losses, earlyStopping(options))).history.epoch.length;

  it('ends after `patience` epochs without an improvement, at the first by default', async () => {
    expect(await endsAfter([5, 4, 4, 3, 2])).toBe(3);
    expect(await endsAfter([5, 4, 6, 7, 3, 3, 3, 3, 1], { patience: 3 })).toBe(8);
    expect(await endsAfter([5, 4, 3, 2])).toBe(4);
  });

  it('takes no improvement below minDelta and no NaN for one', async () => {
    expect(await endsAfter([5, 4.9, 1, 1], { minDelta: 0.2 })).toBe(2);
    expect(await endsAfter([5, 4.7, 4.4, 4.3, 1], { minDelta: 0.2 })).toBe(4);
    expect(await endsAfter([Number.NaN, Number.NaN, 1], { patience: 2 })).toBe(2);
  });

  it('goes back to the best epoch, when it ends the run and when the epochs are over', async () => {
    for (const [losses, patience] of [
      [[5, 3, 4, 4], 2],
      [[5, 3, 4, 4], 9],
    ] as const) {
      const trainer = await create();
      const weights: number[][] = [];
      const stop = earlyStopping({ patience });
      const history = await trainer.fit(x, t, {
        epochs: 4,
        callbacks: [
          {
            ...stop,
            onEpochEnd: (epoch, _logs, context) => {
              weights.push(flatWeights(trainer.getWeights()));
              return stop.onEpochEnd?.(epoch, { loss: losses[epoch] }, context);
            },
          },
        ],
      });
      expect(history.reason).toBe(patience === 2 ? 'earlyStopping' : 'completed');
      expect(flatWeights(trainer.getWeights())).toEqual(weights[1]);
      expect(weights[1]).not.toEqual(weights[2]);
      trainer.dispose();
    }
  });

  it('watches the validation where there is one, and refuses what the epochs do not have', async () => {
    const trainer = await create();
    await expect(
      trainer.fit(x, t, { callbacks: [earlyStopping({ monitor: 'val_accuracy' })] }),
    ).rejects.toThrow("Cannot stop early: monitor must be one of loss: received 'val_accuracy'");
    const { history, reason } = await trainer.fit(x, t, {
      epochs: 500,
      batchSize: 4,
      validationSplit: 0.3,
      callbacks: earlyStopping({ restoreBestWeights: false }),
    });
    const losses = history.val_loss as number[];
    expect(reason).toBe('earlyStopping');
    expect(losses.at(-1)).toBeGreaterThanOrEqual(losses.at(-2) as number);
    trainer.dispose();
  });
});

describe('reduceLROnPlateau', () => {
  it('multiplies the rate after `patience` epochs, waits through the cooldown, and keeps a minimum', async () => {
    const options = { factor: 0.5, patience: 2, cooldown: 2, minLearningRate: 0.03 };
    const { rates } = await withLosses([1, 1, 1, 1, 1, 1, 1, 1, 1], reduceLROnPlateau(options));
    expect(rates).toEqual([0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03, 0.03]);
  });
});

describe('csvLogger', () => {
  it('writes a header and a line an epoch that read back as the history', async () => {
    const path = join(folder, 'log.csv');
    const trainer = await create();
    const options = { epochs: 3, validationSplit: 0.2, gradientNorm: true };
    const { history, seconds } = await trainer.fit(x, t, { ...options, callbacks: [csvLogger(path)] });
    const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(header).toBe('epoch,learning_rate,seconds,loss,val_loss,gradient_norm');
    expect(lines.map((line) => line.split(',').map(Number))).toEqual(
      history.loss.map((loss, epoch) => [
        ...[epoch, 0.1, seconds[epoch], loss, history.val_loss?.[epoch]],
        history.gradient_norm?.[epoch],
      ]),
    );
    await trainer.fit(x, t, { ...options, callbacks: [csvLogger(path, { append: true })] });
    const both = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(both.filter((line) => line === header).length).toBe(1);
    expect(both.length).toBe(7);
    trainer.dispose();
  });
});

describe('modelCheckpoint', () => {
  it('writes a file an epoch by its pattern, or only the best', async () => {
    const trainer = await create();
    await trainer.fit(x, t, { epochs: 4, callbacks: modelCheckpoint(join(folder, 'e{epoch}.safetensors')) });
    const last = await loadTrainer(join(folder, 'e4.safetensors'), { backend: 'reference' });
    expect(flatWeights(last.getWeights())).toEqual(flatWeights(trainer.getWeights()));
    expect(last.epochs).toBe(4);
    const places: number[] = [];
    const best = modelCheckpoint((_bytes, { epoch }) => places.push(epoch), { saveBestOnly: true });
    await withLosses([5, 6, 3, 4, 2], best);
    expect(places).toEqual([1, 3, 5]);
    for (const one of [trainer, last]) one.dispose();
  });

  it('rejects fit when a file cannot be written', async () => {
    const trainer = await create();
    writeFileSync(join(folder, 'file'), '');
    const checkpoint = modelCheckpoint(join(folder, 'file', 'no-folder.safetensors'));
    await expect(trainer.fit(x, t, { epochs: 1000, callbacks: checkpoint })).rejects.toThrow('ENOTDIR');
    expect((await trainer.fit(x, t)).reason).toBe('completed');
    trainer.dispose();
  });

  it('writes at exact steps and at intervals while many steps are left', async () => {
    const trainer = await create(0.01);
    const steps: number[] = [];
    await trainer.fit(x, t, {
      epochs: 2,
      batchSize: 10,
      callbacks: modelCheckpoint((_bytes, { step }) => steps.push(step), { everySteps: 15 }),
    });
    expect(steps).toEqual([15, 30]);
    const times: number[] = [];
    const stop = { onInterval: () => times.length > 2 && trainer.stop(), everyMs: 5 };
    const checkpoint = modelCheckpoint((_bytes, { step }) => times.push(step), { everyMs: 5 });
    const { reason } = await trainer.fit(x, t, { epochs: 1e6, batchSize: 1, callbacks: [checkpoint, stop] });
    expect(reason).toBe('stopped');
    expect(times.length).toBeGreaterThan(2);
    trainer.dispose();
  });
});

describe('callbacks', () => {
  it('are called in their order, with the run as context', async () => {
    const trainer = await create();
    const calls: string[] = [];
    const named = (name: string): FitCallbacks => ({
      onTrainBegin: ({ epoch, step }) => calls.push(`${name} begin ${epoch} ${step}`),
      onEpochBegin: (epoch) => calls.push(`${name} epoch ${epoch}`),
      onEpochEnd: (epoch, _logs, context) =>
        calls.push(`${name} end ${epoch} ${context.epoch} ${context.step}`),
      onTrainEnd: ({ epoch }) => calls.push(`${name} over ${epoch}`),
    });
    await trainer.fit(x, t, { epochs: 3, initialEpoch: 2, callbacks: [named('a'), named('b')] });
    expect(calls).toEqual([
      ...['a begin 2 0', 'b begin 2 0', 'a epoch 2', 'b epoch 2', 'a end 2 3 7', 'b end 2 3 7'],
      ...['a over 3', 'b over 3'],
    ]);
    trainer.dispose();
  });

  it('terminateOnNaN ends a run that is not guarded', async () => {
    const trainer = await create(1e30);
    const { reason, epoch } = await trainer.fit(x, t, {
      epochs: 5,
      divergence: 'ignore',
      callbacks: terminateOnNaN(),
    });
    expect(reason).toBe('terminateOnNaN');
    expect(epoch.length).toBeLessThan(5);
    trainer.dispose();
  });

  it('refuse what is no callback', async () => {
    const trainer = await create();
    const fit = (callbacks: unknown) => trainer.fit(x, t, { callbacks } as never);
    await expect(fit([{ onEpochEnds: () => {} }])).rejects.toThrow("unknown option 'onEpochEnds'");
    await expect(fit([{ everySteps: 3 }])).rejects.toThrow('onSteps and everySteps must come together');
    await expect(fit([{ onEpochEnd: 1 }])).rejects.toThrow('callbacks.onEpochEnd must be a function');
    trainer.dispose();
  });
});
