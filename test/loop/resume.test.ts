import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type BackendId,
  createTrainer,
  dense,
  type FitContext,
  type FitOptions,
  loadTrainer,
  modelCheckpoint,
  schedules,
  sgd,
  type Trainer,
} from '../../src/index.js';
import { Random } from '../../src/random.js';
import { usableIds } from '../support/backends.js';
import { expectAgree, flatWeights } from '../support/compare.js';
import { withoutTimes } from '../support/history.js';
import { createRun, inputs, runOptions, targets } from './run.js';

const folder = mkdtempSync(join(tmpdir(), 'fastmlp-resume-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const child = fileURLToPath(new URL('killed-child.ts', import.meta.url));

/** Runs the child until it ends or, with `killAfterMs`, until it has trained for so long and is killed. */
function train(into: string, backend: BackendId, killAfterMs: number | null): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const process = spawn(globalThis.process.execPath, ['--import', 'tsx', child, into, backend]);
    let errors = '';
    process.stderr.on('data', (text) => {
      errors += text;
    });
    process.stdout.once('data', () => {
      if (killAfterMs !== null) setTimeout(() => process.kill('SIGKILL'), killAfterMs);
    });
    process.on('exit', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(code === 0);
      else reject(new Error(errors));
    });
  });
}

const endOf = (of: string) => JSON.parse(readFileSync(join(of, 'end.json'), 'utf8'));

describe('a run that is killed', () => {
  it('at 20 random moments ends with the weights and the history of one that is not', async () => {
    const backend = usableIds[0];
    const straight = mkdtempSync(join(folder, 'straight-'));
    expect(await train(straight, backend, null)).toBe(true);
    const killed = mkdtempSync(join(folder, 'killed-'));
    const random = new Random(Date.now());
    let kills = 0;
    for (let round = 0; round < 20; round++) {
      if (await train(killed, backend, Math.floor(random.uniform() * 60))) {
        expect(endOf(killed)).toEqual(endOf(straight));
        rmSync(join(killed, 'run.safetensors'));
      } else kills++;
      // Whatever is there under the name of the checkpoint is whole.
      if (readdirSync(killed).includes('run.safetensors'))
        (await loadTrainer(join(killed, 'run.safetensors'), { backend: 'reference' })).dispose();
    }
    expect(kills).toBeGreaterThan(5);
    expect(await train(killed, backend, null)).toBe(true);
    expect(endOf(killed)).toEqual(endOf(straight));
    const lines = readFileSync(join(killed, 'log.csv'), 'utf8').trimEnd().split('\n');
    expect(lines.slice(1).map((line) => Number(line.split(',')[0]))).toEqual(endOf(straight).epoch);
  }, 120_000);
});

/** Files of all checkpoints that a run of `fit` wrote at every `everySteps` steps. */
async function checkpointsOf(
  trainer: Trainer,
  options: FitOptions,
  everySteps: number,
  x = inputs,
  t: Int32Array | Float32Array = targets,
): Promise<{ files: Uint8Array[]; history: unknown }> {
  const files: Uint8Array[] = [];
  const checkpoint = modelCheckpoint((bytes) => files.push(bytes), { everySteps });
  const callbacks = [options.callbacks ?? [], checkpoint].flat();
  const history = withoutTimes(await trainer.fit(x, t, { ...options, callbacks }));
  return { files, history };
}

