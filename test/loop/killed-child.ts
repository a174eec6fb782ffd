/** Trains with checkpoints, or goes on from one, and at the end writes weights and history to a file. */
import { existsSync, writeFileSync } from 'node:fs';
import { type BackendId, csvLogger, loadTrainer, modelCheckpoint } from '../../src/index.js';
import { createRun, inputs, runOptions, targets } from './run.js';

const [folder, backend] = process.argv.slice(2) as [string, BackendId];
const checkpoint = `${folder}/run.safetensors`;
const resume = existsSync(checkpoint);
const trainer = resume ? await loadTrainer(checkpoint, { backend, threads: 1 }) : await createRun(backend);
const options = runOptions([
  modelCheckpoint(checkpoint, { everySteps: 7, everyMs: 5, everyEpochs: 1 }),
  csvLogger(`${folder}/log.csv`),
]);
process.stdout.write('began\n');
const { history, learningRate, epoch, reason } = await trainer.fit(inputs, targets, { ...options, resume });
const weights = trainer.getWeights().map((layer) => [...layer.weights.data, ...(layer.biases ?? [])]);
writeFileSync(`${folder}/end.json`, JSON.stringify({ weights, history, learningRate, epoch, reason }));
trainer.dispose();
