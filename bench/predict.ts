/**
 * Rows predicted a second: `predictInto` of fastmlp's backends next to ONNX Runtime and TensorFlow.js, one thread each.
 *
 * A peer answers `{ cmd: 'predict', sizes, rows, model, weights, file, result }` when it has predicted the rows of `file`
 * once and written the outputs to `result`, all float32: `model` is an ONNX file, `weights` has units × inputs and
 * biases of each layer. Then `{ cmd: 'run', repeats }` with `{ seconds }`: a repeat is one call on all the rows.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackendId, createTrainer, dense, sgd } from 'fastmlp';
import {
  type Contender,
  measure,
  missingLines,
  type PeerRatio,
  type Refusal,
  ratiosToPeers,
  startPeers,
  type Timing,
  time,
  timingOf,
} from './harness.js';
import { encodeOnnx } from './onnx.js';
import type { BenchOptions } from './options.js';
import type { Peer, PeerName } from './peer.js';
import { createData, encodeData, type StepData } from './step-cases.js';
import { entrantBackends } from './steps.js';
import { formatNumber, formatRatio, formatTable, relativeError } from './tables.js';

const networks = [
  [784, 128, 10],
  [784, 512, 512, 10],
  [784, 2048, 2048, 2048, 10],
];
const rowCounts = [1, 64, 1024];
const peerNames: readonly PeerName[] = ['onnxruntime-node', 'onnxruntime-web', 'tfjs'];

/** Outputs are compared with the reference's on so many rows at either end. */
const CHECKED_ROWS = 8;
/** Of the largest probability: float32 sums of 2048 products through four layers. */
const TOLERANCE = 1e-4;

interface PredictResult extends Timing {
  isPeer: boolean;
  peers: PeerRatio[];
  rowsPerSecond: number;
}

interface PredictCase {
  name: string;
  results: PredictResult[];
  wrong: Refusal[];
}

interface PredictReport {
  missing: Refusal[];
  cases: PredictCase[];
  wrong: Refusal[];
}

interface Files {
  model: string;
  weights: string;
  file: string;
  result: string;
}

interface Ready extends Contender {
  outputs: ArrayLike<number>;
  dispose(): void;
}

async function createPredictor(sizes: number[], { layers }: StepData, backend: BackendId) {
  const units = sizes.slice(1);
  const trainer = await createTrainer({
    inputs: sizes[0],
    layers: units.map((count, index) =>
      dense({ units: count, activation: index === units.length - 1 ? 'softmax' : 'relu' }),
    ),
    loss: 'crossEntropy',
    optimizer: sgd({ learningRate: 0.1 }),
    backend,
    threads: 1,
  });
  trainer.setWeights(layers);
  return trainer;
}

async function readyBackend(id: BackendId, sizes: number[], rows: number, data: StepData): Promise<Ready> {
  const trainer = await createPredictor(sizes, data, id);
  const outputs = new Float32Array(rows * sizes[sizes.length - 1]);
  const run = (repeats: number) =>
    time(() => {
      for (let repeat = 0; repeat < repeats; repeat++) trainer.predictInto(data.x, outputs);
    });
  run(1);
  return { name: id, run, outputs: outputs.slice(), dispose: () => trainer.dispose() };
}

async function readyPeer(peer: Peer, sizes: number[], rows: number, files: Files): Promise<Ready> {
  await peer.ask({ cmd: 'predict', sizes, rows, ...files });
  const bytes = Uint8Array.from(await readFile(files.result));
  const outputs = new Float32Array(bytes.buffer);
  return { name: peer.name, run: (repeats) => peer.run(repeats), outputs, dispose() {} };
}

/** The first and the last rows. */
function ends<T extends ArrayLike<number>>(values: T, rows: number, columns: number): number[] {
  const shown = Math.min(rows, CHECKED_ROWS) * columns;
  const list = Array.from(values);
  return [...list.slice(0, shown), ...list.slice(-shown)];
}

