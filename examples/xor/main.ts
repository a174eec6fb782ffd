/**
 * Learns exclusive or, the smallest problem that needs a hidden layer, prints what the network decides, and draws how
 * it got there: `npm run example:xor [-- folder]`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adam, createTrainer, decisionBoundary, dense, lossCurve } from 'fastmlp';

const folder = process.argv[2] ?? join('build', 'xor');

const inputs = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const targets = [[0], [1], [1], [0]];

// Two hidden units are just enough; from about every second seed they end in a local minimum.
const trainer = await createTrainer({
  inputs: 2,
  layers: [dense({ units: 2, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })],
  loss: 'binaryCrossEntropy',
  optimizer: adam({ learningRate: 0.1 }),
  seed: 1,
});
console.log(`backend: ${trainer.backend.id}`);

const history = await trainer.fit(inputs, targets, { epochs: 300, batchSize: inputs.length });
const { epoch } = history;
for (let index = 49; index < epoch.length; index += 50) {
  console.log(`epoch ${epoch[index]! + 1}: loss ${history.history.loss[index]!.toFixed(4)}`);
}

const outputs = trainer.predict(inputs);
const decisions = trainer.predictClasses(inputs);
inputs.forEach(([a, b], row) => {
  console.log(`${a} xor ${b} = ${decisions[row]}  (output ${outputs.row(row)[0]!.toFixed(3)})`);
});

trainer.inspect(inputs, targets);
const drawings = {
  'loss-curve.svg': await lossCurve(history, { title: 'Loss' }),
  'decision-boundary.svg': await decisionBoundary(trainer, { x: inputs, y: targets, title: 'Exclusive or' }),
  'graph.svg': await trainer.graph().toSvg(),
};
trainer.dispose();
await mkdir(folder, { recursive: true });
for (const [name, svg] of Object.entries(drawings)) {
  const file = join(folder, name);
  await writeFile(file, svg);
  console.log(`wrote ${file}`);
}
process.exitCode = decisions.every((decision, row) => decision === targets[row]![0]) ? 0 : 1;