describe.each(usableIds)('a checkpoint on %s', (backend) => {
  it('goes on to the same weights and history, from the middle of an epoch and from its ends', async () => {
    const trainer = await createRun(backend);
    const options = { ...runOptions(), epochs: 6 };
    const { files, history } = await checkpointsOf(trainer, options, 10);
    expect(files.length).toBe(24);
    for (const file of files) {
      const again = await loadTrainer(file, { backend, threads: 1 });
      const callbacks = [...(runOptions().callbacks as []), {}];
      const ended = await again.fit(inputs, targets, { ...options, callbacks, resume: true });
      expect(withoutTimes(ended)).toEqual(history);
      expect(flatWeights(again.getWeights())).toEqual(flatWeights(trainer.getWeights()));
      expect([again.steps, again.epochs]).toEqual([trainer.steps, trainer.epochs]);
      again.dispose();
    }
    trainer.dispose();
  });

  it.each([
    ['a schedule of steps', schedules.cosine({ learningRate: 0.05, steps: 60 })],
    [
      'one of losses',
      schedules.reduceOnPlateau({ learningRate: 0.05, threshold: 0.5, patience: 1, cooldown: 1 }),
    ],
  ])('goes on with %s, weights of rows, and between batches of one step', async (_name, learningRate) => {
    const trainer = await createRun(backend);
    const options: FitOptions = {
      ...{ epochs: 6, batchSize: 8, validationSplit: 0.2, accumulateBatches: 4, learningRate },
      classWeight: 'balanced',
    };
    // Of 50 batches, 12 steps of four and one of two make an epoch.
    const { files, history } = await checkpointsOf(trainer, options, 5);
    expect(files.length).toBe(15);
    const between = await createRun(backend);
    const interrupted = between.fit(inputs, targets, { ...options, callbacks: [{}] });
    const timer = setInterval(() => files.push(between.toBytes()), 0);
    await interrupted;
    clearInterval(timer);
    between.dispose();
    const { learningRate: rates } = history as { learningRate: number[] };
    expect(rates.at(-1)).toBeLessThan(0.05);
    for (const file of files) {
      const again = await loadTrainer(file, { backend, threads: 1 });
      const resumed = { ...options, learningRate: 1, callbacks: [{}], resume: true };
      expect(withoutTimes(await again.fit(inputs, targets, resumed))).toEqual(history);
      expect(flatWeights(again.getWeights())).toEqual(flatWeights(trainer.getWeights()));
      expect([again.steps, again.learningRate]).toEqual([trainer.steps, trainer.learningRate]);
      again.dispose();
    }
    trainer.dispose();
  });

  it('goes on where many epochs run as one job, and with further epochs', async () => {
    const create = (): Promise<Trainer> =>
      createTrainer({
        inputs: 2,
        layers: [dense({ units: 3, activation: 'tanh' }), dense({ units: 1 })],
        loss: 'meanSquaredError',
        optimizer: sgd({ learningRate: 0.1, momentum: 0.5 }),
        seed: 3,
        backend,
        threads: 1,
      });
    const x = [0, 0, 0, 1, 1, 0, 1, 1, 2, 1];
    const t = [[0], [1], [1], [0], [1]];
    const trainer = await create();
    const files: Uint8Array[] = [];
    const options: FitOptions = { epochs: 900, batchSize: 2, callbacks: { everySteps: 500, onSteps } };
    function onSteps(_step: number, { save }: FitContext): void {
      save((bytes) => files.push(bytes));
    }
    const half = withoutTimes(await trainer.fit(x, t, options));
    const longer = await create();
    const whole = withoutTimes(await longer.fit(x, t, { ...options, epochs: 1000 }));
    expect(half.epoch?.length).toBe(900);
    for (const file of files.slice(0, 5)) {
      const again = await loadTrainer(file, { backend, threads: 1 });
      const ended = await again.fit(x, t, { ...options, epochs: 1000, resume: true });
      expect(withoutTimes(ended)).toEqual(whole);
      expect(flatWeights(again.getWeights())).toEqual(flatWeights(longer.getWeights()));
      again.dispose();
    }
    for (const one of [trainer, longer]) one.dispose();
  });

  it('goes on on the reference backend within tolerance', async () => {
    const trainer = await createRun(backend);
    const options = { ...runOptions(), callbacks: [], epochs: 2 };
    const { files } = await checkpointsOf(trainer, options, 30);
    const again = await loadTrainer(files[0], { backend: 'reference' });
    await again.fit(inputs, targets, { ...options, callbacks: [{}], resume: true });
    expectAgree('weights', flatWeights(again.getWeights()), flatWeights(trainer.getWeights()), 2e-3);
    for (const one of [trainer, again]) one.dispose();
  });

  it('is what save writes at any moment of a run', async () => {
    const trainer = await createRun(backend);
    const options = { epochs: 40, batchSize: 4, validationSplit: 0.2 };
    const running = trainer.fit(inputs, targets, options);
    do await new Promise((resolve) => setTimeout(resolve, 1));
    while (trainer.steps === 0);
    const bytes = trainer.toBytes();
    const ended = withoutTimes(await running);
    const again = await loadTrainer(bytes, { backend, threads: 1 });
    expect(withoutTimes(await again.fit(inputs, targets, { ...options, resume: true }))).toEqual(ended);
    expect(flatWeights(again.getWeights())).toEqual(flatWeights(trainer.getWeights()));
    for (const one of [trainer, again]) one.dispose();
  });

  it('refuses other data, other options, and a trainer without a run', async () => {
    const trainer = await createRun(backend);
    const { files } = await checkpointsOf(trainer, { epochs: 1, batchSize: 8 }, 20);
    const again = await loadTrainer(files[0], { backend, threads: 1 });
    const resume = { epochs: 1, batchSize: 8, callbacks: [{}], resume: true };
    const other = inputs.slice();
    other[0] += 1;
    await expect(again.fit(other, targets, resume)).rejects.toThrow(
      'Cannot fit: resume needs the data of the run, 500 rows of 4 with labels and the checksum',
    );
    await expect(again.fit(inputs, targets, { ...resume, batchSize: 16 })).rejects.toThrow(
      'Cannot fit: resume needs batchSize as it was, 8: received 16',
    );
    expect((await again.fit(inputs, targets, resume)).reason).toBe('completed');
    await expect(again.fit(inputs, targets, resume)).rejects.toThrow('received a trainer without a run');
    for (const one of [trainer, again]) one.dispose();
  });
});
