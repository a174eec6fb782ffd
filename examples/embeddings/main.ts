/**
 * A classifier head on embeddings, trained the way a server would: early stopping on a stratified split, a confusion
 * matrix, a model file, and the time next to scikit-learn where python3 has it. The embeddings are MNIST's images behind a
 * fixed random projection to 128 numbers, which stands in for a model that makes them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adam, createTrainer, dense, earlyStopping, loadTrainer } from 'fastmlp';
import { loadMnist } from '../mnist/data.js';
import { embed } from './embed.js';
import { trainWithSklearn } from './sklearn.js';

const columns = 128;
const trainRows = 20_000;
const batchSize = 128;
const units = 64;
const requiredAccuracy = 0.94;

const { train, test } = await loadMnist();
const x = embed(train.images.subarray(0, 784 * trainRows), columns);
const labels = Int32Array.from(train.labels.subarray(0, trainRows));
const testX = embed(test.images, columns);
const testLabels = Int32Array.from(test.labels);
console.log(`${trainRows} embeddings of ${columns} numbers in 10 classes`);

const trainer = await createTrainer({
  inputs: columns,
  layers: [dense({ units, activation: 'relu' }), dense({ units: 10, activation: 'softmax' })],
  loss: 'crossEntropy',
  optimizer: adam(),
  seed: 1,
});
const began = performance.now();
const { epoch, history, reason } = await trainer.fit(x, labels, {
  epochs: 40,
  batchSize,
  validationSplit: 0.1,
  validationSplitMode: 'stratified',
  callbacks: earlyStopping({ patience: 3 }),
});
const seconds = (performance.now() - began) / 1000;
const epochs = epoch.length;
console.log(`${trainer.backend.id}: ${epochs} epochs in ${seconds.toFixed(2)} s, ${reason}`);
console.log(`best val_loss ${Math.min(...(history.val_loss ?? [])).toFixed(4)}`);

const { accuracy = 0, metrics } = await trainer.evaluate(testX, testLabels, {
  metrics: ['confusionMatrix', 'f1'],
});
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %, macro F1 ${metrics.f1.toFixed(4)}`);
console.log('confusion matrix (a row per digit, a column per answer):');
for (const row of metrics.confusionMatrix.toArrays())
  console.log(row.map((count) => String(count).padStart(5)).join(''));

const folder = mkdtempSync(join(tmpdir(), 'fastmlp-embeddings-'));
try {
  const path = join(folder, 'head.safetensors');
  await trainer.save(path);
  const loaded = await loadTrainer(path);
  const expected = trainer.predictClasses(testX);
  const same = loaded.predictClasses(testX).every((label, row) => label === expected[row]);
  console.log(`saved, loaded: ${same ? 'the same answers' : 'OTHER ANSWERS'}`);
  loaded.dispose();
  const rows = { x, labels, testX, testLabels };
  const peer = await trainWithSklearn(folder, rows, { epochs, batchSize, units, columns });
  if (typeof peer === 'string') console.log(`no comparison with scikit-learn: ${peer}`);
  else {
    const ratio = (peer.seconds / seconds).toFixed(1);
    console.log(`scikit-learn MLPClassifier: ${epochs} epochs in ${peer.seconds.toFixed(2)} s (${ratio} x)`);
    console.log(`  test accuracy ${(100 * peer.accuracy).toFixed(2)} %`);
  }
  process.exitCode = same && accuracy >= requiredAccuracy ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
  trainer.dispose();
}
