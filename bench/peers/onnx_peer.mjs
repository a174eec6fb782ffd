/**
 * ONNX Runtime as a contender in predicting: `node onnx_peer.mjs onnxruntime-node | onnxruntime-web`, one thread,
 * driven by JSON lines. See bench/predict.ts for the protocol.
 *
 * The rows are one tensor, made once; a repeat is one `session.run`, awaited, with its output as the library returns it.
 */

import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const [name] = process.argv.slice(2);
const ort = await import(name);
// Not an export of the package.
const { version } = JSON.parse(
  readFileSync(new URL(`./node_modules/${name}/package.json`, import.meta.url), 'utf8'),
);
const web = name === 'onnxruntime-web';
if (web) ort.env.wasm.numThreads = 1;

let session;
let feeds;

async function predict() {
  return (await session.run(feeds))[session.outputNames[0]].data;
}

async function handle(message) {
  if (message.cmd === 'predict') {
    const { model, file, result, rows } = message;
    session = await ort.InferenceSession.create(readFileSync(model), {
      executionProviders: [web ? 'wasm' : 'cpu'],
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
    });
    const { buffer, byteOffset, byteLength } = readFileSync(file);
    const x = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
    feeds = { [session.inputNames[0]]: new ort.Tensor('float32', x, [rows, x.length / rows]) };
    writeFileSync(result, await predict());
    return { ok: true };
  }
  const start = performance.now();
  for (let repeat = 0; repeat < message.repeats; repeat++) await predict();
  return { ok: true, seconds: (performance.now() - start) / 1000 };
}

function reply(message) {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

reply({ ok: true, version: `${name} ${version}` });
for await (const line of createInterface({ input: process.stdin })) {
  reply(await handle(JSON.parse(line)));
}