async function measureCase(
  sizes: number[],
  rows: number,
  ids: BackendId[],
  peers: Peer[],
  files: Files,
  rounds: number,
): Promise<PredictCase> {
  const data = createData({ sizes, loss: 'crossEntropy', rows });
  await writeFile(files.model, encodeOnnx(sizes, data.layers));
  await writeFile(
    files.weights,
    encodeData({ layers: data.layers, x: new Float32Array(0), t: new Float32Array(0) }),
  );
  await writeFile(files.file, encodeData({ layers: [], x: data.x, t: new Float32Array(0) }));
  const reference = await createPredictor(sizes, data, 'reference');
  const expected = reference.predict(Float32Array.from(ends(data.x, rows, sizes[0]))).data;
  reference.dispose();

  const wrong: Refusal[] = [];
  const contenders: Ready[] = [];
  for (const prepare of [
    ...ids.map((id) => () => readyBackend(id, sizes, rows, data)),
    ...peers.map((peer) => () => readyPeer(peer, sizes, rows, files)),
  ]) {
    const ready = await prepare();
    const error = relativeError(ends(ready.outputs, rows, sizes[sizes.length - 1]), expected);
    // Written so that NaN is wrong.
    if (error <= TOLERANCE) contenders.push(ready);
    else
      wrong.push({
        name: ready.name,
        reason: `outputs differ from the reference by ${error} of the largest`,
      });
  }
  const timings = await measure(contenders, rounds);
  for (const contender of contenders) contender.dispose();
  const isPeer = ({ name }: Timing) => (peerNames as readonly string[]).includes(name);
  const results = timings.map((timing) => ({
    ...timingOf(timing),
    isPeer: isPeer(timing),
    peers: ratiosToPeers(timing, timings.filter(isPeer)),
    rowsPerSecond: rows / timing.median,
  }));
  return { name: caseName(sizes, rows), results, wrong };
}

const caseName = (sizes: number[], rows: number) =>
  `${sizes.join('-')}, ${rows} ${rows === 1 ? 'row' : 'rows'}`;

export async function benchPredict(
  { rounds, backends, match, peers: withPeers }: BenchOptions,
  print: (text: string) => void,
): Promise<PredictReport> {
  const { ids, missing } = await entrantBackends(backends);
  const { peers, missing: missingPeers } = await startPeers(withPeers ? peerNames : []);
  missing.push(...missingPeers);
  const versions = peers.map(({ name, version }) => `\n  ${name}: ${version}`).join('');
  print(`Predicting, one thread, ${rounds} rounds${versions}${missingLines(missing)}`);
  const folder = await mkdtemp(join(tmpdir(), 'fastmlp-bench-'));
  const [model, weights, file, result] = ['model', 'weights', 'rows', 'result'].map((name) =>
    join(folder, name),
  );
  try {
    const cases: PredictCase[] = [];
    for (const sizes of networks) {
      for (const rows of rowCounts.filter((count) => match.test(caseName(sizes, count)))) {
        const done = await measureCase(sizes, rows, ids, peers, { model, weights, file, result }, rounds);
        print(formatCase(done));
        cases.push(done);
      }
    }
    return { missing, cases, wrong: cases.flatMap((one) => one.wrong) };
  } finally {
    for (const peer of peers) peer.close();
    await rm(folder, { recursive: true });
  }
}

function formatCase({ name, results, wrong }: PredictCase): string {
  const others = results.filter(({ isPeer }) => isPeer);
  const header = [
    '',
    'min µs',
    'median µs',
    'rows/s',
    ...others.flatMap((other) => [`× ${other.name}`, 'by min']),
  ];
  const rows = results.map(({ name: who, min, median, rowsPerSecond, peers }) => [
    who,
    ...[min * 1e6, median * 1e6, rowsPerSecond].map(formatNumber),
    ...peers.flatMap(({ ratio, byMin }) => [ratio, byMin]).map(formatRatio),
  ]);
  const refusals = wrong.map((one) => `\n  ${one.name}: WRONG ANSWER, not timed: ${one.reason}`);
  return `${name}\n${formatTable(header, rows)}${refusals.join('')}`;
}
