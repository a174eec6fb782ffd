/**
 * TensorFlow.js as a contender: its wasm backend, one thread, driven by JSON lines.
 *
 * See bench/steps.ts and bench/predict.ts for the protocol, bench/step-cases.ts for the file of weights and rows.
 * The loop uses core operations and `optimizer.minimize`, which cost less per step than the layers API, and
 * one-hot targets made once, outside the loop. What decides its speed is the backward products: the
 * wasm backend multiplies through XNNPACK only where neither operand is transposed.
 */

import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

// TensorFlow.js greets on the console; standard output belongs to the protocol.
console.log = console.error;

const tf = await import('@tensorflow/tfjs');
const { setThreadsCount, setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');

const losses = {
  crossEntropy: (targets, outputs) => tf.losses.softmaxCrossEntropy(targets, outputs),
  meanSquaredError: (targets, outputs) => tf.losses.meanSquaredError(targets, outputs),
  binaryCrossEntropy: (targets, outputs) => tf.losses.sigmoidCrossEntropy(targets, outputs),
};

function makeOptimizer({ kind, learningRate, epsilon }) {
  return kind === 'sgd' ? tf.train.sgd(learningRate) : tf.train.adam(learningRate, 0.9, 0.999, epsilon);
}

function readFloats(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Takes so many values after another from the front of an array. */
function taker(values) {
  let offset = 0;
  return (count) => {
    offset += count;
    return values.slice(offset - count, offset);
  };
}

/** Weights as inputs × units, as matMul wants them, where the file has units × inputs; biases. */
function takeLayers(sizes, take) {
  return sizes.slice(1).map((units, index) => ({
    weights: tf.tidy(() => tf.transpose(tf.tensor2d(take(units * sizes[index]), [units, sizes[index]]))),
    biases: tf.tensor1d(take(units)),
  }));
}

function createPredictor({ sizes, rows, weights, file, result }) {
  const layers = takeLayers(sizes, taker(readFloats(weights)));
  const x = tf.tensor2d(readFloats(file), [rows, sizes[0]]);
  const predict = () =>
    tf.tidy(() => {
      const last = layers.length - 1;
      const z = layers.reduce(
        (a, { weights: b, biases: bias }, index) =>
          tf.fused.matMul({ a, b, bias, activation: index === last ? 'linear' : 'relu' }),
        x,
      );
      return tf.softmax(z).dataSync();
    });
  writeFileSync(result, predict());
  return {
    reset() {},
    train(repeats) {
      for (let repeat = 0; repeat < repeats; repeat++) predict();
    },
    dispose: () => tf.dispose([x, layers]),
  };
}

function createContender({ sizes, hidden, loss, optimizer: optimizerSpec, batch, rows, file }) {
  const take = taker(readFloats(file));
  const layers = takeLayers(sizes, take).map(({ weights, biases }) => ({
    initialWeights: weights,
    initialBiases: biases,
    weights: tf.variable(weights),
    biases: tf.variable(biases),
  }));
  const x = tf.tensor2d(take(rows * sizes[0]), [rows, sizes[0]]);
  const t =
    loss === 'crossEntropy'
      ? tf.tidy(() => tf.oneHot(tf.tensor1d(Int32Array.from(take(rows)), 'int32'), sizes.at(-1)).toFloat())
      : tf.tensor2d(take(rows * sizes.at(-1)), [rows, sizes.at(-1)]);
  const batches = Array.from({ length: rows / batch }, (_, index) => ({
    x: x.slice([index * batch, 0], [batch, -1]),
    t: t.slice([index * batch, 0], [batch, -1]),
  }));

  // The wasm backend fuses relu into the product, but neither sigmoid nor tanh.
  const fused = hidden === 'relu' ? 'relu' : 'linear';
  const forward = (input) =>
    layers.reduce((a, { weights: b, biases: bias }, index) => {
      if (index === layers.length - 1) return tf.fused.matMul({ a, b, bias });
      const product = tf.fused.matMul({ a, b, bias, activation: fused });
      return fused === hidden ? product : tf[hidden](product);
    }, input);
  const optimizer = makeOptimizer(optimizerSpec);

  return {
    reset() {
      for (const { weights, biases, initialWeights, initialBiases } of layers) {
        weights.assign(initialWeights);
        biases.assign(initialBiases);
      }
    },
    loss: () => tf.tidy(() => losses[loss](t, forward(x)).dataSync()[0]),
    train(steps) {
      for (let step = 0; step < steps; step++) {
        const { x: inputs, t: targets } = batches[step % batches.length];
        optimizer.minimize(() => losses[loss](targets, forward(inputs)));
      }
    },
    dispose() {
      optimizer.dispose();
      tf.disposeVariables();
      tf.dispose([x, t, layers, batches]);
    },
  };
}

let contender;

function handle(message) {
  if (message.cmd === 'prepare') {
    contender?.dispose();
    contender = createContender(message.case);
    const before = contender.loss();
    contender.train(message.case.checkSteps);
    return { ok: true, check: { before, after: contender.loss() } };
  }
  if (message.cmd === 'predict') {
    contender?.dispose();
    contender = createPredictor(message);
    return { ok: true };
  }
  contender.reset();
  const start = performance.now();
  contender.train(message.repeats);
  return { ok: true, seconds: (performance.now() - start) / 1000 };
}

function reply(message) {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

const wasmEntry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
setWasmPaths(join(dirname(wasmEntry), sep));
setThreadsCount(1);
await tf.setBackend('wasm');
const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
reply({ ok: true, version: `TensorFlow.js ${tf.version.tfjs}, wasm${simd ? ' SIMD' : ''}` });
for await (const line of createInterface({ input: process.stdin })) {
  reply(handle(JSON.parse(line)));
}
