/** Learns exclusive or, the smallest problem that needs a hidden layer. */
import { adam, createTrainer, dense } from 'fastmlp';

const inputs = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const targets = [[0], [1], [1], [0]];

const trainer = await createTrainer({
  inputs: 2,
  layers: [dense({ units: 8, activation: 'tanh' }), dense({ units: 1, activation: 'sigmoid' })],
  loss: 'binaryCrossEntropy',
  optimizer: adam({ learningRate: 0.05 }),
  seed: 1,
});

for (let step = 1; step <= 500; step++) {
  const { loss } = trainer.trainBatch(inputs, targets);
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.toFixed(4)}`);
}

const outputs = trainer.predict(inputs);
inputs.forEach(([a, b], row) => {
  console.log(`${a} xor ${b} = ${outputs.row(row)[0]!.toFixed(3)}`);
});
trainer.dispose();
